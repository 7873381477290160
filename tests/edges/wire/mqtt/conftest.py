"""A listener on a free port."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from tests.edges.wire.conftest import FakeHouse
from verger.base.clock import HeldClock
from verger.base.patience import Patience
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.keeper import Keeper
from verger.domain.messages.model import Guest
from verger.domain.messages.retained import Retained
from verger.domain.messages.room import Room
from verger.domain.messages.store import Page
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.listener import Listener

Open = Callable[..., Awaitable[tuple[Listener, int]]]


class Impatient(Patience):
    """Answers at once, and remembers who failed."""

    def __init__(self, wait: float = 0.0) -> None:
        super().__init__()
        self.wait, self.keys = wait, list[str]()

    def failed(self, *keys: str) -> float:
        self.keys += keys
        return self.wait


class FakeDisk:
    """Takes every page, unless told to wait."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, page: Page) -> None:
        await self.open.wait()
        self.pages.append(page)


class FakeMembers:
    """Knows the keys "vk_<tenant>", "vk_<tenant>-reads", and any number of them as "vk_<tenant>-<number>".

    Some have `ended`, some may only read by now and so may their makers, and the makers of some have gone.
    """

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.lesser: set[str] = set()
        self.makers_gone: set[str] = set()
        self.refused = asyncio.Event()

    async def admit(self, token: str) -> Guest | None:
        return await self.bound(token.removeprefix("vk_"))

    async def bound(self, key: str) -> Guest | None:
        tenant, _, what = key.partition("-")
        if key in self.ended or tenant not in {"farm", "cottage"}:
            self.refused.set()
            return None
        return Guest(tenant, key, reads=True, writes=what != "reads" and key not in self.lesser)

    async def left(self, guest: Guest) -> Guest | None:
        if guest.key in self.makers_gone:
            return None
        return structs.replace(guest, writes=guest.writes and guest.key not in self.lesser)


@pytest.fixture
def members() -> FakeMembers:
    """Return who knows programs."""
    return FakeMembers()


@pytest.fixture
def disk() -> FakeDisk:
    """Return a disk."""
    return FakeDisk()


def make_exchange(disk: FakeDisk) -> Exchange:
    """Return an exchange whose keeper does not run yet."""
    keeper = Keeper(disk)
    return Exchange(keeper, Retained(keeper, HeldClock()), Room())


@pytest_asyncio.fixture
async def exchange(disk: FakeDisk) -> AsyncIterator[Exchange]:
    """Return an exchange whose keeper runs."""
    made = make_exchange(disk)
    running = asyncio.create_task(made.keeper.run())
    yield made
    running.cancel()


@pytest_asyncio.fixture
async def open_listener(
    house: FakeHouse, inlet: Inlet, exchange: Exchange, members: FakeMembers
) -> AsyncIterator[Open]:
    """Return a function that opens a listener."""
    listeners: list[Listener] = []

    async def opened(patience: Patience | None = None, **given: Any) -> tuple[Listener, int]:
        listener = Listener(house, inlet, exchange, members, patience or Impatient(), busy_s=0.01, **given)
        listeners.append(listener)
        return listener, await listener.listen("127.0.0.1", 0)

    yield opened
    for listener in listeners:
        await listener.stop()


@pytest_asyncio.fixture
async def port(open_listener: Open) -> int:
    """Return the port of a listener."""
    _, port = await open_listener()
    return port

"""A listener on a free port."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio

from tests.edges.wire.conftest import FakeHouse
from verger.base.patience import Patience
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


@pytest_asyncio.fixture
async def open_listener(house: FakeHouse, inlet: Inlet) -> AsyncIterator[Open]:
    """Return a function that opens a listener."""
    listeners: list[Listener] = []

    async def opened(patience: Patience | None = None, **given: Any) -> tuple[Listener, int]:
        listener = Listener(house, inlet, patience or Impatient(), busy_s=0.01, **given)
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

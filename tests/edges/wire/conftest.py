"""What tests of the wire lean on: uvloop, as in the product, and a house that is easy to look into."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio
import uvloop

from verger.base.errors import Busy, Fault, Unknown
from verger.domain.devices.joining import Grant, Wish
from verger.domain.telemetry.model import Ack, Answer, Heard, Run, apart
from verger.domain.tenancy.limits import Limits
from verger.edges.wire.inlet import Inlet


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on the loop that the product runs on."""
    return {"uvloop": uvloop.new_event_loop}


class FakeInbound:
    """Keeps everything, unless told to wait, to be busy or to break."""

    def __init__(self) -> None:
        self.batches: list[list[Heard]] = []
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.taking = asyncio.Event()

    @property
    def heard(self) -> list[Heard]:
        """Everything that came in, without acknowledgements and what was only to be answered in its turn."""
        every = [heard for batch in self.batches for heard in batch if heard.said or heard.refused]
        return [heard for heard in every if not any(isinstance(said, Ack) for said in heard.said)]

    @property
    def acks(self) -> list[tuple[str, Ack]]:
        """Who acknowledged or answered what."""
        every = [heard for batch in self.batches for heard in batch]
        return [(heard.device, said) for heard in every for said in heard.said if isinstance(said, Ack)]

    async def take(self, heard: Sequence[Heard | Run]) -> list[Answer]:
        self.taking.set()
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        self.batches.append(apart(heard))
        return [self._answer(one) for one in self.batches[-1]]

    def _answer(self, heard: Heard) -> Answer:
        if heard.said or heard.refused:
            return Answer(bool(heard.said), heard.refused)
        return Answer(kept=False, refused=(Fault("", "There was nothing to keep in this message."),))

    def be_busy(self) -> None:
        self.failure = Busy("The disk is full.")


class FakeHouse:
    """Knows the devices of the tokens "token-…"."""

    def __init__(self) -> None:
        self.presence: list[str] = []
        self.came = asyncio.Event()
        self.remarks: list[tuple[str, str, str]] = []
        self.certificates: dict[str, str] = {}
        self.entered: list[tuple[str, bool]] = []
        self.left: list[str] = []
        self.full = ""
        self.own_bounds: tuple[int, dict[str, str]] = (0, {})
        self.own_inbox: tuple[int, int, int] | None = None
        self.allowed = Limits()
        self.client: dict[str, Any] = {"floor": 3}
        self.shared: dict[str, Any] = {"every_s": 60}

    def holder(self, token: str) -> str | None:
        return token.removeprefix("token-") if token.startswith("token-") else None

    def certified(self, fingerprint: str) -> str | None:
        return self.certificates.get(fingerprint)

    def tenant(self, device: str) -> str:
        del device
        return "farm"

    def enter(self, tenant: str, *, again: bool) -> str:
        self.entered.append((tenant, again))
        return self.full

    def leave(self, tenant: str) -> None:
        self.left.append(tenant)

    def limits(self, tenant: str) -> Limits:
        return self.allowed

    def bounds(self, device: str) -> tuple[int, dict[str, str]]:
        return self.own_bounds

    def inbox(self, device: str) -> tuple[int, int, int]:
        return self.own_inbox or (
            self.allowed.inbox_messages,
            self.allowed.inbox_bytes,
            self.allowed.inbox_days,
        )

    def connected(self, device: str) -> None:
        self.presence.append(f"{device} came")
        self.came.set()

    def disconnected(self, device: str) -> None:
        self.presence.append(f"{device} went")

    def remark(self, device: str, kind: str, message: str) -> None:
        self.remarks.append((device, kind, message))

    def known_by(self, client_id: str, username: str, password: str) -> str | None:
        return "basic" if (client_id, username, password) == ("c", "me", "my password") else None

    def is_gateway(self, device: str) -> bool:
        return device == "gateway"

    def behind(self, gateway: str, name: str) -> str | None:
        return name if gateway == "gateway" and name != "nobody" else None

    async def join(self, wish: Wish) -> Grant:
        if wish.secret != "right":
            raise Unknown("This key lets nobody in.")
        return Grant(wish.kind, "vt_fresh")

    async def attributes(
        self, device: str, client: Sequence[str] | None, shared: Sequence[str] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        del device
        return _chosen(self.client, client), _chosen(self.shared, shared)


def _chosen(values: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    return values if names is None else {name: values[name] for name in names if name in values}


@pytest.fixture
def house() -> FakeHouse:
    """Return a house."""
    return FakeHouse()


@pytest_asyncio.fixture
async def inbound() -> FakeInbound:
    """Return an inbound."""
    return FakeInbound()


@pytest_asyncio.fixture
async def inlet(inbound: FakeInbound) -> AsyncIterator[Inlet]:
    """Return an inlet that runs."""
    inlet = Inlet(inbound)
    running = asyncio.create_task(inlet.run())
    yield inlet
    inbound.open.set()
    inlet.stop()
    await running

"""A whole API over a fresh database, and browsers and programs to ask it with."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.people import Household, first_household, next_household, quick_tenancy
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.patience import Patience
from verger.base.settings import Settings
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api.app import build
from verger.edges.api.given import System
from verger.edges.api.slowness import Slowness

HERE = "http://verger.test"
LOCAL = "127.0.0.1", "http://localhost:8000"


@dataclass
class Waits:
    """Instead of sleeping, remember for how long one would have."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def tenancy(db: Database, clock: HeldClock) -> Tenancy:
    return quick_tenancy(db, clock)


@pytest.fixture
def system(tenancy: Tenancy, clock: HeldClock, waits: Waits) -> System:
    patience = Patience(now=lambda: clock.now() / 1e6)
    return System(settings=Settings(), clock=clock, tenancy=tenancy, slowness=Slowness(patience, waits))


@pytest.fixture
def app(system: System) -> Any:
    return build(system)


def visitor(app: Any, peer: str = "203.0.113.5", base: str = HERE) -> httpx.AsyncClient:
    """Return a client at an address."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 50_000)), base_url=base)


Ask = Callable[..., httpx.AsyncClient]


@pytest_asyncio.fixture
async def ask(app: Any) -> AsyncIterator[Ask]:
    """Return a maker of clients: `ask(token)`, `ask(peer="127.0.0.1", base="http://localhost:8000")`."""
    clients: list[httpx.AsyncClient] = []

    def make(token: str | None = None, *, peer: str = "203.0.113.5", base: str = HERE) -> httpx.AsyncClient:
        client = visitor(app, peer, f"{base}/api/v1")
        if token:
            client.headers["Authorization"] = f"Bearer {token}"
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest_asyncio.fixture
async def house(tenancy: Tenancy) -> Household:
    """Return the first tenant, with a person of every role."""
    return await first_household(tenancy)


@pytest_asyncio.fixture
async def neighbour(tenancy: Tenancy, house: Household) -> Household:
    """Return another tenant, with other people."""
    assert house.tenant
    return await next_household(tenancy)

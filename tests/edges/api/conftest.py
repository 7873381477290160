"""A whole API over a fresh database, and browsers and programs to ask it with."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.patience import Patience
from verger.base.secrets import ServerSecret
from verger.base.settings import Settings
from verger.domain.tenancy.model import Founding, Role
from verger.domain.tenancy.passwords import Passwords
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api.app import build
from verger.edges.api.given import System
from verger.edges.api.slowness import Slowness

PASSWORD = "correct horse"
HERE = "http://verger.test"


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
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Tenancy.over(db, clock, ServerSecret(b"s" * 32), passwords=quick)


@pytest.fixture
def system(tenancy: Tenancy, clock: HeldClock, waits: Waits) -> System:
    patience = Patience(now=lambda: clock.now() / 1e6)
    return System(settings=Settings(), clock=clock, tenancy=tenancy, slowness=Slowness(patience, waits))


@pytest.fixture
def app(system: System) -> Any:
    return build(system)


Ask = Callable[..., httpx.AsyncClient]


@pytest_asyncio.fixture
async def ask(app: Any) -> AsyncIterator[Ask]:
    """Return a maker of clients: `ask(token)`, `ask(peer="127.0.0.1", base="http://localhost:8000")`."""
    clients: list[httpx.AsyncClient] = []

    def make(token: str | None = None, *, peer: str = "203.0.113.5", base: str = HERE) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(peer, 50_000), raise_app_exceptions=True)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(transport=transport, base_url=f"{base}/api/v1", headers=headers)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@dataclass(frozen=True)
class House:
    """A tenant with one person of each role, each with a session."""

    tenant: str
    people: dict[Role, str]
    tokens: dict[Role, str]


async def furnish(tenancy: Tenancy, tenant: str, owner: str, name: str) -> House:
    """Give a tenant a person of every role; the owner is there already."""
    people = {Role.owner: owner}
    for role in (Role.viewer, Role.member, Role.manager):
        email = f"{role}@{name.lower()}.test"
        people[role] = (await tenancy.users.add(tenant, role, f"{name}'s {role}", email, PASSWORD)).id
    tokens = {role: await tenancy.sessions.open(user, tenant) for role, user in people.items()}
    return House(tenant, people, tokens)


@pytest_asyncio.fixture
async def house(tenancy: Tenancy) -> House:
    """Return the first tenant, with a person of every role."""
    founding = Founding("Mökki", "Aino", "Aino@example.test", PASSWORD, "Europe/Helsinki")
    tenant, owner = await tenancy.users.found(founding)
    return await furnish(tenancy, tenant.id, owner.id, "Mökki")


@pytest_asyncio.fixture
async def neighbour(tenancy: Tenancy, house: House) -> House:
    """Return another tenant, with other people."""
    assert house
    tenant = await tenancy.users.add_tenant("Farm", "Asia/Manila")
    owner = await tenancy.users.add(tenant.id, Role.owner, "Bea", "bea@example.test", PASSWORD)
    return await furnish(tenancy, tenant.id, owner.id, "Farm")

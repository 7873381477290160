"""People for tests: a tenant with one person of every role."""

from dataclasses import dataclass

from tests.quick import QUICK
from verger.base.clock import Clock
from verger.base.db import Database
from verger.base.secrets import ServerSecret
from verger.domain.tenancy.model import Founding, Role
from verger.domain.tenancy.passwords import Passwords
from verger.domain.tenancy.tenancy import Tenancy

PASSWORD = "correct horse"


def quick_tenancy(db: Database, clock: Clock) -> Tenancy:
    """Return tenancy whose passwords take no time."""
    return Tenancy.over(db, clock, ServerSecret(b"s" * 32), passwords=Passwords(QUICK))


@dataclass(frozen=True)
class Household:
    """A tenant with one person of each role, each with a session."""

    tenant: str
    people: dict[Role, str]
    tokens: dict[Role, str]


async def furnish(tenancy: Tenancy, tenant: str, owner: str, name: str) -> Household:
    """Give a tenant a person of every role; the owner is there already."""
    people = {Role.owner: owner}
    for role in (Role.viewer, Role.member, Role.manager):
        email = f"{role}@{name.lower()}.test"
        people[role] = (await tenancy.users.add(tenant, role, f"{name}'s {role}", email, PASSWORD)).id
    tokens = {role: await tenancy.sessions.open(user, tenant) for role, user in people.items()}
    return Household(tenant, people, tokens)


async def first_household(tenancy: Tenancy) -> Household:
    """Make the first tenant, with a person of every role."""
    founding = Founding("Mökki", "Aino", "Aino@example.test", PASSWORD, "Europe/Helsinki")
    tenant, owner = await tenancy.users.found(founding)
    return await furnish(tenancy, tenant.id, owner.id, "Mökki")


async def next_household(tenancy: Tenancy, name: str = "Farm") -> Household:
    """Make another tenant, with other people."""
    tenant = await tenancy.users.add_tenant(name, "Asia/Manila")
    owner = await tenancy.users.add(tenant.id, Role.owner, "Bea", f"bea@{name.lower()}.test", PASSWORD)
    return await furnish(tenancy, tenant.id, owner.id, name)

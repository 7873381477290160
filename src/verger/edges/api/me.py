"""You: who you are, where, and what you may do."""

from typing import Self

from litestar import get, patch
from msgspec import Struct

from verger.base.errors import Invalid
from verger.domain.tenancy.model import AboutMe, ApiKey, Membership, Permission, Role, Tenant, User, permissions
from verger.edges.api.given import Caller, Given, JSONBody, System, Whence


class Me(Struct, frozen=True):
    """Who is asking (`user`, or `key` for a program), in which tenant, and what they may do there."""

    user: User | None
    key: ApiKey | None
    tenants: list[Membership]
    tenant: Tenant
    role: Role
    permissions: list[Permission]
    version: int

    @classmethod
    async def of(cls, caller: Caller, system: System) -> Self:
        """Return what a caller is told of themselves."""
        tenant = await system.tenancy.users.tenant(caller.tenant)
        may = sorted(permissions(caller.role))
        if isinstance(caller.who, ApiKey):
            tenants = [Membership(tenant.id, tenant.name, tenant.timezone, caller.role)]
            return cls(None, caller.who, tenants, tenant, caller.role, may, caller.who.version)
        tenants = await system.tenancy.users.memberships(caller.who.id)
        return cls(caller.who, None, tenants, tenant, caller.role, may, caller.who.version)


@get("/me", summary="Who am I?", tags=["me"])
async def read(caller: Given[Caller], system: Given[System]) -> Me:
    """Tell who is asking, in which tenant, and what they may do."""
    return await Me.of(caller, system)


@patch("/me", summary="Change my name or password", tags=["me"])
async def change(
    data: JSONBody[AboutMe],
    caller: Given[Caller],
    system: Given[System],
    whence: Given[Whence],
    expected: Given[int | None],
) -> User:
    """Change your name, or your password (the current one is asked); a new password ends your other sessions."""
    changed = system.tenancy.users.change(caller.person().id, data, caller.session, expected)
    return await system.slowness.unless_right(changed, caller.name, f"address:{whence.address}", Invalid)

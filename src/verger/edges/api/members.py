"""The members of an organisation and their roles."""

from litestar import delete, get, patch
from msgspec import Struct

from verger.base.pages import Page
from verger.domain.tenancy.model import Member, Role
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody, System


class NewRole(Struct, frozen=True, forbid_unknown_fields=True):
    """The role that a member shall have."""

    role: Role


@get("/members", summary="List members", tags=["members"])
async def items(caller: Given[Caller], system: Given[System], asked: Given[Asked]) -> Page[Member]:
    """List the members of the organisation, who joined last first."""
    return await system.tenancy.members.page(caller.needs("members:read").tenant, asked)


@get("/members/{member:str}", summary="Read a member", tags=["members"])
async def read(member: Id, caller: Given[Caller], system: Given[System]) -> Member:
    """Tell of one member."""
    return await system.tenancy.members.get(caller.needs("members:read").tenant, member)


@patch("/members/{member:str}", summary="Change a member's role", tags=["members"])
async def change(
    member: Id, data: JSONBody[NewRole], caller: Given[Caller], system: Given[System], expected: Given[int | None]
) -> Member:
    """Give a member another role, of at most your own; one owner always stays."""
    changed = await system.tenancy.members.change(caller, member, data.role, expected)
    await system.review()
    return changed


@delete("/members/{member:str}", summary="End a membership", tags=["members"])
async def remove(member: Id, caller: Given[Caller], system: Given[System], expected: Given[int | None]) -> None:
    """End a membership and the API keys made under it; anybody may leave, one owner always stays."""
    await system.tenancy.members.remove(caller, member, expected)
    await system.review()

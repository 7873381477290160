"""API keys, with which programs speak for an organisation."""

from litestar import delete, get, post
from msgspec import Struct

from verger.base.pages import Page
from verger.domain.tenancy.model import ApiKey, Name, Role, Scope, ShownKey
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody, System


class NewKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make: of at most your own role."""

    name: Name
    role: Role = Role.viewer
    scopes: tuple[Scope, ...] = ()


@get("/api-keys", summary="List API keys", tags=["API keys"])
async def items(caller: Given[Caller], system: Given[System], asked: Given[Asked]) -> Page[ApiKey]:
    """List the keys of the organisation, newest first, without their secrets."""
    return await system.tenancy.keys.page(caller.needs("keys:read").tenant, asked)


@post("/api-keys", summary="Make an API key", tags=["API keys"])
async def add(data: JSONBody[NewKey], caller: Given[Caller], system: Given[System]) -> ShownKey:
    """Make a key; its `token` is shown this once."""
    return await system.tenancy.keys.add(caller, data.name, data.role, data.scopes)


@get("/api-keys/{key:str}", summary="Read an API key", tags=["API keys"])
async def read(key: Id, caller: Given[Caller], system: Given[System]) -> ApiKey:
    """Tell of one key, without its secret."""
    return await system.tenancy.keys.get(caller.needs("keys:read").tenant, key)


@delete("/api-keys/{key:str}", summary="End an API key", tags=["API keys"])
async def remove(key: Id, caller: Given[Caller], system: Given[System], expected: Given[int | None]) -> None:
    """End a key at once, and the connections of the programs that came with it."""
    await system.tenancy.keys.remove(caller.needs("keys:write").tenant, key, expected)
    await system.review()

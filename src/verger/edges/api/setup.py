"""The first run: the first organisation and its owner."""

from typing import Any

from litestar import Request, Response, get, post
from msgspec import Struct

from verger.base.errors import Forbidden
from verger.domain.tenancy.model import Founding, Tenant, User
from verger.edges.api.door import OPEN, at_the_machine, keep_cookie
from verger.edges.api.given import Given, JSONBody, System, Whence


class FirstRunState(Struct, frozen=True):
    """Whether Verger waits for its first owner, and whether you need the code in the printed link to be it."""

    needed: bool
    code_needed: bool


class SetUp(Founding, frozen=True, forbid_unknown_fields=True):
    """The first organisation and its owner, with the code in the printed link unless you sit at the machine."""

    code: str | None = None


class FirstOwner(Struct, frozen=True):
    """What was made, and a session of the owner."""

    tenant: Tenant
    user: User
    token: str


@get("/setup", opt=OPEN, summary="Is set-up needed?", tags=["setup"])
async def look(request: Request[Any, Any, Any], system: Given[System], whence: Given[Whence]) -> FirstRunState:
    """Tell whether Verger waits for its first owner."""
    needed = await system.tenancy.first_run.needed()
    return FirstRunState(needed, needed and not at_the_machine(request.headers, whence))


@post("/setup", opt=OPEN, summary="Make the first organisation and its owner", tags=["setup"])
async def set_up(
    data: JSONBody[SetUp], request: Request[Any, Any, Any], system: Given[System], whence: Given[Whence]
) -> Response[FirstOwner]:
    """Make the first organisation and its owner, who is signed in; only while there is no user."""
    here = at_the_machine(request.headers, whence)
    found = system.tenancy.first_run.found(data, code=data.code, at_the_machine=here)
    tenant, user = await system.slowness.unless_right(found, "setup", f"address:{whence.address}", Forbidden)
    token = await system.tenancy.sessions.open(user.id, tenant.id)
    return keep_cookie(Response(FirstOwner(tenant, user, token), status_code=201), token, whence)

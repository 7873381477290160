"""What was deleted for good, and deleting oneself."""

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from verger.base.errors import Conflict, Invalid, TooMany, Unknown
from verger.base.pages import Page
from verger.domain.deletions.model import Deletion
from verger.domain.tenancy.model import Password
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody, System, Whence
from verger.edges.api.grounds import Grounds
from verger.flows.erasing import KIND

_TAGS = ["deletions"]
_BEGUN = "Unreadable now; Location says where to look until it is off the disk."
BEGUN = {202: ResponseSpec(Deletion, description=_BEGUN, generate_examples=False)}
"""How a route says that it may begin a deletion."""


class Sure(Struct, frozen=True, forbid_unknown_fields=True):
    """The password of the account that is to go, so that nobody else can delete it."""

    password: Password


async def begun(deletion: Deletion, caller: Caller, grounds: Grounds) -> Response[Deletion]:
    """Answer 202: what is to go is unreadable, and Location says where to look until it is off the disk."""
    try:
        errand = await grounds.errands.begin(caller.tenant, caller.name, KIND, deletion.id)
        where = f"jobs/{errand.id}"
    except TooMany:  # it is done all the same, a little later
        where = f"deletions/{deletion.id}"
    return Response(deletion, status_code=202, headers={"Location": f"/api/v1/{where}"})


@get("/deletions", summary="List what was deleted for good, the latest first", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Deletion]:
    """Return a page of deletions, each with whether it is off the disk and until when a backup may hold it."""
    return await grounds.erasing.forgetting.deletions.page(caller.needs("history:delete").tenant, asked)


@get("/deletions/{deletion:str}", summary="Is it off the disk?", tags=_TAGS)
async def read(deletion: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Deletion:
    """Return one deletion; it is off the disk once `done_at` is set."""
    return await grounds.erasing.forgetting.deletions.get(caller.needs("history:delete").tenant, deletion)


@post("/me/delete", status_code=202, summary="Delete my account", tags=["me"])
async def me(
    data: JSONBody[Sure], caller: Given[Caller], system: Given[System], grounds: Given[Grounds], whence: Given[Whence]
) -> Response[Deletion]:
    """Delete your account, sessions and keys for good; not while you are the last owner of an organisation."""
    person = caller.person()
    proof = system.tenancy.users.prove(person.email, data.password)
    try:
        await system.slowness.unless_right(proof, caller.name, f"address:{whence.address}")
    except Unknown:
        raise Invalid("This is not your password.") from None
    return await begun(await grounds.erasing.begin_person(caller.tenant, caller.name, person.id), caller, grounds)


@post("/members/{member:str}/delete", status_code=202, summary="Delete a member's account", tags=["members"])
async def member(
    member: Id, caller: Given[Caller], system: Given[System], grounds: Given[Grounds]
) -> Response[Deletion]:
    """Delete the account of a member of yours for good, if they are a member of nothing else."""
    found = await system.tenancy.members.get(caller.needs("history:delete").tenant, member)
    if len(await system.tenancy.users.memberships(found.id)) > 1:
        raise Conflict("Their account is not yours to delete: end their membership, or let them delete it.")
    return await begun(await grounds.erasing.begin_person(caller.tenant, caller.name, found.id), caller, grounds)

"""Routes of places."""

from contextlib import suppress
from typing import Any, Literal

from litestar import Response, delete, get, patch, post
from msgspec import UNSET, Struct, UnsetType, structs

from verger.base.clock import moment
from verger.base.errors import Invalid, Missing
from verger.base.ids import new_id
from verger.base.pages import Page
from verger.base.patch import meant_for, merged
from verger.domain.places.model import Place
from verger.edges.api.deletions import BEGUN, begun
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody, System
from verger.edges.api.grounds import Grounds


class NewPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """A place to look after; without a time zone it has that of its parent, or of the organisation."""

    name: str
    kind: str = "place"
    parent: str | None = None
    timezone: str | UnsetType = UNSET
    latitude: float | None = None
    longitude: float | None = None
    address: str = ""
    attributes: dict[str, Any] = {}


class PlaceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a place; what is left out stays."""

    name: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    parent: str | UnsetType | None = UNSET
    timezone: str | UnsetType = UNSET
    latitude: float | UnsetType | None = UNSET
    longitude: float | UnsetType | None = UNSET
    address: str | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET


@get("/places", summary="List places, the newest first", tags=["places"])
async def items(
    caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked], parent: FromQuery[str | None] = None
) -> Page[Place]:
    """Return a page of places, all or those directly in `parent`."""
    tenant = caller.needs("places:read").tenant
    if parent is not None:
        await grounds.places.get(tenant, parent)
    return await grounds.places.page(tenant, asked, parent)


@post("/places", summary="Add a place", tags=["places"])
async def add(data: JSONBody[NewPlace], caller: Given[Caller], grounds: Given[Grounds], system: Given[System]) -> Place:
    """Add a place."""
    tenant = caller.needs("places:write").tenant
    known = structs.asdict(data)
    if data.timezone is UNSET:
        known["timezone"] = await _zone_around(tenant, data.parent, grounds, system)
    fresh = Place(id=new_id(), created_at=moment(grounds.clock.now()), **known)
    made = await grounds.places.add(tenant, fresh)
    grounds.provisioning.screens.changed(tenant)
    return made


async def _zone_around(tenant: str, parent: str | None, grounds: Grounds, system: System) -> str:
    if parent is not None:
        with suppress(Missing):  # a parent that is not there is refused when the place is added
            return (await grounds.places.get(tenant, parent)).timezone
    return (await system.tenancy.users.tenant(tenant)).timezone


@get("/places/{place:str}", summary="Read a place", tags=["places"])
async def read(place: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Place:
    """Return one place."""
    return await grounds.places.get(caller.needs("places:read").tenant, place)


@patch("/places/{place:str}", summary="Change a place", tags=["places"])
async def change(
    place: Id,
    data: JSONBody[PlaceChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Place:
    """Merge a change into a place (RFC 7396)."""
    before = await grounds.places.get(caller.needs("places:write").tenant, place)
    meant_for(before.version, expected)
    changed = await grounds.places.change(caller.tenant, merged(before, data))
    grounds.provisioning.screens.changed(caller.tenant)
    return changed


@delete("/places/{place:str}", responses=BEGUN, summary="Delete a place", tags=["places"])
async def remove(
    place: Id,
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
    contents: FromQuery[Literal["delete", "move"] | None] = None,
    to: FromQuery[str | None] = None,
    history: FromQuery[Literal["delete"] | None] = None,
) -> Response[None]:
    """Delete a place; with anything in it only when `contents` says what becomes of that.

    contents=delete&history=delete deletes for good all that was ever measured there, too, and answers 202.
    """
    meant_for((await grounds.places.get(caller.needs("places:write").tenant, place)).version, expected)
    if history == "delete":
        caller.needs("history:delete")
        if contents != "delete":
            raise Invalid("What was measured goes only with the contents: say contents=delete too.")
        deletion = await grounds.vacating.erase(caller.tenant, place, caller.name)
        return await begun(deletion, caller, grounds)  # type: ignore[return-value]
    await grounds.clearing.clear(caller.tenant, place, contents, to)
    return Response(None, status_code=204)

"""Routes of enrolments: how devices without a credential get in."""

from datetime import datetime
from typing import Annotated

from litestar import delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from verger.base.pages import Page
from verger.base.patch import meant_for, told
from verger.domain.enrolments.model import Enrolment
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds

_TAGS = ["enrolments"]
_Texts = tuple[Annotated[str, Meta(max_length=120)], ...]
_Moment = Annotated[datetime, Meta(tz=True)]


class NewEnrolment(Struct, frozen=True, forbid_unknown_fields=True):
    """A place to open to devices of a dialect: for a day and 20 devices, unless it says otherwise.

    Its key lets them in, and so do certificates by their SHA-256 fingerprint, a port of ours, and private networks.
    """

    dialect: str
    place: str
    open_until: _Moment | None = None
    max_devices: int | None = None
    networks: _Texts = ()
    certificates: _Texts = ()
    port: int | None = None


class EnrolmentChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of an enrolment; what is left out stays. Its key stays too."""

    place: str | UnsetType = UNSET
    open_until: _Moment | UnsetType = UNSET
    max_devices: int | UnsetType = UNSET
    networks: _Texts | UnsetType = UNSET
    certificates: _Texts | UnsetType = UNSET
    port: int | UnsetType | None = UNSET


class EnrolmentOpened(Struct, frozen=True):
    """A new enrolment: its key, and where that stands in an address or as a user name. They are shown this once."""

    id: str
    key: str
    url: str
    mqtt_username: str
    dialect: str
    place: str
    open_until: datetime
    max_devices: int
    networks: tuple[str, ...]
    certificates: tuple[str, ...]
    port: int | None
    let_in: int
    created_at: datetime
    version: int


@get("/enrolments", summary="List enrolments, the newest first", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Enrolment]:
    """Return a page of enrolments, without their keys."""
    return await grounds.enrolling.page(caller.needs("devices:write").tenant, asked)


@post("/enrolments", summary="Let devices in that have no credential", tags=_TAGS)
async def add(data: JSONBody[NewEnrolment], caller: Given[Caller], grounds: Given[Grounds]) -> EnrolmentOpened:
    """Open a place to devices of a dialect; the key is shown this once."""
    opened = await grounds.enrolling.add(caller.needs("devices:write").tenant, structs.asdict(data))
    enrolment, key = opened.enrolment, opened.key
    url = f"/t/{key}/compat/{enrolment.dialect}"
    return EnrolmentOpened(key=key, url=url, mqtt_username=key, **structs.asdict(enrolment))


@get("/enrolments/{enrolment:str}", summary="Read an enrolment", tags=_TAGS)
async def read(enrolment: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Enrolment:
    """Return one enrolment, without its key."""
    return await grounds.enrolling.get(caller.needs("devices:write").tenant, enrolment)


@patch("/enrolments/{enrolment:str}", summary="Change an enrolment", tags=_TAGS)
async def change(
    enrolment: Id,
    data: JSONBody[EnrolmentChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Enrolment:
    """Merge a change (RFC 7396): a time gone by closes it to new devices."""
    before = await grounds.enrolling.get(caller.needs("devices:write").tenant, enrolment)
    meant_for(before.version, expected)
    return await grounds.enrolling.change(caller.tenant, before, told(data))


@delete("/enrolments/{enrolment:str}", summary="End an enrolment", tags=_TAGS)
async def remove(enrolment: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Hear nobody there any more; those that wait there are forgotten, adopted devices stay with their history."""
    before = await grounds.enrolling.get(caller.needs("devices:write").tenant, enrolment)
    meant_for(before.version, expected)
    await grounds.enrolling.remove(caller.tenant, enrolment)

"""Routes of devices that wait to be adopted, and of the codes by which families' devices are known."""

from datetime import datetime

from litestar import delete, get, post
from msgspec import UNSET, Struct, UnsetType

from verger.base.pages import Page
from verger.base.patch import told
from verger.domain.devices.silence import Silence
from verger.domain.enrolments.model import Pairing, Stranger
from verger.edges.api.devices import Added, DeviceCredentials
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.adopting import ManyAdopted

_TAGS = ["pending devices"]


class Adoption(Struct, frozen=True, forbid_unknown_fields=True):
    """What people know of a device that waits: without a name it goes by its address, at its enrolment's place."""

    name: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    type: str | UnsetType | None = UNSET
    gateway: str | UnsetType | None = UNSET
    is_gateway: bool | UnsetType = UNSET
    channels: dict[str, str] | UnsetType = UNSET
    silence: Silence | UnsetType = UNSET


class Adoptions(Struct, frozen=True, forbid_unknown_fields=True):
    """All whose address, or path of places by whole levels, begins so, below a place; everybody without a prefix."""

    prefix: str
    place: str


class CodeState(Struct, frozen=True):
    """Whether a device has a code that it spoke with, until when it may have a new one, and when it asked in vain."""

    has_code: bool
    proven: bool = False
    open_until: datetime | None = None
    asked_at: datetime | None = None


@get("/pending-devices", summary="List devices that wait to be adopted", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Stranger]:
    """Return a page of strangers, the newest first; `q` looks in their addresses."""
    return await grounds.adopting.page(caller.needs("devices:read").tenant, asked)


@post("/pending-devices/{stranger:str}/adopt", summary="Adopt a device", tags=_TAGS)
async def adopt(stranger: Id, data: JSONBody[Adoption], caller: Given[Caller], grounds: Given[Grounds]) -> Added:
    """Make a device of it; what it said while it waited is its history."""
    adopted = await grounds.adopting.adopt(caller.needs("devices:write").tenant, stranger, told(data))
    return Added(adopted.device, DeviceCredentials(access_token=adopted.proof))


@post("/pending-devices/adopt", summary="Adopt many devices at once", tags=_TAGS)
async def adopt_all(data: JSONBody[Adoptions], caller: Given[Caller], grounds: Given[Grounds]) -> ManyAdopted:
    """Adopt all whose address begins so, with the places that they say they stand in; who cannot be, is told why."""
    caller.needs("places:write")
    return await grounds.adopting.adopt_all(caller.needs("devices:write").tenant, data.prefix, data.place)


@delete("/pending-devices/{stranger:str}", summary="Dismiss a device", tags=_TAGS)
async def dismiss(stranger: Id, caller: Given[Caller], grounds: Given[Grounds]) -> None:
    """Forget it and what it said; should it knock again, it begins anew."""
    await grounds.adopting.dismiss(caller.needs("devices:write").tenant, stranger)


@get("/devices/{device:str}/code", summary="How a device of a family is known", tags=_TAGS)
async def code(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> CodeState:
    """Return whether it has a code, and whether it asks for a new one; never the code."""
    return _state(await grounds.adopting.pairing(caller.needs("devices:read").tenant, device))


@post("/devices/{device:str}/code", summary="Let a device have a new code", tags=_TAGS)
async def open_code(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> CodeState:
    """Give it a new code if it says within ten minutes that it has none; the old one ends with that."""
    return _state(await grounds.adopting.open(caller.needs("devices:write").tenant, device))


def _state(pairing: Pairing | None) -> CodeState:
    if pairing is None:
        return CodeState(has_code=False)
    return CodeState(True, pairing.proven, pairing.open_until, pairing.asked_at)  # noqa: FBT003  as it is named there

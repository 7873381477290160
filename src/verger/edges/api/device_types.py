"""Routes of device types."""

from litestar import delete, get, patch, post
from msgspec import UNSET, Struct, UnsetType, structs

from verger.base.clock import moment
from verger.base.pages import Page
from verger.base.patch import meant_for, merged
from verger.domain.devices.model import NATIVE, Capability, DeviceType, Metric, TypeLimits
from verger.domain.devices.silence import Silence
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds


class NewType(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of device."""

    key: str
    name: str
    dialect: str = NATIVE
    metrics: list[Metric] = []
    capabilities: list[Capability] = []
    limits: TypeLimits = TypeLimits()
    repairs: list[str] = []
    silence: Silence = Silence()


class TypeChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a type; what is left out stays, lists are replaced whole."""

    name: str | UnsetType = UNSET
    dialect: str | UnsetType = UNSET
    metrics: list[Metric] | UnsetType = UNSET
    capabilities: list[Capability] | UnsetType = UNSET
    limits: TypeLimits | UnsetType = UNSET
    repairs: list[str] | UnsetType = UNSET
    silence: Silence | UnsetType = UNSET


@get("/device-types", summary="List device types, the newest first", tags=["device types"])
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[DeviceType]:
    """Return a page of device types."""
    return await grounds.kept.types.page(caller.needs("devices:read").tenant, asked)


@post("/device-types", summary="Add a device type", tags=["device types"])
async def add(data: JSONBody[NewType], caller: Given[Caller], grounds: Given[Grounds]) -> DeviceType:
    """Add a type."""
    fresh = DeviceType(created_at=moment(grounds.clock.now()), **structs.asdict(data))
    return await grounds.kept.types.add(caller.needs("devices:write").tenant, fresh)


@get("/device-types/{key:str}", summary="Read a device type", tags=["device types"])
async def read(key: Id, caller: Given[Caller], grounds: Given[Grounds]) -> DeviceType:
    """Return one type."""
    return await grounds.kept.types.get(caller.needs("devices:read").tenant, key)


@patch("/device-types/{key:str}", summary="Change a device type", tags=["device types"])
async def change(
    key: Id, data: JSONBody[TypeChange], caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]
) -> DeviceType:
    """Merge a change into a type (RFC 7396)."""
    before = await grounds.kept.types.get(caller.needs("devices:write").tenant, key)
    meant_for(before.version, expected)
    return await grounds.kept.types.change(caller.tenant, merged(before, data))


@delete("/device-types/{key:str}", summary="Delete a device type", tags=["device types"])
async def remove(key: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Delete a type that no device is of."""
    before = await grounds.kept.types.get(caller.needs("devices:write").tenant, key)
    meant_for(before.version, expected)
    await grounds.kept.types.delete(caller.tenant, key)

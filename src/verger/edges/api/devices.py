"""Routes of devices."""

from typing import Annotated, Literal

from litestar import delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from verger.base.clock import moment
from verger.base.ids import new_id
from verger.base.pages import Page
from verger.base.patch import meant_for, merged, told
from verger.domain.devices.model import NATIVE, Device, Remark, Stay
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.showing import Latest


class NewDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """A device to connect; `secret` is the access token it has already, if it is to keep that."""

    name: str
    place: str
    type: str | None = None
    gateway: str | None = None
    dialect: str = NATIVE
    address: str | None = None
    channels: dict[str, str] = {}
    secret: str | None = None


class NameChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a metric's name and UCUM unit; what is left out stays."""

    unit: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


class DeviceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a device; what is left out stays. `metrics` names metrics and their units."""

    name: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    type: str | UnsetType | None = UNSET
    gateway: str | UnsetType | None = UNSET
    address: str | UnsetType | None = UNSET
    channels: dict[str, str | None] | UnsetType = UNSET
    metrics: dict[str, NameChange] | UnsetType = UNSET


class Credentials(Struct, frozen=True):
    """How a device proves who it is; shown once."""

    access_token: str


class Added(Struct, frozen=True):
    """A device just connected."""

    device: Device
    credentials: Credentials


class Renewed(Struct, frozen=True):
    """A device's new secret."""

    credentials: Credentials


class By(Struct, frozen=True, forbid_unknown_fields=True):
    """Which device takes another's place."""

    by: str


@get("/devices", summary="List devices, the newest first", tags=["devices"])
async def items(
    caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked], place: FromQuery[str | None] = None
) -> Page[Device]:
    """Return a page of devices, all or those at `place` and below it."""
    tenant = caller.needs("devices:read").tenant
    below = None if place is None else (await grounds.places.tree(tenant)).below(place)
    page = await grounds.kept.devices.page(tenant, asked, below)
    return Page(await grounds.showing.devices(tenant, page.items), page.next)


@post("/devices", summary="Connect a device", tags=["devices"])
async def add(data: JSONBody[NewDevice], caller: Given[Caller], grounds: Given[Grounds]) -> Added:
    """Take a device in; its secret is shown this once."""
    known = {name: value for name, value in structs.asdict(data).items() if name != "secret"}
    fresh = Device(id=new_id(), created_at=moment(grounds.clock.now()), **known)
    device, token = await grounds.provisioning.add(caller.needs("devices:write").tenant, fresh, data.secret)
    return Added(device, Credentials(token))


@get("/devices/{device:str}", summary="Read a device", tags=["devices"])
async def read(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Device:
    """Return one device as it stands now."""
    return await grounds.showing.device(caller.needs("devices:read").tenant, device)


@patch("/devices/{device:str}", summary="Change a device", tags=["devices"])
async def change(
    device: Id,
    data: JSONBody[DeviceChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Device:
    """Merge a change into a device (RFC 7396)."""
    before = await grounds.kept.devices.get(caller.needs("devices:write").tenant, device)
    meant_for(before.version, expected)
    metrics = {} if data.metrics is UNSET else {name: told(change) for name, change in data.metrics.items()}
    after = merged(before, structs.replace(data, metrics=UNSET))
    await grounds.provisioning.change(caller.tenant, after, metrics)
    return await grounds.showing.device(caller.tenant, device)


@delete("/devices/{device:str}", summary="Retire a device", tags=["devices"])
async def retire(
    device: Id,
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
    history: FromQuery[Literal["delete"] | None] = None,
) -> None:
    """End a device; its values stay, unless history=delete."""
    before = await grounds.kept.devices.get(caller.needs("devices:write").tenant, device)
    meant_for(before.version, expected)
    if history == "delete":
        caller.needs("history:delete")
    await grounds.retiring.retire(caller.tenant, device, values=history == "delete")


@post("/devices/{device:str}/credentials", summary="Give a device a new secret", tags=["devices"])
async def renew(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Renewed:
    """Return the new secret, shown this once; the old one has ended."""
    token = await grounds.provisioning.renew(caller.needs("devices:write").tenant, device)
    return Renewed(Credentials(token))


@post("/devices/{device:str}/replace", summary="Let another device take its place", tags=["devices"])
async def replace(device: Id, data: JSONBody[By], caller: Given[Caller], grounds: Given[Grounds]) -> Device:
    """End this device's stay and begin the other's."""
    return await grounds.provisioning.replace(caller.needs("devices:write").tenant, device, data.by)


@get("/devices/{device:str}/stays", summary="Where a device was, and when", tags=["devices"])
async def stays(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Page[Stay]:
    """Return a device's stays, the latest first."""
    await grounds.kept.devices.get(caller.needs("devices:read").tenant, device)
    return Page(await grounds.kept.devices.stays(caller.tenant, device))


@get("/devices/{device:str}/latest", summary="The latest value of each metric", tags=["devices"])
async def latest(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> dict[str, Latest]:
    """Return the reading with the greatest time, by metric."""
    found = await grounds.kept.devices.get(caller.needs("history:read").tenant, device)
    return (await grounds.showing.latest(caller.tenant, [found]))[device]


@get("/devices/{device:str}/log", summary="What was refused or put right, and why", tags=["devices"])
async def remarks(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Page[Remark]:
    """Return a device's log page, the latest first."""
    await grounds.kept.devices.get(caller.needs("devices:read").tenant, device)
    return Page(await grounds.kept.remarks.of(caller.tenant, device))

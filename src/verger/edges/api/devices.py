"""Routes of devices."""

from typing import Annotated, Any, Literal

from litestar import Response, delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from verger.base.clock import moment
from verger.base.ids import new_id
from verger.base.pages import Page
from verger.base.patch import meant_for, merged, told
from verger.domain.devices import plants
from verger.domain.devices.model import NATIVE, Device, Remark, Stay
from verger.domain.devices.silence import Silence
from verger.edges.api.deletions import BEGUN, begun
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.showing import Latest

_Certificate = Annotated[str, Meta(max_length=20_000)]


class NewDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """A device to connect, known by a fresh access token unless it brings a `secret` or a `certificate`.

    `secret` is an access token that it has already, or what it says in its family's own words where it has an
    `address` there; `certificate` is PEM, or the SHA-256 fingerprint of one.
    """

    name: str
    place: str
    type: str | None = None
    gateway: str | None = None
    is_gateway: bool = False
    dialect: str = NATIVE
    address: str | None = None
    channels: dict[str, str] = {}
    silence: Silence = Silence()
    secret: str | None = None
    certificate: _Certificate | None = None


class NameChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a metric's name and UCUM unit; what is left out stays."""

    unit: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


class AttributesChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is desired of a device from now on; objects merge by key, null takes a key out. Reports are its own."""

    desired: dict[str, Any]


class DeviceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a device; what is left out stays. `metrics` names metrics and their units."""

    name: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    type: str | UnsetType | None = UNSET
    gateway: str | UnsetType | None = UNSET
    is_gateway: bool | UnsetType = UNSET
    address: str | UnsetType | None = UNSET
    channels: dict[str, str | None] | UnsetType = UNSET
    metrics: dict[str, NameChange] | UnsetType = UNSET
    attributes: AttributesChange | UnsetType = UNSET
    silence: Silence | UnsetType = UNSET


class DeviceCredentials(Struct, frozen=True):
    """How a device proves who it is: an access token, shown this once, or the certificate of this fingerprint.

    One of the family `plant` signs in with `device_id` and `secret`, shown this once, and knows what it measures and
    moves by these ids.
    """

    access_token: str | UnsetType = UNSET
    certificate: str | UnsetType = UNSET
    device_id: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    sensor_ids: dict[str, str] | UnsetType = UNSET
    actuator_ids: dict[str, str] | UnsetType = UNSET


class Added(Struct, frozen=True):
    """A device just connected."""

    device: Device
    credentials: DeviceCredentials


class Renewed(Struct, frozen=True):
    """What a device proves itself by from now on."""

    credentials: DeviceCredentials


class NewProof(Struct, frozen=True, forbid_unknown_fields=True):
    """What a device is to prove itself by: a certificate, as PEM or its SHA-256 fingerprint, or a fresh token."""

    certificate: _Certificate | None = None


_FRESH_TOKEN = NewProof()


class By(Struct, frozen=True, forbid_unknown_fields=True):
    """Which device takes another's place."""

    by: str


@get("/devices", summary="List devices, the newest first", tags=["devices"])
async def items(
    caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked], place: FromQuery[str | None] = None
) -> Page[Device]:
    """Return a page of devices, all or those at `place` and below it."""
    tenant = caller.needs("devices:read").tenant
    below = None if place is None else await grounds.places.below(tenant, place)
    page = await grounds.kept.devices.page(tenant, asked, below)
    return Page(await grounds.showing.devices(tenant, page.items), page.next)


@post("/devices", summary="Connect a device", tags=["devices"])
async def add(data: JSONBody[NewDevice], caller: Given[Caller], grounds: Given[Grounds]) -> Added:
    """Take a device in; its secret is shown this once."""
    known = {name: value for name, value in structs.asdict(data).items() if name not in {"secret", "certificate"}}
    fresh = Device(id=new_id(), created_at=moment(grounds.clock.now()), **known)
    tenant = caller.needs("devices:write").tenant
    device, proof = await grounds.adopting.add(tenant, fresh, data.secret, data.certificate)
    return Added(device, await _credentials(grounds, tenant, device, proof, data.certificate))


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
    after = merged(before, structs.replace(data, metrics=UNSET, attributes=UNSET))
    desired = None if data.attributes is UNSET else data.attributes.desired
    await grounds.changing.change(caller.tenant, after, metrics, desired)
    return await grounds.showing.device(caller.tenant, device)


@delete("/devices/{device:str}", responses=BEGUN, summary="Retire a device", tags=["devices"])
async def retire(
    device: Id,
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
    history: FromQuery[Literal["delete"] | None] = None,
) -> Response[None]:
    """End a device; what it said stays, unless history=delete: then all of it is deleted for good, and 202 answered."""
    before = await grounds.kept.devices.get(caller.needs("devices:write").tenant, device)
    meant_for(before.version, expected)
    if history == "delete":
        caller.needs("history:delete")
        deletion = await grounds.retiring.erase(caller.tenant, device, caller.name)
        return await begun(deletion, caller, grounds)  # type: ignore[return-value]
    await grounds.retiring.retire(caller.tenant, device)
    return Response(None, status_code=204)


@post("/devices/{device:str}/credentials", summary="Give a device a new secret", tags=["devices"])
async def renew(
    device: Id, caller: Given[Caller], grounds: Given[Grounds], data: JSONBody[NewProof] = _FRESH_TOKEN
) -> Renewed:
    """Return the new access token, shown this once, or the fingerprint of the certificate; the old has ended."""
    tenant = caller.needs("devices:write").tenant
    found, proof = await grounds.adopting.renew(tenant, device, data.certificate)
    return Renewed(await _credentials(grounds, tenant, found, proof, data.certificate))


@post("/devices/{device:str}/replace", summary="Let another device take its place", tags=["devices"])
async def replace(device: Id, data: JSONBody[By], caller: Given[Caller], grounds: Given[Grounds]) -> Device:
    """End this device's stay and begin the other's; rules that named the one name the other."""
    return await grounds.replacing.replace(caller.needs("devices:write").tenant, device, data.by)


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


async def _credentials(
    grounds: Grounds, tenant: str, device: Device, proof: str, certificate: str | None
) -> DeviceCredentials:
    if device.dialect == plants.NAME and certificate is None:
        kind = None if device.type is None else await grounds.kept.types.get(tenant, device.type)
        methods = [] if kind is None else [each.method for each in kind.capabilities]
        return DeviceCredentials(
            device_id=device.address or device.id,
            secret=proof,
            sensor_ids=plants.sensor_ids(device.channels, methods),
            actuator_ids=plants.actuator_ids(device.channels, methods),
        )
    return DeviceCredentials(access_token=proof) if certificate is None else DeviceCredentials(certificate=proof)

"""The people's side of treatment machines: devices and outlets as bare arrays, over Verger's own sessions."""

from collections.abc import Mapping
from typing import Any

from verger.base.errors import Invalid
from verger.domain.places.model import Place
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ozone_places import OF_OUTLET, add_place, bring, change_place, fits, text_of, wanted_of
from verger.edges.wire.families.ozone_shapes import MACHINE, OUTLET, Estate, asks, told_object

# devices


async def devices(desk: Desk, call: Call) -> Reply:
    """List the devices."""
    estate = await Estate.of(desk, (await asks(desk, call, "devices:read")).tenant, counts=True)
    return compact([estate.status(each) for each in estate.devices])


async def online(desk: Desk, call: Call) -> Reply:
    """List the devices that were seen in the last five minutes."""
    estate = await Estate.of(desk, (await asks(desk, call, "devices:read")).tenant, counts=True)
    return compact([estate.status(each) for each in estate.devices if estate.online(each)])


async def device(desk: Desk, call: Call) -> Reply:
    """Tell one device, by its MAC or its number."""
    estate = await Estate.of(desk, (await asks(desk, call, "devices:read")).tenant, counts=True)
    return compact(estate.status(estate.device(call.args["device"])))


async def add_device(desk: Desk, call: Call) -> Reply:
    """Register a device at a machine or an outlet, or where it knocked: one that waits is adopted."""
    caller = await asks(desk, call, "devices:write")
    told = told_object(call)
    estate = await Estate.of(desk, caller.tenant)
    address = str(told.get("device_id") or "").strip()
    if not address:
        raise Invalid("device_id required")
    if estate.known(address) is not None:
        raise Invalid("Device already registered")
    waiting = estate.waiting(address)
    if told.get("machine_id"):
        place = estate.place(told["machine_id"], MACHINE, "Machine not found").id
    elif told.get("outlet_id") or waiting is None:
        place = estate.place(told.get("outlet_id"), OUTLET, "Outlet not found").id
    else:
        place = waiting.place
    made = await bring(estate, address, place, text_of(told, "name") or address)
    after = await Estate.of(desk, caller.tenant, counts=True)
    return compact(after.status(after.device(made.id)), 201)


async def bind(desk: Desk, call: Call) -> Reply:
    """Bind a device to a machine, as the successor's people do; one that is bound elsewhere moves."""
    caller = await asks(desk, call, "devices:write")
    told = told_object(call)
    estate = await Estate.of(desk, caller.tenant)
    machine = estate.place(told.get("machine_id"), MACHINE, "Machine not found")
    address = str(told.get("device_id") or "").strip()
    if not address:
        raise Invalid("device_id and machine_id required")
    await bring(estate, address, machine.id, machine.name)
    return compact({"status": "ok", "device_id": address, "machine_id": told.get("machine_id")})


# outlets


async def outlets(desk: Desk, call: Call) -> Reply:
    """List the outlets."""
    estate = await Estate.of(desk, (await asks(desk, call, "places:read")).tenant)
    told = [estate.outlet(each) for each in estate.outlets]
    return compact([each for each in told if fits(each, "is_active", call.query.get("is_active"))])


async def outlet(desk: Desk, call: Call) -> Reply:
    """Tell one outlet."""
    estate = await Estate.of(desk, (await asks(desk, call, "places:read")).tenant)
    return compact(estate.outlet(estate.place(call.args["place"], OUTLET)))


async def add_outlet(desk: Desk, call: Call) -> Reply:
    """Keep a new outlet, a branch."""
    caller = await asks(desk, call, "places:write")
    told, estate = told_object(call), await Estate.of(desk, caller.tenant)
    made = await add_place(estate, OUTLET, None, _wanted_outlet(estate, told, None))
    return compact((await Estate.of(desk, caller.tenant)).outlet(made), 201)


async def change_outlet(desk: Desk, call: Call) -> Reply:
    """Change an outlet; what is left out stays."""
    caller = await asks(desk, call, "places:write")
    told, estate = told_object(call), await Estate.of(desk, caller.tenant)
    before = estate.place(call.args["place"], OUTLET)
    after = await change_place(estate, before, _wanted_outlet(estate, told, before))
    return compact((await Estate.of(desk, caller.tenant)).outlet(after))


def _wanted_outlet(estate: Estate, told: Mapping[str, Any], before: Place | None) -> dict[str, Any]:
    wanted = wanted_of(told, before, OF_OUTLET)
    name = wanted.get("name") or (before.name if before else "")
    if not name:
        raise Invalid("name: This field is required.")
    if any(each.name == name and each is not before for each in estate.outlets):
        raise Invalid("name: outlet with this name already exists.")
    if "address" in told:
        wanted["address"] = text_of(told, "address") or ""
    return wanted


async def remove_outlet(desk: Desk, call: Call) -> Reply:
    """Take an outlet away that holds nothing any more."""
    caller = await asks(desk, call, "places:write")
    place = (await Estate.of(desk, caller.tenant)).place(call.args["place"], OUTLET)
    await desk.people.stories.clearing.clear(caller.tenant, place.id, None, None)
    return Reply(204)


PEOPLE: list[tuple[str, str, Handler]] = [
    ("GET", "/api/devices/", devices),
    ("POST", "/api/devices/", add_device),
    ("GET", "/api/devices/all/", devices),
    ("GET", "/api/devices/online/", online),
    ("GET", "/api/devices/{device}/", device),
    ("POST", "/api/bind/", bind),
    ("GET", "/api/outlets/", outlets),
    ("POST", "/api/outlets/", add_outlet),
    ("GET", "/api/outlets/{place}/", outlet),
    ("PUT", "/api/outlets/{place}/", change_outlet),
    ("PATCH", "/api/outlets/{place}/", change_outlet),
    ("DELETE", "/api/outlets/{place}/", remove_outlet),
]

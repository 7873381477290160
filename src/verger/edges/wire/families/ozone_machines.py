"""The people's side of treatment machines: the machines, and the devices that are and were bound to them."""

from verger.base.errors import Invalid
from verger.domain.devices.families import identity
from verger.edges.wire.dialects.ozone import NAME
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ozone_places import OF_MACHINE, add_place, bring, change_place, fits, text_of, wanted_of
from verger.edges.wire.families.ozone_shapes import MACHINE, OUTLET, Estate, asks, told_object


async def machines(desk: Desk, call: Call) -> Reply:
    """List the machines."""
    estate = await Estate.of(desk, (await asks(desk, call, "places:read")).tenant, counts=True)
    told = [estate.machine(each) for each in estate.machines]
    some = [each for each in told if fits(each, "is_active", call.query.get("is_active"))]
    if named := call.query.get("outlet_id"):
        some = [each for each in some if str(each["outlet"]) == named]
    if named := call.query.get("device_id"):
        wanted = identity(NAME, named)
        some = [each for each in some if wanted in [identity(NAME, one["device_id"]) for one in each["devices"]]]
    return compact(some)


async def machine(desk: Desk, call: Call) -> Reply:
    """Tell one machine."""
    estate = await Estate.of(desk, (await asks(desk, call, "places:read")).tenant, counts=True)
    return compact(estate.machine(estate.place(call.args["place"], MACHINE)))


async def unregistered(desk: Desk, call: Call) -> Reply:
    """List the devices that never were bound to a machine, those that wait to be adopted too."""
    estate = await Estate.of(desk, (await asks(desk, call, "devices:read")).tenant, counts=True)
    waiting = [estate.stranger(each) for each in estate.strangers]
    return compact([*(estate.status(each) for each in estate.unbound), *waiting])


async def register(desk: Desk, call: Call) -> Reply:
    """Make a machine of a device in an outlet."""
    caller = (await asks(desk, call, "devices:write")).needs("places:write")
    told, estate = told_object(call), await Estate.of(desk, caller.tenant)
    address = str(told.get("device_id") or "").strip()
    if not address or not told.get("outlet_id"):
        raise Invalid("device_id and outlet_id required")
    known = estate.known(address)
    if known is not None and known.id not in {each.id for each in estate.unbound}:
        raise Invalid("Device already registered")
    where = estate.place(told["outlet_id"], OUTLET, "Outlet not found")
    wanted = {"name": text_of(told, "name") or f"Machine {address[-6:]}"}
    made = await add_place(estate, MACHINE, where, wanted)
    await bring(estate, address, made.id, made.name)
    return compact((await Estate.of(desk, caller.tenant, counts=True)).machine(made), 201)


async def add_machine(desk: Desk, call: Call) -> Reply:
    """Keep a new machine, without a device."""
    caller = await asks(desk, call, "places:write")
    told, estate = told_object(call), await Estate.of(desk, caller.tenant)
    where = estate.place(told.get("outlet"), OUTLET, "Outlet not found")
    wanted = {"name": f"Machine {len(estate.machines) + 1}"} | wanted_of(told, None, OF_MACHINE)
    made = await add_place(estate, MACHINE, where, wanted)
    return compact((await Estate.of(desk, caller.tenant, counts=True)).machine(made), 201)


async def change_machine(desk: Desk, call: Call) -> Reply:
    """Change a machine; what is left out stays, its outlet too."""
    caller = await asks(desk, call, "places:write")
    told, estate = told_object(call), await Estate.of(desk, caller.tenant)
    before = estate.place(call.args["place"], MACHINE)
    wanted = wanted_of(told, before, OF_MACHINE)
    if told.get("outlet") not in (None, ""):
        wanted["parent"] = estate.place(told["outlet"], OUTLET, "Outlet not found").id
    after = await change_place(estate, before, wanted)
    return compact((await Estate.of(desk, caller.tenant, counts=True)).machine(after))


async def remove_machine(desk: Desk, call: Call) -> Reply:
    """Take a machine away; its device stays, in the outlet."""
    caller = await asks(desk, call, "places:write")
    place = (await Estate.of(desk, caller.tenant)).place(call.args["place"], MACHINE)
    clearing = desk.people.stories.clearing
    await clearing.clear(caller.tenant, place.id, "move" if place.parent else None, place.parent)
    return Reply(204)


MACHINES: list[tuple[str, str, Handler]] = [
    ("GET", "/api/machines/", machines),
    ("POST", "/api/machines/", add_machine),
    ("GET", "/api/machines/unregistered/", unregistered),
    ("POST", "/api/machines/register/", register),
    ("GET", "/api/machines/{place}/", machine),
    ("PUT", "/api/machines/{place}/", change_machine),
    ("PATCH", "/api/machines/{place}/", change_machine),
    ("DELETE", "/api/machines/{place}/", remove_machine),
]

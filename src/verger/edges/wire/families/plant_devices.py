"""The people's side of plant-care devices: connecting, claiming, seeing, moving and ending planters."""

from typing import Any

from msgspec import Struct

from verger.base.clock import moment
from verger.base.errors import Invalid, Unknown
from verger.base.ids import new_id
from verger.domain.devices.model import Device
from verger.domain.devices.plants import NAME, actuator_ids, sensor_ids
from verger.domain.enrolments.model import Admitted
from verger.edges.wire.dialects import plant
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.plant_people import asks
from verger.edges.wire.families.plant_shapes import planters
from verger.flows.commanding import Wish
from verger.flows.tending import Tending

NOT_PROVED = "Invalid device credentials"


class NewPlanter(Struct, frozen=True):
    """A planter to connect; `model` is a device type, if there is one of that key."""

    name: str
    model: str | None = None
    place: str | None = None


class Claim(Struct, frozen=True):
    """A planter, and what proves that it is in somebody's hands."""

    device_id: str
    device_secret: str


class Wanted(Struct, frozen=True):
    """What to do with what a planter moves."""

    command: str
    actuator_id: str
    payload: dict[str, Any] | None = None


async def items(desk: Desk, call: Call) -> Reply:
    """List the planters; none is without an owner here."""
    caller = await asks(desk, call, "devices:read")
    there = planters(desk, caller.tenant)
    return compact(await there.told(await there.all()))


async def add(desk: Desk, call: Call) -> Reply:
    """Connect a planter, at the place that is named or the first there is; its secret is shown this once."""
    caller = await asks(desk, call, "devices:write")
    told = plant.body(call.body, NewPlanter)
    stories = desk.people.stories
    place = told.place or next((each.id for each in (await stories.places.tree(caller.tenant)).places.values()), None)
    if place is None:
        raise Invalid("Make a place first, in Verger's own pages.")
    types = {kind.key for kind in await stories.kept.types.all(caller.tenant)}
    kind = told.model if told.model in types else None
    now = moment(stories.clock.now())
    fresh = Device(id=new_id(), name=told.name, place=place, type=kind, dialect=NAME, created_at=now)
    device, secret = await stories.adopting.add(caller.tenant, fresh)
    shown = (await planters(desk, caller.tenant).told([device]))[0]
    return compact({"device": shown, "secret": secret} | _ids(device), 201)


async def read(desk: Desk, call: Call) -> Reply:
    """Tell one planter."""
    caller = await asks(desk, call, "devices:read")
    there = planters(desk, caller.tenant)
    return compact((await there.told([await there.find(call.args["device"])]))[0])


async def config(desk: Desk, call: Call) -> Reply:
    """Tell what the client's settings need, but for the secret, which is shown once."""
    caller = await asks(desk, call, "devices:read")
    device = await planters(desk, caller.tenant).find(call.args["device"])
    return compact({"device_id": device.address, "device_secret": None} | _ids(device))


async def retire(desk: Desk, call: Call) -> Reply:
    """End a planter, and the rules by which it was tended; what it said stays."""
    caller = await asks(desk, call, "devices:write")
    device = await planters(desk, caller.tenant).find(call.args["device"])
    await Tending(desk.people.stories.ruling).end(caller.tenant, device)
    await desk.people.stories.provisioning.retire(caller.tenant, device.id)
    return Reply(204)


async def claim(desk: Desk, call: Call) -> Reply:
    """Tell somebody who holds a planter and knows its secret that it is theirs; every planter is somebody's here."""
    caller = await asks(desk, call, "devices:write")
    told = plant.body(call.body, Claim)
    secret, mine = told.device_secret, Admitted(caller.tenant)
    door = desk.meetings.by_secret(NAME, told.device_id, secret, mine)
    door = door or desk.meetings.by_secret(NAME, told.device_id, secret)
    if door is None:
        raise Unknown(NOT_PROVED)
    if door.tenant != caller.tenant:
        return compact({"detail": "Device already claimed"}, 409)
    there = planters(desk, caller.tenant)
    return compact((await there.told([await there.find(told.device_id)]))[0])


async def order(desk: Desk, call: Call) -> Reply:
    """Ask a planter to do something."""
    caller = await asks(desk, call, "devices:control")
    told = plant.body(call.body, Wanted)
    device = await planters(desk, caller.tenant).find(call.args["device"])
    if told.command not in plant.VERBS:
        raise plant.unfit("Input should be 'on', 'off' or 'pulse'", "command")
    named = next((name for name, each in actuator_ids(device.channels).items() if each == told.actuator_id), None)
    if named is None:
        return compact({"detail": "Unknown actuator"}, 400)
    wish = Wish(method=f"{named}.{told.command}", params=told.payload)
    asked = await desk.people.stories.commanding.ask(caller.tenant, device.id, wish, caller.name)
    shown = {"id": asked.id, "command": told.command, "payload": told.payload, "actuator_id": told.actuator_id}
    return compact(shown | {"created_at": plant.moment_text(asked.asked_at), "status": "pending"})


async def latest(desk: Desk, call: Call) -> Reply:
    """Tell what each sensor of a planter measured last."""
    caller = await asks(desk, call, "history:read")
    device = await planters(desk, caller.tenant).find(call.args["device"])
    found = (await desk.people.stories.showing.latest(caller.tenant, [device]))[device.id]
    readings = [
        {"sensor_id": each, "sensor_type": metric, "value": found[metric].value, "timestamp": found[metric].at}
        for metric, each in sensor_ids(device.channels).items()
        if metric in found
    ]
    return compact({"device_id": device.address, "readings": readings})


def _ids(device: Device) -> dict[str, Any]:
    return {"sensor_ids": sensor_ids(device.channels), "actuator_ids": actuator_ids(device.channels)}


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/devices", items),
    ("POST", "/devices", add),
    ("POST", "/devices/claim", claim),
    ("GET", "/devices/{device}", read),
    ("DELETE", "/devices/{device}", retire),
    ("GET", "/devices/{device}/config", config),
    ("POST", "/commands/devices/{device}", order),
    ("GET", "/telemetry/latest/{device}", latest),
]

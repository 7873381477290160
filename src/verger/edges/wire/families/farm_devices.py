"""The people's side of mushroom farms: devices, and what they are told to do."""

from typing import Any

from msgspec import structs

from verger.base.clock import moment
from verger.base.errors import Missing
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.domain.commands.model import Command, Stage
from verger.domain.commands.store import WantedCommands
from verger.domain.devices.families import identity
from verger.domain.devices.model import Device
from verger.domain.telemetry.model import Garbled
from verger.domain.tenancy.model import Caller
from verger.edges.wire.dialects.farm import NAME
from verger.edges.wire.families.call import Call, Handler, Reply, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_people import body
from verger.edges.wire.families.farm_shapes import TOLD, Farms, asks, success, text
from verger.flows.commanding import Wish

STAGES = {
    Stage.queued: "pending",
    Stage.sent: "sent",
    Stage.acknowledged: "sent",
    Stage.succeeded: "acked",
    Stage.failed: "failed",
    Stage.expired: "failed",
    Stage.cancelled: "failed",
}
_LONGEST = 400
_TOPIC = "mqtt_topic is farm/<farm>/room/<room>/device/<device>/telemetry"


# devices


async def add(desk: Desk, call: Call) -> Reply:
    """Connect a device to a room; its topic says how it is known. What it said as a stranger is its history."""
    caller, told = await asks(desk, call, "devices:write"), body(call)
    told |= {"room_id": call.args["room"]} if "room" in call.args else {}
    if not all(told.get(name) for name in ("room_id", "name", "category", "mqtt_topic")):
        raise Garbled("Missing required fields")
    room = (await Farms.of(desk, caller.tenant)).room(str(told["room_id"]))
    address = identity(NAME, str(told["mqtt_topic"]))
    if address.count("/") != 1:
        raise Garbled(_TOPIC)
    stories, said = desk.people.stories, _said({"device_type": "sensor"} | told)
    name, now = str(told["name"]), moment(stories.clock.now())
    fresh = Device(id=new_id(), name=name, place=room.id, dialect=NAME, address=address, created_at=now)
    device, _ = await stories.adopting.add(caller.tenant, fresh)
    await _told(desk, caller, device, said)
    (shown,) = await (await Farms.of(desk, caller.tenant)).devices_told([device])
    return success(201, device=shown, device_id=device.id)


def _said(told: dict[str, Any]) -> dict[str, str]:
    """Return what somebody says of a device in its stead; raise Garbled."""
    said = {name: str(told[name]) for name in TOLD if told.get(name) is not None}
    if any(len(text) > _LONGEST for text in said.values()):
        raise Garbled(f"Say it in at most {_LONGEST} characters.")
    return said


async def _told(desk: Desk, caller: Caller, device: Device, said: dict[str, str]) -> None:
    """Keep what somebody says of a device in its stead, until it speaks of that itself."""
    kept = desk.people.stories.kept
    if said:
        async with kept.db.writing() as connection:
            at = moment(desk.people.stories.clock.now())
            await kept.attributes.report(connection, caller.tenant, device.id, said, at)


async def of_room(desk: Desk, call: Call) -> Reply:
    """List the devices of a room."""
    there = await Farms.of(desk, (await asks(desk, call, "devices:read")).tenant)
    found = there.inside(there.room(call.args["room"]).id)
    return success(devices=await there.devices_told(found))


async def find(desk: Desk, caller: Caller, device: str) -> Device:
    """Return a device; raise Missing."""
    try:
        found = await desk.people.stories.kept.devices.get(caller.tenant, device)
    except Missing:
        raise Missing("Device not found") from None
    if found.retired_at is not None:
        raise Missing("Device not found")
    return found


async def read(desk: Desk, call: Call) -> Reply:
    """Tell one device."""
    caller = await asks(desk, call, "devices:read")
    found = await find(desk, caller, call.args["device"])
    (shown,) = await (await Farms.of(desk, caller.tenant)).devices_told([found])
    return success(device=shown)


async def change(desk: Desk, call: Call) -> Reply:
    """Change what a device is called, and what is said of it."""
    caller, told = await asks(desk, call, "devices:write"), body(call)
    said = _said(told)
    found = await find(desk, caller, call.args["device"])
    if told.get("name"):
        after = structs.replace(found, name=str(told["name"]))
        found = await desk.people.stories.provisioning.change(caller.tenant, after, {})
    await _told(desk, caller, found, said)
    (shown,) = await (await Farms.of(desk, caller.tenant)).devices_told([found])
    return success(device=shown)


async def remove(desk: Desk, call: Call) -> Reply:
    """End a device; what it measured stays."""
    caller = await asks(desk, call, "devices:write")
    found = await find(desk, caller, call.args["device"])
    await desk.people.stories.provisioning.retire(caller.tenant, found.id)
    return success(message="Device deleted")


# commands


async def ask(desk: Desk, call: Call) -> Reply:
    """Tell a device to do something, in either way of writing a command."""
    caller, told = await asks(desk, call, "devices:control"), body(call)
    name = call.args.get("device") or told.get("device_id")
    if not name:
        raise Garbled("device_id is required")
    method = told.get("command") or told.get("cmd") or told.get("action")
    if not isinstance(method, str):
        raise Garbled("Command is required")
    params = told.get("params") or ({"value": told["value"]} if told.get("value") is not None else {})
    device = await find(desk, caller, str(name))
    if "room" in call.args:
        there = await Farms.of(desk, caller.tenant)
        if device.id not in {each.id for each in there.inside(there.room(call.args["room"]).id)}:
            raise Missing("Device not found")
    wish = Wish(method=method, params=params)
    made = await desk.people.stories.commanding.ask(caller.tenant, device.id, wish, caller.name)
    return success(message="Command sent successfully", command_id=made.id)


async def asked(desk: Desk, call: Call) -> Reply:
    """List what the devices of a room were told, the newest first."""
    caller = await asks(desk, call, "devices:read")
    there = await Farms.of(desk, caller.tenant)
    devices = {each.id: each for each in there.inside(there.room(call.args["room"]).id)}
    asked = Asked(limit=whole(call.query.get("limit", ""), 1, 500, 100))
    page = await desk.people.stories.commanding.store.page(caller.tenant, asked, WantedCommands(devices=list(devices)))
    return success(commands=[_command(there, devices[each.device], each) for each in page.items])


def _command(there: Farms, device: Device, command: Command) -> dict[str, Any]:
    by = command.asked_by
    return {
        "command_id": command.id,
        "device_id": device.id,
        **there.where(device.place),
        "command": command.method,
        "params": command.params or {},
        "issued_by": by.removeprefix("user:") if by.startswith("user:") else None,
        "issued_at": text(command.asked_at),
        "status": STAGES[command.stage],
    }


ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/devices", add),
    ("POST", "/rooms/{room}/devices", add),
    ("GET", "/rooms/{room}/devices", of_room),
    ("GET", "/devices/{device}", read),
    ("PUT", "/devices/{device}", change),
    ("DELETE", "/devices/{device}", remove),
    ("POST", "/devices/{device}/commands", ask),
    ("POST", "/rooms/{room}/commands", ask),
    ("GET", "/rooms/{room}/commands", asked),
]

"""Mushroom farms over HTTP: what programs tell in their devices' stead, and the routes of the people's side."""

from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from msgspec import structs

from verger.base.clock import moment
from verger.base.errors import Forbidden, Missing, Unknown
from verger.domain.alerts.model import Opening, Severity
from verger.domain.enrolments.model import KIND, Admitted
from verger.domain.telemetry.model import Garbled
from verger.domain.tenancy.model import Caller
from verger.edges.wire.dialects import farm, values
from verger.edges.wire.families import farm_analytics, farm_devices, farm_docs, farm_people, farm_readings, farm_rules
from verger.edges.wire.families.call import (
    Branch,
    Call,
    Handler,
    HttpFamily,
    Reply,
    Route,
    Sender,
    Wait,
    compact,
    heard,
    nobody,
)
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_people import body
from verger.edges.wire.families.farm_shapes import Farms, asks, success, text

_NO_TOKEN, _WRONG_TOKEN = "Missing or invalid internal authorization", "Invalid internal token"
_INVALID = "Invalid payload"
_VERSION = farm_docs.VERSION


# what programs tell


async def ingest(desk: Desk, call: Call) -> Reply:
    """Hear what a program tells of a device, or what it wants people to know."""
    token = call.bearer("Internal") or call.headers.get("x-internal-token", "")
    if not token:
        raise Unknown(_NO_TOKEN)
    told = body(call)
    kind = told.get("type", "telemetry" if "device_id" in told else "")
    if kind == "telemetry":
        await _measured(desk, call, token, told)
    elif kind == "notification":
        await _noted(desk, token, told)
    return success()


async def _measured(desk: Desk, call: Call, token: str, told: dict[str, Any]) -> None:
    """Keep what a device measured; a device goes by its id here or by that of its topics."""
    named = [told.get(name) for name in ("farm_id", "room_id", "device_id")]
    if not all(isinstance(each, str) and farm.is_id(each) for each in named):
        raise Garbled(_INVALID)
    where, room, device = (str(each) for each in named)
    program = None if token.startswith(KIND) else (await _program(desk, token)).needs("devices:write")
    door = desk.meetings.by_key(token) if program is None else Admitted(program.tenant)
    if door is None or not (program or door.speaks(farm.NAME)):
        raise Unknown(_WRONG_TOKEN)
    told = told | {"timestamp": told.get("timestamp", told.get("recorded_at"))}
    about = {name: value for name, value in told.items() if name not in {"type", "recorded_at", "farm_id", "room_id"}}
    voice = farm.measured(where, room, device, about)
    known = desk.meetings.addressed(device)
    if known is not None and (known.tenant, known.dialect) == (door.tenant, farm.NAME):
        voice = structs.replace(voice, address=known.address)
    if program is not None:
        found = desk.meetings.find(door, farm.NAME, voice.address)
        if found is None:
            raise Missing("Device not found: connect it first, or send the key of an enrolment.")
        door = Admitted(program.tenant, (), found)
    await heard(desk, replace(call, door=door), farm.NAME, voice)


async def _sender(desk: Desk, call: Call) -> str | None:
    """Return the device that a message names, if whoever tells it may."""
    token = call.bearer("Internal") or call.headers.get("x-internal-token", "")
    where, device = (values.mentioned(call.body, name) for name in ("farm_id", "device_id"))
    if not token or not device:
        return None
    enrolled = token.startswith(KIND)
    door = desk.meetings.by_key(token) if enrolled else Admitted((await _program(desk, token)).tenant)
    if door is None:
        return None
    known = desk.meetings.addressed(device)
    if known is not None and known.tenant == door.tenant:
        return known.device
    return desk.meetings.find(door, farm.NAME, f"{where}/{device}")


async def _noted(desk: Desk, token: str, told: dict[str, Any]) -> None:
    """Open an alert that says what a program wants people to know."""
    if not isinstance(message := told.get("message"), str) or not message.strip():
        raise Garbled(_INVALID)
    level = told.get("level", "info")
    if level not in {each.value for each in Severity}:
        raise Garbled(_INVALID)
    caller = (await _program(desk, token)).needs("alerts:write")
    there = await Farms.of(desk, caller.tenant)
    device = next((each for each in there.devices if each.id == told.get("device_id")), None)
    named = [device.place if device else None, told.get("room_id"), told.get("farm_id")]
    place = next((each for each in named if each in there.tree.places), None)
    opening = Opening(
        rule=f"told {uuid5(NAMESPACE_OID, message)}",
        device=device.id if device else None,
        place=place,
        severity=Severity(level),
        message=message,
        at=desk.people.stories.clock.now(),
        momentary=True,
    )
    alerting = desk.people.stories.alerting
    async with alerting.db.writing() as connection:
        await alerting.store.open(connection, caller.tenant, opening)


async def _program(desk: Desk, token: str) -> Caller:
    if token.startswith(KIND):
        raise Forbidden("The key of an enrolment is for what devices measure: send an API key for this.")
    try:
        return await desk.people.tenancy.caller(token)
    except Unknown:
        raise Unknown(_WRONG_TOKEN) from None


# what anybody may ask


async def home(_desk: Desk, _call: Call) -> Reply:
    """Say what this is."""
    told = {"message": "IoT Smart Farm API", "version": _VERSION, "documentation": "/docs/", "health": "/health"}
    return compact(told | {"api_base": "/api"})


async def health(desk: Desk, _call: Call) -> Reply:
    """Say that it runs."""
    now = text(moment(desk.people.stories.clock.now()))
    return compact({"status": "healthy", "timestamp": now, "version": _VERSION, "environment": "production"})


# the words of the first pages


async def control(desk: Desk, call: Call) -> Reply:
    """Refuse a command that names no device: nothing could become of it."""
    await asks(desk, call, "devices:control")
    why = "Say which device: POST /api/devices/<id>/commands." if body(call).get("command") else "Command is required"
    return compact({"success": False, "error": why}, 400)


async def device_states(desk: Desk, call: Call) -> Reply:
    """Tell how the devices on farms stand, by their names."""
    there = await Farms.of(desk, (await asks(desk, call, "devices:read")).tenant)
    shown = await there.devices_told(there.on_farms())
    return compact({each["name"]: {"state": each["status"], "type": each["category"]} for each in shown})


def refusal(_call: Call, status: int, sentence: str) -> Reply:
    """Refuse as the old server did."""
    return compact({"error": sentence}, status)


def _routes() -> list[Route]:
    people = (farm_people, farm_devices, farm_readings, farm_rules, farm_analytics)
    told = [(method, f"/api{path}", handler) for each in people for method, path, handler in each.ROUTES]
    told += [
        ("POST", "/auth/login", farm_people.log_in),
        ("POST", "/auth/register", farm_people.register),
        ("POST", "/api/internal/ingest", ingest),
        ("POST", "/internal/ingest", ingest),
        ("POST", "/api/control", control),
        ("GET", "/api/device_states", device_states),
        ("GET", "/health", health),
        ("GET", "/", home),
    ]
    senders: dict[Handler, Sender] = {ingest: _sender}
    routes = [Route(*each, strangers=False, sender=senders.get(each[2], nobody)) for each in told]
    return farm_docs.routes(routes)


def _socket(desk: Desk, wait: Wait) -> Branch:
    # Imported with the first who comes: most houses have no farm, and Socket.IO brings much along.
    from verger.edges.wire.families.farm_socket import FarmSocket  # noqa: PLC0415

    return FarmSocket(desk, wait)


FAMILY = HttpFamily(
    farm.NAME,
    _routes(),
    refusal=refusal,
    branches={"/socket.io/": _socket},
    pages=frozenset({farm_docs.PAGE}),
)

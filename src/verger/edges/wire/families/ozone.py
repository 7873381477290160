"""Treatment machines over HTTP: the form posts of the first generation, and how the successor speaks."""

from contextlib import suppress
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from verger.base.clock import moment
from verger.base.errors import Missing, Unknown
from verger.base.secrets import same
from verger.domain.telemetry.model import Ack, Attributes, Garbled, Said
from verger.edges.wire.dialects import clocks, ozone, values
from verger.edges.wire.dialects.family import Voice
from verger.edges.wire.dialects.native import Ask
from verger.edges.wire.families.call import Call, HttpFamily, Reply, Route, compact, heard
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ozone_counts import COUNTS
from verger.edges.wire.families.ozone_machines import MACHINES
from verger.edges.wire.families.ozone_orders import ORDERS, command_told, urgency
from verger.edges.wire.families.ozone_people import PEOPLE
from verger.edges.wire.families.ozone_telemetry import TELEMETRY

NAME = ozone.NAME
_UNAUTHORIZED = "Unauthorized"
_COUNTERS = tuple((name, f"count_{name}") for name in ozone.TREATMENTS)


# the first generation: forms


async def post(desk: Desk, call: Call) -> Reply:
    """Hear a form: how a machine stands, and a treatment if it tells of one."""
    await _form(desk, call)
    return compact({"status": "ok", "id": desk.people.stories.clock.now()})


async def ingest(desk: Desk, call: Call) -> Reply:
    """Hear the same form at the successor."""
    await _form(desk, call)
    return compact({"status": "ok"})


async def _form(desk: Desk, call: Call) -> None:
    told = call.form()
    await heard(desk, call, NAME, form(told, _zone(desk, call, told.get("macaddr", ""))))


def form(told: dict[str, str], zone: tzinfo) -> Voice:
    """Return what a machine says in a form; raise Garbled."""
    address = told.get("macaddr", "").strip()
    if not address:
        raise Garbled("macaddr required")
    at = clocks.time_of(told.get("timestamp"), zone)
    counts = {f"count_{name}": told.get(f"count{place}") for place, name in enumerate(ozone.TREATMENTS, 1)}
    said = ozone.stand({"wifi_connected": True, **counts, **told}, at)
    mode = told.get("mode", "").strip().lower()
    if mode in ozone.TREATMENTS:
        counter = ozone.count(counts[f"count_{mode}"])
        data = {} if counter is None else {"counter": int(counter)}
        said = [ozone.treatment(mode, at, data), *said]
    return ozone.voice(address, said)


# the successor


async def handshake(desk: Desk, call: Call) -> Reply:
    """Tell a machine its token: the same until it spoke with it, then if it brings it, or may have a new one."""
    told = _object(call)
    address = told.get("mac")
    if not isinstance(address, str) or not address.strip():
        raise Garbled("mac required")
    said: list[Said] = []
    firmware = told.get("firmware")
    if isinstance(firmware, str) and 0 < len(firmware) <= 200:
        said.append(Attributes({"firmware": firmware}))
    voice = ozone.voice(address, said)
    door = call.door
    if door is None:
        raise Unknown(_UNAUTHORIZED)
    token = desk.meetings.secret(door, NAME, voice.address) or ""
    own = token if token and same(token, call.bearer()) else ""
    met = await heard(desk, call, NAME, ozone.voice(address, said, own))
    device = desk.meetings.find(door, NAME, voice.address)
    return compact({"device_id": voice.address, "token": met.secret or own, "assigned": device is not None})


async def event(desk: Desk, call: Call) -> Reply:
    """Keep one treatment, once by its event_id, on disk when it is answered."""
    told = _object(call)
    address = told.get("device_id")
    if not isinstance(address, str) or not address.strip():
        raise Unknown(_UNAUTHORIZED)
    call = await proven(desk, call, address)
    await _say(desk, call, address, treated(told, _zone(desk, call, address)))
    return compact({"ack": True, "event_id": told["event_id"]})


def treated(told: dict[str, Any], zone: tzinfo) -> list[Said]:
    """Return what the successor says of a treatment; raise Garbled."""
    number, kind = told.get("event_id"), told.get("treatment")
    if not isinstance(number, str) or not 0 < len(number.strip()) <= 128 or not number.isprintable():
        raise Garbled("event_id required")
    if told.get("event") != "treatment" or not isinstance(kind, str) or kind.lower() not in ozone.TREATMENTS:
        raise Garbled("invalid event")
    counter = ozone.count(told.get("counter"))
    if counter is None:
        raise Garbled("invalid counter")
    at = clocks.time_of(told.get("ts"), zone)
    return [ozone.treatment(kind, at, {"counter": int(counter)}, number.strip()), *_counters(told, at)]


async def commands(desk: Desk, call: Call) -> Reply:
    """Give a machine that polls the commands that wait for it, the most urgent first."""
    address = call.args["device"]
    call = await proven(desk, call, address)
    await _say(desk, call, address, [])
    device = _device(desk, call, address)
    waiting = [] if device is None else sorted(await desk.orders.fetch(device), key=urgency)
    now = desk.people.stories.clock.now()
    if device is not None:
        await desk.fetched(device, [Ask(each.number, each.method, each.params) for each in waiting])
    shapes = [command_told(each) for each in waiting]
    return compact({"commands": shapes, "count": len(shapes), "device_id": address, "timestamp": moment(now)})


async def result(desk: Desk, call: Call) -> Reply:
    """Hear what became of a command."""
    address, number = call.args["device"], call.args["command"]
    call = await proven(desk, call, address)
    told = _object(call)
    if not number.isdecimal() or len(number) > 18 or _device(desk, call, address) is None:
        raise Missing("Not found.")
    success = ozone.flag_of(told.get("success"))
    if success is None:
        raise Garbled("success required")
    answer = {name: told[name] for name in ("message", "response_data") if told.get(name) not in (None, "")}
    if not success:
        answer["error"] = str(told.get("error_message") or told.get("message") or "The machine could not do it.")
    ack = Ack(int(number), "answer", answered=True, result={"success": success, **answer})
    await _say(desk, call, address, [ack, *_counters(told, None)])
    return compact({"status": "updated", "command_id": number, "success": success})


async def proven(desk: Desk, call: Call, address: str) -> Call:
    """Return a call of a machine that brings its token, with its door; raise Unknown."""
    token = call.bearer()
    if not token:
        raise Unknown(_UNAUTHORIZED)
    door = desk.meetings.by_secret(NAME, address, token, call.door)
    if door is not None:
        await desk.meetings.prove(door, NAME, address, token)
        return replace(call, door=door)
    if call.door is None or not same(desk.meetings.secret(call.door, NAME, address) or "", token):
        desk.meetings.impostor(NAME, address, token)
        raise Unknown(_UNAUTHORIZED)
    return call


async def _say(desk: Desk, call: Call, address: str, said: list[Said]) -> None:
    try:
        await heard(desk, call, NAME, ozone.voice(address, said, call.bearer()))
    except Unknown:
        raise Unknown(_UNAUTHORIZED) from None


async def _named(desk: Desk, call: Call) -> str | None:
    """Return the machine that a form or a handshake names."""
    address = values.mentioned(call.body, "macaddr") or values.mentioned(call.body, "mac")
    if not address:
        with suppress(Garbled):
            address = call.form().get("macaddr", "")
    return _device(desk, call, address) if address else None


async def _proven(desk: Desk, call: Call) -> str | None:
    """Return the machine that brings its token."""
    address = call.args.get("device") or values.mentioned(call.body, "device_id")
    return _device(desk, await proven(desk, call, address), address) if address else None


def _device(desk: Desk, call: Call, address: str) -> str | None:
    return None if call.door is None else desk.meetings.find(call.door, NAME, address)


def _counters(told: dict[str, Any], at: int | None) -> list[Said]:
    """Return the counters that a message carries along."""
    counters = told.get("current_counters")
    if not isinstance(counters, dict):
        return []
    return ozone.stand({ours: counters.get(name) for name, ours in _COUNTERS}, at)


def _object(call: Call) -> dict[str, Any]:
    told = call.json()
    if not isinstance(told, dict):
        raise Garbled("Send an object.")
    return told


def _zone(desk: Desk, call: Call, address: str) -> tzinfo:
    if call.door is None:
        raise Unknown(_UNAUTHORIZED)
    return desk.meetings.zone_of(call.door, NAME, address)


async def alive(_desk: Desk, _call: Call) -> Reply:
    """Say that the server is there."""
    return compact({"status": "ok", "service": "ozontelemetry", "api": "/api/"})


FAMILY = HttpFamily(
    NAME,
    [
        Route("POST", "/api/iot/", post, sender=_named),
        Route("POST", "/iot/", post, sender=_named),
        Route("POST", "/api/ingest/", ingest, sender=_named),
        Route("POST", "/api/handshake/", handshake, sender=_named),
        Route("POST", "/api/device/events/", event, strangers=False, sender=_proven),
        Route("POST", "/api/events/", event, strangers=False, sender=_proven),
        *(Route(*each, strangers=False) for each in (*ORDERS, *PEOPLE, *MACHINES, *COUNTS, *TELEMETRY)),
        Route("GET", "/api/device/{device}/commands/", commands, strangers=False),
        Route("POST", "/api/device/{device}/commands/{command}/", result, strangers=False, sender=_proven),
        Route("GET", "/", alive, strangers=False),
    ],
)

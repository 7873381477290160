"""Power outlets over HTTP: their control unit tells what flows, and asks every two seconds what they are to do."""

from collections.abc import Sequence
from typing import Any

from verger.base.errors import Missing, Unknown
from verger.domain.devices.addresses import Addressed
from verger.domain.devices.outlets import central
from verger.domain.telemetry.model import Ack, Attributes, Heard, Said
from verger.edges.wire.dialects import outlet, values
from verger.edges.wire.dialects.native import Ask
from verger.edges.wire.families import outlet_people, outlet_sheets, outlet_sockets
from verger.edges.wire.families.call import Call, HttpFamily, Reply, Route, heard
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.outlet_shapes import limit, name_of, relays, told
from verger.edges.wire.families.outlet_units import asks, door, foreign, here, outlets, units_of
from verger.edges.wire.families.outlet_units import told as round_began

NAME = outlet.NAME
_UNKNOWN_ORDER = "A control unit knows relay_on and relay_off with a socket, set_threshold, read_sensors and ping."


# what is said


async def data(desk: Desk, call: Call) -> Reply:
    """Hear an outlet, and answer how its relays stand."""
    sample = outlet.sample(call.body)
    device = desk.meetings.find(door(call), NAME, sample.device_id)
    before = await _reported(desk, device) if sample.overload or len(sample.relays) < 2 else {}
    gateway = await _speaks_for(desk, call) if device is None else ""
    voice = sample.voice(gateway, fresh=before.get("is_overload") is not True)
    met = await _heard(desk, call, voice, f"Outlet with device_id {sample.device_id} not found")
    flags = before | sample.relays if met else sample.relays
    return told(message="Data received (logged to DB)", **relays(flags))


async def breaker_data(desk: Desk, call: Call) -> Reply:
    """Hear what flows through the main breaker of a control unit."""
    voice = outlet.breaker(call.body)
    await _heard(desk, call, voice, f"{voice.address} is not let in here")
    if unit := desk.meetings.find(door(call), NAME, voice.address):
        round_began(desk, call, unit)
    return told(message="Breaker data received (logged to DB)")


async def _heard(desk: Desk, call: Call, voice: outlet.Voice, unknown: str) -> bool:
    """Keep what is said; whether a device that was adopted said it. Raise Missing for one that is not let in."""
    try:
        return (await heard(desk, call, NAME, voice)).known
    except Unknown:
        raise Missing(unknown) from None


# what is asked


async def devices(desk: Desk, call: Call) -> Reply:
    """Tell the ids of the outlets, the newest first."""
    found = await outlets(desk, call, await here(desk, call))
    return told(devices=[name for name in map(name_of, found) if name])


async def status(desk: Desk, call: Call) -> Reply:
    """Tell how an outlet stands."""
    found = _outlet(desk, call)
    reported, desired = await desk.house.attributes(found.device, None, None)
    about = await desk.people.stories.kept.devices.get(found.tenant, found.device)
    return told(device_id=name_of(found), name=about.name, **relays(reported), threshold=limit(reported, desired))


async def commands(desk: Desk, call: Call) -> Reply:
    """Tell what an outlet is to do, the oldest first, and note that its control unit has it."""
    found = _outlet(desk, call)
    if await foreign(desk, call, found):
        return told(commands=[])
    orders = [(ask, outlet.order(ask)) for ask in await desk.commands(found.device)]
    await desk.fetched(found.device, [ask for ask, order in orders if order is not None])
    said: list[Said] = [_refused(ask) for ask, order in orders if order is None]
    listed = [order for _, order in orders if order is not None]
    limits = [order["value"] for order in listed if order["command"] == "set_threshold"]
    if not limits and (drifted := (await _drifted(desk, [found])).get(found.device)):
        limits = [drifted]
        listed.append({"command": "set_threshold", "socket": "", "value": drifted})
    if limits:
        said.append(Attributes({"threshold": limits[-1]}))
        await _agree(desk, found, limits[-1])
    if said:
        await desk.inlet.put(Heard(found.device, tuple(said)))
    return told(commands=listed)


def _refused(ask: Ask) -> Ack:
    return Ack(ask.number, "poll", answered=True, result={"error": _UNKNOWN_ORDER})


async def _drifted(desk: Desk, found: Sequence[Addressed]) -> dict[str, int]:
    """Return the thresholds that are desired of outlets, where those are not what they were told last."""
    if not found:
        return {}
    states = await desk.people.stories.kept.attributes.of(found[0].tenant, [each.device for each in found])
    pairs = {
        device: (state.desired.get("threshold"), state.reported.get("threshold")) for device, state in states.items()
    }
    return {device: want for device, (want, has) in pairs.items() if outlet.is_threshold(want) and want != has}


async def _agree(desk: Desk, found: Addressed, value: int) -> None:
    """Desire what somebody commanded, where another threshold was desired: or it would be taken back at once."""
    desired = (await desk.house.attributes(found.device, [], ["threshold"]))[1].get("threshold")
    if desired is not None and desired != value:
        await desk.people.stories.changing.desiring.desire(found.tenant, found.device, {"threshold": value})


# the focus: which outlet is served every two seconds


async def focus(desk: Desk, call: Call) -> Reply:
    """Tell which outlet comes next: one with commands or a threshold waiting, else the one that people look at."""
    units = await asks(desk, call)
    served = await outlets(desk, call, units)
    there = {each.device: name_of(each) for each in served}
    chosen = {(await desk.house.attributes(unit.device, [], ["focus"]))[1].get("focus") for unit in units}
    tenant, shows = door(call).tenant, desk.people.shows
    looked_at = [device for device, name in there.items() if name in chosen or shows(tenant, device)]
    device = desk.orders.next_of(list(there), looked_at, list(await _drifted(desk, served)))
    return told(device_id=None if device is None else there[device])


async def set_focus(desk: Desk, call: Call) -> Reply:
    """Let one outlet be served every two seconds."""
    await units_of(desk, call)
    found = _outlet(desk, call, "Outlet {} not found")
    await _focus(desk, call, await units_of(desk, call, found), name_of(found))
    return told(device_id=name_of(found))


async def clear_focus(desk: Desk, call: Call) -> Reply:
    """Let all outlets take turns again."""
    await _focus(desk, call, await units_of(desk, call), None)
    return told(device_id=None)


async def _focus(desk: Desk, call: Call, units: Sequence[Addressed], name: str | None) -> None:
    for unit in units:
        await desk.people.stories.changing.desiring.desire(door(call).tenant, unit.device, {"focus": name})


async def alive(_desk: Desk, _call: Call) -> Reply:
    """Say that the server can be reached."""
    return told(message="Verger")


# who is meant


def _outlet(desk: Desk, call: Call, unknown: str = "Outlet with device_id {} not found") -> Addressed:
    name = call.args["device"]
    device = desk.meetings.find(door(call), NAME, name)
    found = None if device is None else desk.meetings.addressed(device)
    if found is None or name_of(found) is None:
        raise Missing(unknown.format(name))
    return found


async def _speaks_for(desk: Desk, call: Call) -> str:
    """Return the address of the control unit that speaks for an outlet, if there is no other that may."""
    units = await here(desk, call)
    return units[0].address if len(units) == 1 else ""


async def _sender(desk: Desk, call: Call) -> str | None:
    """Return the outlet or the unit that a message names, else the unit that speaks here alone."""
    name, ccu_id = (values.mentioned(call.body, field) for field in ("device_id", "ccu_id"))
    if name or ccu_id:
        return desk.meetings.find(door(call), NAME, name or central(ccu_id))
    units = await here(desk, call)
    return units[0].device if len(units) == 1 else None


async def _reported(desk: Desk, device: str | None) -> dict[str, Any]:
    if device is None:
        return {}
    return (await desk.house.attributes(device, ["relay_a", "relay_b", "is_overload"], []))[0]


def refusal(_call: Call, status: int, sentence: str) -> Reply:
    """Refuse as the old server did; a wrong key of the tables is 403 there."""
    return told(403 if sentence == outlet_sheets.NO_KEY else status, success=False, message=sentence)


FAMILY = HttpFamily(
    NAME,
    [
        Route("POST", "/api/data/", data, sender=_sender),
        Route("POST", "/api/breaker-data/", breaker_data, sender=_sender),
        Route("GET", "/api/devices/", devices),
        Route("GET", "/api/outlet-status/{device}/", status),
        Route("GET", "/api/commands/{device}/", commands),
        Route("GET", "/api/focus/", focus),
        Route("POST", "/api/focus/clear/", clear_focus),
        Route("DELETE", "/api/focus/clear/", clear_focus),
        Route("POST", "/api/focus/{device}/", set_focus),
        *outlet_people.ROUTES,
        Route("GET", "/", alive, strangers=False),
    ],
    outlet_sockets.SOCKETS,
    refusal,
)

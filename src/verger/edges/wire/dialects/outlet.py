"""The dialect of power outlets behind a central control unit, which searches its answers for strings; pure."""

import json
from typing import Annotated, Any, TypeGuard

import msgspec
from msgspec import Meta, Struct

from verger.base.errors import Fault
from verger.domain.devices.outlets import CENTRAL, MOST_MA, NAME, central
from verger.domain.telemetry.model import Attributes, Event, Garbled, Readings, Said
from verger.edges.wire.dialects import values
from verger.edges.wire.dialects.family import Voice
from verger.edges.wire.dialects.native import Ask
from verger.edges.wire.dialects.shapes import NOT_SO

__all__ = [
    "CENTRAL",
    "COMMANDS",
    "NAME",
    "SOCKETS",
    "Sample",
    "Voice",
    "breaker",
    "is_threshold",
    "order",
    "sample",
    "text",
]

OVERLOAD = 65_535
TRIPPED = "overload.tripped"
_OUTLET_NOISE, _BREAKER_NOISE = 100, 280
_LONGEST_ID = 10
SOCKETS = ("a", "b")
COMMANDS = ("relay_on", "relay_off", "set_threshold", "read_sensors", "ping")
_NOT_JSON = "Invalid JSON format"


class Sample(Struct, frozen=True):
    """What an outlet said at once: what flows, its relays as far as it told them, and which sockets are overloaded."""

    device_id: str
    readings: dict[str, float]
    relays: dict[str, bool]
    overload: bool
    tripped: tuple[str, ...] = ()
    refused: tuple[Fault, ...] = ()

    def voice(self, gateway: str, *, fresh: bool) -> Voice:
        """Return who speaks; `fresh`: the outlet was not overloaded before."""
        said: list[Said] = [Readings(self.readings)] if self.readings else []
        said.append(Attributes({**self.relays, "is_overload": self.overload}))
        if self.overload and fresh:
            said.append(Event(TRIPPED, {"sockets": list(self.tripped), **self.readings}))
        return Voice(self.device_id, tuple(said), gateway=gateway, refused=self.refused)


_Number = Annotated[float, Meta(ge=-values.LARGEST, le=values.LARGEST)]


class _Outlet(Struct, gc=False):
    """What a control unit says of an outlet, as the firmware writes it."""

    device_id: str
    current_a: _Number
    current_b: _Number
    relay_a: bool | None = None
    relay_b: bool | None = None
    is_overload: bool = False


class _Breaker(Struct, gc=False):
    """What it says of its breaker."""

    ccu_id: str
    current_ma: _Number


_OUTLET = msgspec.json.Decoder(_Outlet)
_BREAKER = msgspec.json.Decoder(_Breaker)


def text(told: Any) -> bytes:
    """Return JSON with one blank after each colon and comma, without which a control unit loses its commands."""
    return json.dumps(told).encode()


def sample(body: bytes) -> Sample:
    """Return what a control unit says of an outlet; raise Garbled."""
    try:
        usual = _OUTLET.decode(body)
    except NOT_SO:
        return _closer(body)
    name = _id("device_id", usual.device_id)
    flows = {"current_a": usual.current_a, "current_b": usual.current_b}
    tripped = tuple(flow[-1] for flow, number in flows.items() if number == OVERLOAD)
    readings = {flow: _quiet(number, _OUTLET_NOISE) for flow, number in flows.items() if 0 <= number != OVERLOAD}
    relays = {"relay_a": (usual.relay_a, usual.current_a), "relay_b": (usual.relay_b, usual.current_b)}
    # Off is no news while the current is not known: so a unit says of an outlet that has not answered it yet.
    known = {relay: on for relay, (on, ma) in relays.items() if on or (on is False and ma >= 0)}
    return Sample(name, readings, known, bool(tripped) or usual.is_overload, tripped)


def _closer(body: bytes) -> Sample:
    """Return what is said of an outlet in an unusual way; raise Garbled."""
    told = _fields(body, ("device_id", "current_a", "current_b"))
    faults: list[Fault] = []
    readings: dict[str, float] = {}
    tripped = []
    for socket in SOCKETS:
        name = f"current_{socket}"
        number = _current(name, told[name], faults)
        if number == OVERLOAD:
            tripped.append(socket)
        elif number is not None:
            readings[name] = _quiet(number, _OUTLET_NOISE)
    known = {*(name[-1] for name in readings), *tripped, *(fault.field[-1] for fault in faults)}
    states = {socket: told.get(f"relay_{socket}") for socket in SOCKETS}
    relays = {f"relay_{each}": on for each, on in states.items() if on is True or (on is False and each in known)}
    if not readings and not tripped and faults:
        raise Garbled(f"{faults[0].field}: {faults[0].message}", tuple(faults))
    overload = bool(tripped) or told.get("is_overload") is True
    return Sample(_id("device_id", told["device_id"]), readings, relays, overload, tuple(tripped), tuple(faults))


def breaker(body: bytes) -> Voice:
    """Return the control unit that says what flows through the main breaker; raise Garbled."""
    try:
        usual = _BREAKER.decode(body)
    except NOT_SO:
        pass
    else:
        return _flows(central(_id("ccu_id", usual.ccu_id)), usual.current_ma)
    told = _fields(body, ("ccu_id", "current_ma"))
    address, faults = central(_id("ccu_id", told["ccu_id"])), list[Fault]()
    number = _current("current_ma", told["current_ma"], faults)
    if faults:
        raise Garbled(f"current_ma: {faults[0].message}", tuple(faults))
    return Voice(address) if number is None else _flows(address, number)


def _flows(address: str, number: float) -> Voice:
    measured = 0 <= number != OVERLOAD
    return Voice(address, (Readings({"current_ma": _quiet(number, _BREAKER_NOISE)}),) if measured else ())


def _quiet(number: float, noise: float) -> float:
    """Return a current, 0 where it is only noise."""
    return 0.0 if number <= noise else number


def order(ask: Ask) -> dict[str, Any] | None:
    """Return a command as a control unit finds it, None where it knows no such thing; `command` stands first."""
    params = ask.params if isinstance(ask.params, dict) else {}
    socket, value = str(params.get("socket") or "").lower(), params.get("value")
    if ask.method not in COMMANDS or (ask.method.startswith("relay_") and socket not in SOCKETS):
        return None
    if ask.method == "set_threshold" and not is_threshold(value):
        return None
    return {"command": ask.method, "socket": socket if socket in SOCKETS else "", "value": value}


def is_threshold(value: Any) -> TypeGuard[int]:
    """Whether an outlet can keep a threshold: 16 bits, and not the mark of an overload."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_MA


def _fields(body: bytes, needed: tuple[str, ...]) -> dict[str, Any]:
    try:
        told = values.parse_text(body)
    except Garbled:
        raise Garbled(_NOT_JSON) from None
    if not isinstance(told, dict):
        raise Garbled(_NOT_JSON)
    if any(name not in told for name in needed):
        raise Garbled(f"Missing required fields. Required: {list(needed)}")
    return told


def _id(field: str, told: Any) -> str:
    if isinstance(told, str) and 0 < len(told) <= _LONGEST_ID and told.isalnum() and told.isascii():
        return told
    name = str(told).strip() if isinstance(told, str | int) and not isinstance(told, bool) else ""
    if not 0 < len(name) <= _LONGEST_ID or not name.isalnum() or not name.isascii():
        sentence = f"An id has 1 to {_LONGEST_ID} letters and digits, such as FE."
        raise Garbled(f"{field}: {sentence}", (Fault(field, sentence),))
    return name


def _current(name: str, told: Any, faults: list[Fault]) -> float | None:
    """Return a current in mA, None for one that is not known yet."""
    number = values.number_of(told)
    if number is None or not -values.LARGEST <= number <= values.LARGEST:
        faults.append(Fault(name, "This is not a number."))
        return None
    return None if number < 0 else number

"""What a device says in the native dialect: telemetry in all its shapes, attributes, events."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from verger.base.errors import Fault
from verger.base.plural import counted
from verger.domain.telemetry.model import Garbled, Heard, Readings, Run, Said
from verger.edges.wire.dialects import values
from verger.edges.wire.dialects.events import read_event
from verger.edges.wire.dialects.shapes import NOT_SO, Number, together
from verger.edges.wire.dialects.values import LONGEST_NAME

MOST_FAULTS = 50

_Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
_Millis = Annotated[int, Meta(ge=-(1 << 52), le=1 << 52)]


class Stamped(Struct, gc=False):
    """Values with their time, in the form that most devices send."""

    ts: _Millis
    values: dict[_Name, Number]


_flat = msgspec.json.Decoder(dict[_Name, Number]).decode
_STAMPED = msgspec.json.Decoder(Stamped)
_LIST = msgspec.json.Decoder(list[Stamped])
_FLATS = msgspec.json.Decoder(list[dict[_Name, Number]])


def telemetry(device: str, body: bytes) -> Heard:
    """Read telemetry in any of its shapes: {k: v}, {ts, values}, or a list of those."""
    try:
        if body.startswith(b'{"ts"'):
            stamped = _STAMPED.decode(body)
            if stamped.values and "".join(stamped.values).isprintable():
                return Heard(device, (Readings(stamped.values, stamped.ts * 1000),))
        elif body.startswith(b'[{"ts"'):
            several = _LIST.decode(body)
            if all(one.values and "".join(one.values).isprintable() for one in several):
                return Heard(device, tuple([Readings(one.values, one.ts * 1000) for one in several]))
        else:
            flat = _flat(body)
            if flat and "".join(flat).isprintable():
                return Heard(device, (Readings(flat),))
    except NOT_SO:
        pass
    return _telemetry(device, values.parse(body))


def alone(device: str, body: bytes) -> Run | None:
    """Read telemetry in a message of the form {k: v}; None if it has another."""
    try:
        flat = _flat(body)
    except NOT_SO:
        return None
    metrics = (*flat,)
    return Run(device, metrics, [*flat.values()]) if metrics and "".join(metrics).isprintable() else None


def run(device: str, bodies: Sequence[bytes]) -> Run | None:
    """Read telemetry in several messages that all say the same metrics in the form {k: v}; None if they do not."""
    try:
        joined = together(bodies)
        flats = _FLATS.decode(joined) if joined else []
    except NOT_SO:
        return None
    metrics = (*flats[0],) if len(flats) == len(bodies) else ()
    if not metrics or not "".join(metrics).isprintable() or {*map(tuple, flats)} != {metrics}:
        return None
    return Run(device, metrics, [*chain.from_iterable([flat.values() for flat in flats])])


def _telemetry(device: str, told: Any) -> Heard:
    """Read telemetry that needs a closer look, keeping all of it that can be kept."""
    faults: list[Fault] = []
    return _heard(device, entries(told, faults), faults)


def entries(told: Any, faults: list[Fault]) -> list[Said]:
    """Return what telemetry says that is parsed already; what of it cannot be kept is added to `faults`."""
    said: list[Said] = []
    if not isinstance(told, dict | list):
        raise Garbled("Telemetry is an object of values, or a list of such objects.")
    for place, entry in enumerate(told if isinstance(told, list) else [told]):
        if not isinstance(entry, dict):
            faults.append(Fault(f"[{place}]", "An entry of telemetry is an object of values."))
            continue
        at, named = None, entry
        if "ts" in entry and isinstance(entry.get("values"), dict):
            try:
                at, named = values.time_of(entry["ts"]), entry["values"]
            except Garbled as garbled:
                faults.append(Fault("ts", str(garbled)))
                continue
        said.extend(values.sort(named, at, faults))
    return said


def attributes(device: str, body: bytes) -> Heard:
    """Read what a device reports about itself: one flat object."""
    told = values.parse(body)
    if not isinstance(told, dict):
        raise Garbled("Attributes are an object of names and values.")
    faults: list[Fault] = []
    return _heard(device, values.attributes(told, faults), faults)


def events(device: str, body: bytes) -> Heard:
    """Read an event {kind, at, id, data}, or a list of them."""
    told = values.parse(body)
    faults: list[Fault] = []
    said: list[Said] = []
    for entry in told if isinstance(told, list) else [told]:
        try:
            said.append(read_event(entry))
        except Garbled as garbled:
            faults.extend(garbled.faults)
    return _heard(device, said, faults)


def nothing(device: str, garbled: Garbled) -> Heard:
    """Return a message of which nothing was understood, so that it is answered in its turn."""
    return Heard(device, (), garbled.faults or (Fault("", str(garbled)),))


def _heard(device: str, said: Iterable[Said], faults: list[Fault]) -> Heard:
    """Return what was heard, with each fault once and not too many of them."""
    kept = tuple(said)
    return Heard(device, kept, several(faults))


def several(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return each fault once and not too many of them."""
    each = tuple(dict.fromkeys(faults))
    if len(each) <= MOST_FAULTS:
        return each
    more = len(each) - MOST_FAULTS
    return (
        *each[:MOST_FAULTS],
        Fault("", f"{counted(more, 'further value')} {'was' if more == 1 else 'were'} refused."),
    )

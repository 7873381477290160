"""What a JSON value of a device is: a reading, a reported attribute, or refused with a reason."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from verger.base.clock import microseconds
from verger.base.errors import Fault
from verger.domain.telemetry.model import Attributes, Garbled, Readings, Said

LARGEST = 1e300
"""The greatest size of a reading: millions of them can still be summed."""
LONGEST_NAME = 128
LONGEST_ATTRIBUTE = 65_536
DEEPEST = 16
UNSOUND = "This is too large, nested too deep or not text; send less of it."

_FAR = 1 << 62
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def parse(body: bytes) -> Any:
    """Return what a JSON text holds; numbers beyond bounds come out as infinite, so that they are refused by key."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(body.decode("utf-8-sig"), parse_int=_whole)
    except RecursionError:
        raise Garbled("This JSON is nested too deep.") from None
    except ValueError as error:
        raise Garbled(f"This is not JSON: {error}.") from None


def parse_text(body: bytes) -> Any:
    """Return what a JSON text holds, as `parse` does, all of it text that can be written; raise Garbled."""
    told = parse(body)
    if b"\\u" in body:
        try:
            json.dumps(told, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Garbled("This JSON holds half of a character; send whole ones.") from None
    return told


def mentioned(body: bytes, name: str) -> str:
    """Return the first text or whole number that goes by a name in a JSON text, sound or cut short; "" for none."""
    found = re.search(rb'"%s"\s*:\s*(?:"([^"\\]{1,200})"|(\d{1,20}))' % re.escape(name.encode()), body)
    return "" if found is None else (found[1] or found[2]).decode(errors="replace")


def _whole(digits: str) -> float:
    return int(digits) if len(digits) < 400 else float(digits)


def sort(values: dict[str, Any], at: int | None, faults: list[Fault]) -> Iterator[Said]:
    """Tell readings from attributes, all at one time; what can be neither is added to `faults`."""
    readings: dict[str, float] = {}
    attributes: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        if fault := name_fault(name):
            faults.append(fault)
            continue
        number = number_of(value)
        if number is None:
            _keep(attributes, name, value, faults)
        elif -LARGEST <= number <= LARGEST:
            readings[name] = number
        else:
            faults.append(Fault(name, _no_reading(number)))
    if readings:
        yield Readings(readings, at)
    if attributes:
        yield Attributes(attributes, at)


def attributes(values: dict[str, Any], faults: list[Fault]) -> Iterator[Said]:
    """Take every value as an attribute; what cannot be one is added to `faults`."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        if fault := name_fault(name):
            faults.append(fault)
        elif isinstance(value, float) and not math.isfinite(value):
            faults.append(Fault(name, _no_reading(value)))
        else:
            _keep(kept, name, value, faults)
    if kept:
        yield Attributes(kept)


def number_of(value: Any) -> float | None:
    """Return a number, a boolean or text that is a number as a number, infinite or not a number where it says so."""
    if type(value) is float:
        return value
    if isinstance(value, str):
        text = value.strip()
        return float(text) if _NUMBER.fullmatch(text) or _NO_NUMBER.fullmatch(text) else None
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return None


def name_fault(name: str) -> Fault | None:
    """Return what is wrong with the name of a value."""
    if 0 < len(name) <= LONGEST_NAME and name.isprintable():
        return None
    shown = "".join(c if c.isprintable() else "?" for c in name[:LONGEST_NAME])
    return Fault(shown, f"A name has 1 to {LONGEST_NAME} printable characters.")


def time_of(value: Any) -> int | None:
    """Return milliseconds since 1970, or RFC 3339 text, in microseconds; None stays None, others raise Garbled."""
    if value is None:
        return None
    number = None if isinstance(value, bool) else number_of(value)
    if number is not None and math.isfinite(number):
        exact = value * 1000 if isinstance(value, int) else int(number * 1000)
        return max(min(exact, _FAR), -_FAR)
    try:
        return microseconds(msgspec.convert(value, _Moment))
    except msgspec.ValidationError:
        raise Garbled("A time is milliseconds since 1970, or RFC 3339 text with its zone.") from None


def is_sound(value: Any) -> bool:
    """Whether a value can be written down as an attribute or an event's data."""
    try:
        return not _is_deep(value, DEEPEST) and len(msgspec.msgpack.encode(value)) <= LONGEST_ATTRIBUTE
    except (ValueError, OverflowError, RecursionError):
        return False


def _keep(kept: dict[str, Any], name: str, value: Any, faults: list[Fault]) -> None:
    if is_sound(value):
        kept[name] = value
    else:
        faults.append(Fault(name, UNSOUND))


def _is_deep(value: Any, left: int) -> bool:
    if isinstance(value, dict):
        return not left or any(_is_deep(one, left - 1) for one in value.values())
    if isinstance(value, list):
        return not left or any(_is_deep(one, left - 1) for one in value)
    return False


def _no_reading(number: float) -> str:
    return "This is not a number." if math.isnan(number) else f"A reading lies within ±{LARGEST:g}."

"""An event as devices write it in JSON: {kind, at, id, data}."""

from typing import Any

from verger.base.errors import Fault
from verger.domain.telemetry.model import Event, Garbled
from verger.edges.wire.dialects import values


def read_event(entry: Any) -> Event:
    """Read one event; raise Garbled with the field at fault."""
    if not isinstance(entry, dict):
        raise _at_fault("", "An event is an object with a kind.")
    kind, number = entry.get("kind"), entry.get("id")
    if not isinstance(kind, str) or values.name_fault(kind) or not all(kind.split(".")) or " " in kind:
        raise _at_fault("kind", "A kind is words joined by dots, such as treatment.basic.")
    if isinstance(number, int) and not isinstance(number, bool):
        number = str(number)
    if number is not None and (not isinstance(number, str) or values.name_fault(number)):
        raise _at_fault("id", f"An id is text of 1 to {values.LONGEST_NAME} characters.")
    if entry.get("data") is not None and not values.is_sound(entry["data"]):
        raise _at_fault("data", values.UNSOUND)
    try:
        at = values.time_of(entry.get("at"))
    except Garbled as garbled:
        raise _at_fault("at", str(garbled)) from None
    return Event(kind, entry.get("data"), at, number)


def _at_fault(field: str, message: str) -> Garbled:
    return Garbled(message, (Fault(field, message),))

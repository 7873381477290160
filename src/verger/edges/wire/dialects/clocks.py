"""Times as the devices of families write them: by a clock on the wall, with a zone, or since 1970; pure."""

from datetime import datetime, tzinfo
from typing import Any

from verger.base.clock import microseconds
from verger.edges.wire.dialects import values

_SECONDS, _MILLISECONDS = 1e11, 1e14


def time_of(told: Any, zone: tzinfo) -> int | None:
    """Return a time in microseconds: of the clock on the wall of a place, with its zone, or since 1970.

    None is the time of receipt: RTC_UNAVAILABLE, and whatever else is no time. Nothing is lost by a clock.
    """
    number = None if isinstance(told, bool) else values.number_of(told)
    if number is not None:
        if not 0 < number < _MILLISECONDS:
            return None
        return round(number * (1_000_000 if number < _SECONDS else 1_000))
    if not isinstance(told, str):
        return None
    try:
        at = datetime.fromisoformat(told.strip())
        return microseconds(at if at.tzinfo else at.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None

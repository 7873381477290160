"""Times as the devices of families write them: by a clock on the wall, with a zone, or since 1970; pure."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

from verger.base.clock import microseconds
from verger.edges.wire.dialects import values

_WALL, _NONE = datetime(1970, 1, 1), timedelta()  # noqa: DTZ001  the wall's own
_SECONDS, _MILLISECONDS = 1e11, 1e14


def time_of(told: Any, zone: tzinfo) -> int | None:
    """Return a time in microseconds: of the clock on the wall of a place, with its zone, or since 1970.

    None is the time of receipt: RTC_UNAVAILABLE, and whatever else is no time. Nothing is lost by a clock.
    """
    if isinstance(told, str) and told[4:5] == "-":
        return written(told, zone)
    number = None if isinstance(told, bool) else values.number_of(told)
    if number is not None:
        if not 0 < number < _MILLISECONDS:
            return None
        return round(number * (1_000_000 if number < _SECONDS else 1_000))
    return written(told, zone) if isinstance(told, str) else None


def written(told: str, zone: tzinfo) -> int | None:
    """Return a time that is written with its date, None for what is none."""
    try:
        return instant(datetime.fromisoformat(told.strip()), zone)
    except (ValueError, OverflowError):
        return None


def instant(at: datetime, zone: tzinfo) -> int:
    """Return a time in microseconds, one that names no zone as the clock on the wall of a zone shows it."""
    if at.tzinfo is not None:
        return microseconds(at)
    since = at - _WALL - (zone.utcoffset(at) or _NONE)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

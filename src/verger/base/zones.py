"""Time zones by name, and when their clocks are set."""

from datetime import date, datetime, time, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from verger.base.clock import DAY, SECOND, microseconds, moment


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone of a name, None when there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def midnight(day: date, zone: tzinfo) -> int:
    """Return when a day begins in a zone, in microseconds since 1970."""
    return microseconds(datetime.combine(day, time(), zone))


def ahead(at: int, zone: tzinfo) -> int:
    """Return how far the clocks of a zone are ahead of UTC at a time, in microseconds."""
    offset = moment(at).astimezone(zone).utcoffset()
    return 0 if offset is None else (offset.days * 86_400 + offset.seconds) * SECOND


@lru_cache(maxsize=256)
def steady(start: int, end: int, zone: tzinfo) -> tuple[tuple[int, int, int], ...]:
    """Return the parts of a span within which nobody sets the clocks of a zone: start, end, how far they are ahead.

    Times are microseconds. Clocks that are set twice within a week and end as they were are not seen.
    """
    parts, begun = [], start
    while start < end:
        until, usual = min(start + 7 * DAY, end), ahead(begun, zone)
        if ahead(until, zone) != usual:
            until = _set_at(start, until, zone)
            parts.append((begun, until, usual))
            begun = until
        start = until
    return (*parts, (begun, end, ahead(begun, zone))) if begun < end else tuple(parts)


def _set_at(low: int, high: int, zone: tzinfo) -> int:
    """Return the second at which the clocks are set that differ between two times."""
    before = ahead(low, zone)
    while high - low > SECOND:
        middle = (low + high) // 2
        low, high = (middle, high) if ahead(middle, zone) == before else (low, middle)
    return high - high % SECOND

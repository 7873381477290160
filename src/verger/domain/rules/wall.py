"""Times of the day at a place, as instants: one that does not exist moves to the next that does, of two the first."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from verger.base.clock import MINUTE, microseconds, moment

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_ONE_DAY = timedelta(days=1)


def minute_of(text: str) -> int | None:
    """Return the minute of the day that `06:00` tells, 24:00 included, None when it tells none."""
    if text == "24:00":
        return 24 * 60
    found = _TIME.fullmatch(text)
    return int(found[1]) * 60 + int(found[2]) if found else None


def local_day(at: int, zone: ZoneInfo) -> date:
    """Return the day that it is at an instant."""
    return moment(at).astimezone(zone).date()


def instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """Return when a minute of a day is, in microseconds."""
    there = datetime.combine(day, time(0), zone) + timedelta(minutes=minute)  # wall clock arithmetic
    at = microseconds(there)
    back = moment(at).astimezone(zone).replace(tzinfo=None)
    return at if back == there.replace(tzinfo=None) else _gap_end(there, zone)


def _gap_end(there: datetime, zone: ZoneInfo) -> int:
    """Return when the gap ends that a wall clock time lies in: the first instant that shows a later one."""
    wanted = there.replace(tzinfo=None)
    early = microseconds(there.replace(tzinfo=UTC)) - 26 * 60 * MINUTE
    late = early + 52 * 60 * MINUTE
    while late - early > 1:
        middle = (early + late) // 2
        if moment(middle).astimezone(zone).replace(tzinfo=None) > wanted:
            late = middle
        else:
            early = middle
    return late


def spells(begin: int, end: int, at: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Give when a part of the day, by its minutes, begins and ends, from the one before an instant to the day after."""
    day = local_day(at, zone) - _ONE_DAY
    over = 1 if end <= begin else 0
    for _ in range(4):
        yield instant(day, begin, zone), instant(day + over * _ONE_DAY, end, zone)
        day += _ONE_DAY


def between(begin: int, end: int, at: int, zone: ZoneInfo) -> tuple[bool, int]:
    """Return whether an instant lies in a part of the day, and when that changes next."""
    borders = []
    inside = False
    for opens, closes in spells(begin, end, at, zone):
        inside = inside or opens <= at < closes
        borders += [border for border in (opens, closes) if border > at and opens < closes]
    return inside, min(borders)

"""Whether schedules, the sun and parts of the day ever come together at a place, on days of clock changes too."""

from calendar import monthrange
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from verger.base.clock import DAY, MINUTE, microseconds, moment
from verger.domain.rules.compiled import Compiled, Ground
from verger.domain.rules.conditions import Condition
from verger.domain.rules.cron import cron_of
from verger.domain.rules.sun import Turn, sun
from verger.domain.rules.wall import between, minute_of

TOGETHER = "two moments never come together; write any instead of all, or make two rules"

_MINUTES = 24 * 60
_YEARS = 28  # then each date falls on the same day of the week again
_NEAR, _NEAR_POLES = 10, 90  # minutes that the sun may be earlier or later from one year to another
_POLAR = 64  # degrees

Part = tuple[int, int, bool]
"""A part of the day by its minutes; False where it must not be."""


class Gap(Struct, frozen=True):
    """When a clock goes forward, and by day and minute the times that come then: those it leaves out, and the next."""

    at: int
    missing: tuple[tuple[date, int], ...]


def apart(rule: Compiled, way: Sequence[tuple[Condition, bool]]) -> str:
    """Return why moments and parts of the day never come together, empty when they do."""
    parts = [_part(each.between, wanted) for each, wanted in way if each.between is not None]
    schedules = sorted({each.schedule for each, wanted in way if wanted and each.schedule is not None})
    suns = {(each.sun, each.offset_s or 0.0) for each, wanted in way if wanted and each.sun is not None}
    if len(suns) + bool(schedules) > 1:
        return TOGETHER
    if schedules:
        return _never_due(rule, schedules, parts)
    if suns:
        return _never_turns(rule, *suns.pop(), parts)
    borders = {border % _MINUTES for begin, end, _ in parts for border in (begin, end)}
    return "" if not parts or _any_in(borders, parts) else "the times of the day in between never overlap"


def _never_due(rule: Compiled, schedules: Sequence[str], parts: Sequence[Part]) -> str:
    crons = [cron_of(each) for each in schedules]
    minutes = frozenset.intersection(*(cron.times for cron in crons))
    dates = frozenset[tuple[int, int, int]].intersection(*[_dates(each) for each in schedules])
    if dates and minutes and _any_in(minutes, parts):
        return ""
    for gap in _gaps(rule.zone, rule.rule.created_at.year):
        moved = all(any(cron.falls(day, minute) for day, minute in gap.missing) for cron in crons)
        if moved and all(between(begin, end, gap.at, rule.zone)[0] is wanted for begin, end, wanted in parts):
            return ""
    if len(schedules) > 1:
        return f"the schedules {' and '.join(schedules)} are never due together{_told(parts)}"
    return f"the schedule {schedules[0]} is never due{_told(parts)}"


def _never_turns(rule: Compiled, turn: Turn | None, offset_s: float, parts: Sequence[Part]) -> str:
    if turn is None:
        return ""
    minutes = _sun_minutes(turn, offset_s, rule.ground, rule.zone, rule.rule.created_at.date())
    if not minutes:
        return f"there is no {turn} at this place"
    return "" if not parts or _any_in(minutes, parts) else f"{turn} is never{_told(parts)} at this place"


def _part(times: tuple[str, str], wanted: bool) -> Part:  # noqa: FBT001  as it stands in a way
    begin, end = times
    return minute_of(begin) or 0, minute_of(end) or 0, wanted


def _any_in(minutes: Collection[int], parts: Sequence[Part]) -> bool:
    """Tell whether some minute of a day lies in all parts where it should, and in none where it should not."""
    return any(all(_inside(minute, begin, end) is wanted for begin, end, wanted in parts) for minute in minutes)


def _inside(minute: int, begin: int, end: int) -> bool:
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def _told(parts: Sequence[Part]) -> str:
    match parts:
        case []:
            return ""
        case [(begin, end, True)]:
            return f" between {begin // 60:02}:{begin % 60:02} and {end // 60:02}:{end % 60:02}"
    return " in such a part of the day"


@lru_cache(maxsize=256)
def _dates(schedule: str) -> frozenset[tuple[int, int, int]]:
    """Return the (month, day, day of the week) on which a schedule is due; each of them comes in some year."""
    cron = cron_of(schedule)
    return frozenset(
        (month, day, weekday)
        for month in range(1, 13)
        for day in range(1, monthrange(2000, month)[1] + 1)
        for weekday in range(7)
        if cron.on(month, day, weekday)
    )


@lru_cache(maxsize=64)
def _sun_minutes(turn: Turn, offset_s: float, ground: Ground, zone: ZoneInfo, first: date) -> frozenset[int]:
    """Return the minutes of a day about which the sun rises or sets within a year, moved by an offset."""
    minutes: set[int] = set()
    most = _NEAR if abs(ground.latitude or 0) < _POLAR else _NEAR_POLES
    for days in range(366):
        at = sun(turn, first + timedelta(days=days), ground.latitude or 0, ground.longitude or 0, zone)
        if at is not None:
            there = (moment(at) + timedelta(seconds=offset_s)).astimezone(zone)
            middle = there.hour * 60 + there.minute
            minutes.update((middle + near) % _MINUTES for near in range(-most, most + 1))
    return frozenset(minutes)


@lru_cache(maxsize=64)
def _gaps(zone: ZoneInfo, year: int) -> tuple[Gap, ...]:
    """Return when a zone's clocks go forward, from a year on until days and dates meet again."""
    begin = microseconds(datetime(year, 1, 1, tzinfo=UTC))
    days = range(begin, begin + _YEARS * 366 * DAY, DAY)
    shown = [_offset(at, zone) for at in days]
    return tuple(_gap(at, zone) for at, before, after in zip(days, shown, shown[1:], strict=False) if after > before)


def _gap(day: int, zone: ZoneInfo) -> Gap:
    """Return the gap that a clock leaves out within a day from an instant on."""
    early, late = day, day + DAY
    before = _offset(early, zone)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (early, middle) if _offset(middle, zone) > before else (middle, late)
    after = moment(late).astimezone(zone).replace(tzinfo=None)
    lost = (_offset(late, zone) - before) // MINUTE
    missing = [after - timedelta(minutes=back) for back in range(lost + 1)]
    return Gap(late, tuple((each.date(), each.hour * 60 + each.minute) for each in missing))


def _offset(at: int, zone: ZoneInfo) -> int:
    offset = moment(at).astimezone(zone).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)

"""Surveying: how often what happened by days, weeks or months, as people chart it and take it with them."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Literal

from msgspec import Struct, field

from verger.base.cells import cell
from verger.base.clock import Clock, moment
from verger.base.errors import Fault, Invalid
from verger.base.zones import zone_of
from verger.domain.tenancy.users import Users
from verger.flows.counting import Counted, Counting, Question

Period = Literal["day", "week", "month"]
Per = Literal["kind", "device", "place"]

LONGEST = timedelta(days=3_660)
_DAY = timedelta(days=1)
_EARLIEST, _LATEST = date(1970, 1, 1), date(2200, 1, 1)
_USUAL_DAYS, _USUAL_WEEKS, _USUAL_MONTHS = 30, 26, 12


class Wish(Struct, frozen=True, kw_only=True):
    """Which events are counted, from a day to before another, by which period, and whether by device or place too.

    What is left out is everything, and for days the usual: 30 days, 26 weeks or 12 months up to today.
    """

    place: str | None = None
    device: str | None = None
    kinds: tuple[str, ...] = ()
    by: Period = "day"
    per: Per = "kind"
    start: date | None = None
    end: date | None = None


class EventCount(Struct, frozen=True, kw_only=True):
    """How often events of a kind happened in the period that begins on a day.

    `missing` of `count` only a counter knows of. `device` or `place` say whose or where, if that was asked for.
    """

    start: date
    kind: str
    count: int
    missing: int
    device: str | None = None
    place: str | None = None


class Survey(Struct, frozen=True, kw_only=True):
    """How often what happened from a day to before another, by periods, the earliest first; one without any is left out.

    Days are those of the place where a device was; `timezone` is that of what was asked about. `names` are what the
    devices or places in it are called.
    """

    timezone: str
    by: Period
    start: date = field(name="from")
    end: date = field(name="to")
    counts: list[EventCount]
    names: dict[str, str]


@dataclass(frozen=True)
class Surveying:
    """Answers how often what happened."""

    counting: Counting
    users: Users
    clock: Clock

    async def survey(self, tenant: str, wish: Wish) -> Survey:
        """Return the counts of a tenant's events; raise Missing, or Invalid where the days cannot be."""
        name, places = await self._where(tenant, wish)
        start, end = _days(wish, moment(self.clock.now()).astimezone(zone_of(name) or UTC).date())
        question = Question(
            first=start,
            last=end - _DAY,
            places=places,
            device=wish.device,
            kinds=wish.kinds,
            by_device=wish.per == "device",
            by_place=wish.per == "place",
        )
        found = await self.counting.count(tenant, question)
        counts = await asyncio.to_thread(_summed, found, wish.by)
        names = await self._names(tenant, counts, wish.per)
        return Survey(timezone=name, by=wish.by, start=start, end=end, counts=counts, names=names)

    async def table(self, tenant: str, wish: Wish) -> tuple[str, bytes]:
        """Return the counts as a CSV file: its name and its content; raise as `survey` does."""
        survey = await self.survey(tenant, wish)
        rows = await asyncio.to_thread(_written, survey, wish.per)
        return f"events-{survey.start}-to-{survey.end - _DAY}-by-{wish.by}.csv", rows

    async def _where(self, tenant: str, wish: Wish) -> tuple[str, Collection[str] | None]:
        """Return whose clocks tell what day it is, and at which places is looked, None for all."""
        places, devices = self.counting.places, self.counting.kept.devices
        device = None if wish.device is None else await devices.get(tenant, wish.device)
        if wish.place is not None:
            place = await places.get(tenant, wish.place)
            return place.timezone, set((await places.tree(tenant)).below(place.id))
        if device is not None:
            return (await places.get(tenant, device.place)).timezone, None
        return (await self.users.tenant(tenant)).timezone, None

    async def _names(self, tenant: str, counts: Iterable[EventCount], per: Per) -> dict[str, str]:
        """Return what devices, also those that have retired, or places are called."""
        if per == "device":
            wanted = {each.device for each in counts if each.device}
            return {each.id: each.name for each in await self.counting.kept.devices.these(tenant, wanted)}
        wanted = {each.place for each in counts if each.place}
        tree = (await self.counting.places.tree(tenant)).places if wanted else {}
        return {place: tree[place].name for place in sorted(wanted) if place in tree}


def _days(wish: Wish, today: date) -> tuple[date, date]:
    """Return from which day to before which; raise Invalid where there are none, or too many."""
    end = today + _DAY if wish.end is None else wish.end
    if not _EARLIEST < end <= _LATEST:
        raise _wrong("to", f"Give a day from {_EARLIEST} to {_LATEST}.")
    start = _usual(end - _DAY, wish.by) if wish.start is None else wish.start
    if not start < end:
        raise _wrong("to", "Give a day after `from`: it is not counted any more.")
    if start < _EARLIEST or end - start > LONGEST:
        raise _wrong("from", f"Ask for {LONGEST.days:,} days at most, from {_EARLIEST} on.")
    return start, end


def _wrong(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(name, sentence)])


def _usual(last: date, by: Period) -> date:
    """Return the first day of the usual time up to a last one."""
    if by == "day":
        return max(_EARLIEST, last - (_USUAL_DAYS - 1) * _DAY)
    if by == "week":
        return max(_EARLIEST, _begins(last, by) - timedelta(weeks=_USUAL_WEEKS - 1))
    year, month = divmod(last.year * 12 + last.month - _USUAL_MONTHS, 12)
    return max(_EARLIEST, date(year, month + 1, 1))


def _begins(day: date, by: Period) -> date:
    """Return the day on which the period of a day begins: weeks on Monday."""
    if by == "week":
        return day - day.weekday() * _DAY
    return day.replace(day=1) if by == "month" else day


def _summed(found: Iterable[Counted], by: Period) -> list[EventCount]:
    """Return the counts of days as those of periods."""
    sums: dict[tuple[date, str, str, str], tuple[int, int]] = {}
    for each in found:
        key = _begins(each.day, by), each.kind, each.device, each.place
        count, missing = sums.get(key, (0, 0))
        sums[key] = count + each.count, missing + each.missing
    return [
        EventCount(start=start, kind=kind, count=count, missing=missing, device=device or None, place=place or None)
        for (start, kind, device, place), (count, missing) in sorted(sums.items())
    ]


def _written(survey: Survey, per: Per) -> bytes:
    """Return counts as CSV."""
    whose = [] if per == "kind" else [per, f"{per}_name"]
    rows = [",".join((survey.by, "kind", *whose, "count", "missing"))]
    for each in survey.counts:
        one = each.device or each.place or ""
        which = [one, cell(survey.names.get(one, ""))] if whose else []
        rows.append(",".join((f"{each.start}", cell(each.kind), *which, str(each.count), str(each.missing))))
    return "".join(f"{row}\r\n" for row in rows).encode()

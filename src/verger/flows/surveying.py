"""Surveying: how often what happened by days, weeks or months, as people chart it and take it with them."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date
from typing import Literal, Protocol

from msgspec import Struct, field

from verger.base.cells import cell
from verger.base.clock import Clock, moment
from verger.base.zones import midnight, zone_of
from verger.domain.cycles.store import CycleStore
from verger.domain.tenancy.users import Users
from verger.flows.counting import Counted, Counting, Question, is_of
from verger.flows.periods import ONE_DAY, Period, When, begins, days

Per = Literal["kind", "device", "place"]


class Wish(Struct, frozen=True, kw_only=True):
    """Which events are counted, and whether by device or place too; what is left out is everything."""

    place: str | None = None
    device: str | None = None
    kinds: tuple[str, ...] = ()
    per: Per = "kind"
    when: When = When()


class Whose(Protocol):
    """A figure of a device or of a place, where it is of one."""

    @property
    def device(self) -> str | None:
        """Its device."""
        ...

    @property
    def place(self) -> str | None:
        """Its place."""
        ...


class EventCount(Struct, frozen=True, kw_only=True):
    """How often events of a kind happened in the period that begins on a day.

    `missing` of `count` only a counter knows of. `device` or `place` say whose or where, if that was asked for; what
    people told of a growing cycle is of no device.
    """

    start: date
    kind: str
    count: int
    missing: int
    device: str | None = None
    place: str | None = None


class Survey(Struct, frozen=True, kw_only=True):
    """How often what happened from a day to before another, by periods in order; one without anything is left out.

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
    cycles: CycleStore
    users: Users
    clock: Clock

    async def survey(self, tenant: str, wish: Wish) -> Survey:
        """Return the counts of a tenant's events; raise Missing, or Invalid where the days cannot be."""
        name, places = await self.where(tenant, wish.place, wish.device)
        start, end = days(wish.when, self.today(name), self.counting.bounds)
        question = Question(
            first=start,
            last=end - ONE_DAY,
            places=places,
            device=wish.device,
            kinds=wish.kinds,
            by_device=wish.per == "device",
            by_place=wish.per == "place",
        )
        found = [*await self.counting.count(tenant, question), *await self._grown(tenant, question)]
        counts = await asyncio.to_thread(_summed, found, wish.when.by)
        names = await self.names(tenant, counts)
        return Survey(timezone=name, by=wish.when.by, start=start, end=end, counts=counts, names=names)

    async def table(self, tenant: str, wish: Wish) -> tuple[str, bytes]:
        """Return the counts as a CSV file: its name and its content; raise as `survey` does."""
        survey = await self.survey(tenant, wish)
        rows = await asyncio.to_thread(_written, survey, wish.per)
        return f"events-{survey.start}-to-{survey.end - ONE_DAY}-by-{wish.when.by}.csv", rows

    async def _grown(self, tenant: str, question: Question) -> list[Counted]:
        """Return what people told of cycles, each in the day of its place; of no device."""
        if question.device is not None:
            return []
        tree = (await self.counting.places.tree(tenant)).places
        start = moment(midnight(question.first - ONE_DAY, UTC))  # wherever a day begins on earth
        end = moment(midnight(question.last + 2 * ONE_DAY, UTC))
        found = []
        for place, kind, at in await self.cycles.times(tenant, question.places, start, end):
            day = at.astimezone(zone_of(tree[place].timezone if place in tree else "UTC") or UTC).date()
            if question.first <= day <= question.last and is_of(kind, question.kinds):
                found.append(Counted("", place if question.by_place else "", day, kind, 1))
        return found

    def today(self, zone: str) -> date:
        """Return what day it is in a time zone."""
        return moment(self.clock.now()).astimezone(zone_of(zone) or UTC).date()

    async def where(self, tenant: str, place: str | None, device: str | None) -> tuple[str, Collection[str] | None]:
        """Return whose clocks tell what day it is, and at which places is looked, None for all; raise Missing."""
        places, devices = self.counting.places, self.counting.kept.devices
        found = None if device is None else await devices.get(tenant, device)
        if place is not None:
            zone = (await places.get(tenant, place)).timezone
            return zone, set((await places.tree(tenant)).below(place))
        if found is not None:
            return (await places.get(tenant, found.place)).timezone, None
        return (await self.users.tenant(tenant)).timezone, None

    async def names(self, tenant: str, told: Collection[Whose]) -> dict[str, str]:
        """Return what devices, also those that have retired, or places are called."""
        devices, places = {each.device for each in told if each.device}, {each.place for each in told if each.place}
        known = await self.counting.kept.devices.these(tenant, devices) if devices else []
        tree = (await self.counting.places.tree(tenant)).places if places else {}
        return {each.id: each.name for each in known} | {each: tree[each].name for each in places if each in tree}


def _summed(found: Iterable[Counted], by: Period) -> list[EventCount]:
    """Return the counts of days as those of periods."""
    sums: dict[tuple[date, str, str, str], tuple[int, int]] = {}
    for each in found:
        key = begins(each.day, by), each.kind, each.device, each.place
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

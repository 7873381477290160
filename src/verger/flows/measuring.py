"""Measuring: what was measured by days, weeks or months: means, extremes, sums, and how far counters went on."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import Literal

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from verger.base.cells import cell
from verger.base.clock import DAY, HOUR, MINUTE
from verger.base.zones import midnight, steady, zone_of
from verger.domain.devices.series import Series
from verger.domain.history.history import History
from verger.domain.history.model import Buckets
from verger.flows.counting import wide
from verger.flows.periods import ONE_DAY, Period, When, begins, days
from verger.flows.showing import Showing
from verger.flows.surveying import Per, Surveying

How = Literal["mean", "min", "max", "sum", "increase"]
"""How the readings of a period become one figure; `increase` is how far a counter went on, also past a reset."""

QUARTER = 15 * MINUTE
_BEFORE = 32 * DAY  # so far back is looked for what a counter showed before
_EPOCH = date(1970, 1, 1).toordinal()


class Gauge(Struct, frozen=True, kw_only=True):
    """Which metric is told how, and whether by device or place too; what is left out is everything."""

    metric: str
    how: How = "mean"
    place: str | None = None
    device: str | None = None
    per: Per = "kind"
    when: When = When()


class Measure(Struct, frozen=True, kw_only=True):
    """What was measured in the period that begins on a day, of a device or at a place if that was asked for."""

    start: date
    value: float
    device: str | None = None
    place: str | None = None


class Measures(Struct, frozen=True, kw_only=True):
    """What was measured from a day to before another, by periods, the earliest first; one without any is left out.

    Days are those of the place where a device was, each hour in the one in which it begins; `timezone` is that of what
    was asked about. `unit` is "" where devices have different ones. `names` are what devices or places are called.
    """

    timezone: str
    by: Period
    start: date = field(name="from")
    end: date = field(name="to")
    metric: str
    how: How
    unit: str
    values: list[Measure]
    names: dict[str, str]


class _Stretch(Struct, frozen=True):
    """A series while its device was at a place, in microseconds, and how its days go."""

    series: Series
    place: str
    start: int
    end: int
    zone: tzinfo


@dataclass(frozen=True)
class Measuring:
    """Answers what was measured by days."""

    surveying: Surveying
    showing: Showing
    history: History

    async def measure(self, tenant: str, gauge: Gauge) -> Measures:
        """Return the figures of a metric; raise Missing, or Invalid where they are too many or the days cannot be."""
        name, _ = await self.surveying.where(tenant, gauge.place, gauge.device)
        bounds = self.surveying.counting.bounds
        start, end = days(gauge.when, self.surveying.today(name), bounds)
        stretches = await self._stretches(tenant, gauge, start, end)
        if sum((each.end - each.start) // HOUR for each in stretches) > bounds.hours:
            raise bounds.refuse(
                "from", "This is too much for one answer: ask for fewer days, one place, or one device."
            )
        book = _Book(gauge)
        for each in stretches:
            width = HOUR if _is_whole(each) else QUARTER
            parts = await self.history.parts(each.series.number, each.start, each.end, width)
            if len(parts.at):
                before = await self._before(each) if gauge.how == "increase" else None
                await asyncio.to_thread(book.add, each, parts, before)
        values = book.told()
        units = {each.series.unit for each in stretches}
        return Measures(
            timezone=name,
            by=gauge.when.by,
            start=start,
            end=end,
            metric=gauge.metric,
            how=gauge.how,
            unit=units.pop() if len(units) == 1 else "",
            values=values,
            names=await self.surveying.names(tenant, values),
        )

    async def table(self, tenant: str, gauge: Gauge) -> tuple[str, bytes]:
        """Return the figures as a CSV file: its name and its content; raise as `measure` does."""
        found = await self.measure(tenant, gauge)
        name = "".join(each if each.isascii() and each.isalnum() else "_" for each in gauge.metric)
        rows = "".join(f"{row}\r\n" for row in _written(found, gauge.per))
        return f"{name}-{gauge.how}-{found.start}-to-{found.end - ONE_DAY}-by-{gauge.when.by}.csv", rows.encode()

    async def _stretches(self, tenant: str, gauge: Gauge, start: date, end: date) -> list[_Stretch]:
        """Return of which series to look at which times."""
        _, places = await self.surveying.where(tenant, gauge.place, gauge.device)
        tree, devices = await self.surveying.counting.places.tree(tenant), self.surveying.counting.kept.devices
        stays = [
            each
            for each in wide(await devices.every_stay(tenant))
            if (places is None or each[0].place in places) and gauge.device in (None, each[0].device)
        ]
        known = await devices.these(tenant, {stay.device for stay, _, _ in stays})
        series = {each.device: each for each in await self.showing.series(tenant, known) if each.metric == gauge.metric}
        now, found = self.surveying.clock.now(), []
        for stay, begin, until in stays:
            if stay.device in series:
                zone = zone_of(tree.places[stay.place].timezone if stay.place in tree.places else "UTC") or UTC
                first, last = max(begin, midnight(start, zone)), min(until, midnight(end, zone), now + HOUR)
                if first < last:
                    found.append(_Stretch(series[stay.device], stay.place, first, last, zone))
        return found

    async def _before(self, stretch: _Stretch) -> float | None:
        """Return what a counter showed last before a stretch, None where that is not known."""
        readings = await self.history.raw(stretch.series.number, stretch.start - _BEFORE, stretch.start, 1, newest=True)
        return float(readings.value[-1]) if len(readings) else None


class _Book:
    """Figures by period and whose they are."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._sums: dict[tuple[date, str, str], tuple[float, float]] = {}

    def add(self, stretch: _Stretch, hours: Buckets, before: float | None) -> None:
        """Add what is known of the hours of a series, or of parts of them, to its periods."""
        device = stretch.series.device if self._gauge.per == "device" else ""
        place = stretch.place if self._gauge.per == "place" else ""
        weights = hours.count.astype(np.float64)
        amounts = _amounts(self._gauge.how, hours, before)
        for first, past, day in _days_of(hours.at, stretch):
            key = begins(date.fromordinal(_EPOCH + day), self._gauge.when.by), device, place
            value, weight = _joined(self._gauge.how, amounts[first:past]), float(weights[first:past].sum())
            if key in self._sums:
                known, sofar = self._sums[key]
                value, weight = _joined(self._gauge.how, np.array([known, value])), sofar + weight
            self._sums[key] = value, weight

    def told(self) -> list[Measure]:
        """Return all of it, the earliest period first."""
        mean = self._gauge.how == "mean"
        return [
            Measure(start=start, value=value / weight if mean else value, device=device or None, place=place or None)
            for (start, device, place), (value, weight) in sorted(self._sums.items())
        ]


def _is_whole(stretch: _Stretch) -> bool:
    """Whether days begin at whole hours."""
    return all(offset % HOUR == 0 for _, _, offset in steady(stretch.start, stretch.end, stretch.zone))


def _amounts(how: How, hours: Buckets, before: float | None) -> NDArray[np.float64]:
    """Return what each hour adds to its period; a mean is of sums, as far as they are kept."""
    match how:
        case "min":
            return hours.min
        case "max":
            return hours.max
        case "increase":
            return _grown(hours, before)
    return hours.sum


def _grown(hours: Buckets, before: float | None) -> NDArray[np.float64]:
    """Return how far a counter went on in each hour; one that fell began again at 0."""
    first = hours.min[:1] if before is None else np.array([before])
    shown = np.concatenate((first, hours.last[:-1]))
    peak = np.where(hours.max > hours.last, np.maximum(hours.max - shown, 0), 0)
    return np.where(hours.min < shown, hours.last + peak, hours.last - shown)


def _joined(how: How, some: NDArray[np.float64]) -> float:
    match how:
        case "min":
            return float(some.min())
        case "max":
            return float(some.max())
    return float(some.sum())


def _days_of(at: NDArray[np.int64], stretch: _Stretch) -> Iterator[tuple[int, int, int]]:
    """Give from which to before which hour each day has them, and the day as a number since 1970."""
    inside = np.maximum(at, stretch.start)  # the first hour may begin a little before
    local = np.empty_like(at)
    for start, end, ahead in steady(stretch.start, stretch.end, stretch.zone):
        here = slice(*np.searchsorted(inside, (start, end)))
        local[here] = (inside[here] + ahead) // DAY
    found, firsts = np.unique(local, return_index=True)
    for day, first, past in zip(found.tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(at)], strict=True):
        yield first, past, day


def _written(measures: Measures, per: Per) -> Iterable[str]:
    """Give figures as rows of CSV."""
    whose = [] if per == "kind" else [per, f"{per}_name"]
    yield ",".join((measures.by, *whose, "value", "unit"))
    for each in measures.values:
        one = each.device or each.place or ""
        which = [one, cell(measures.names.get(one, ""))] if whose else []
        yield ",".join((f"{each.start}", *which, repr(each.value), cell(measures.unit)))

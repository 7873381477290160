"""Charting: what was measured over a span of time, of a device or of all devices that were at a place."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct

from verger.base.clock import microseconds, moment
from verger.base.errors import Fault, Invalid
from verger.base.pages import Page
from verger.domain.devices.series import Series
from verger.domain.history.history import History
from verger.domain.history.model import Buckets
from verger.domain.places.store import PlaceStore
from verger.flows.showing import Showing

MOST_SERIES = 50
MOST_POINTS = 1_000_000  # of one answer, all metrics together
_AT_ONCE = 10  # series of one question to the history: quicker than one by one, and not long for who comes next
_FAR = 1 << 62


class Reading(Struct, frozen=True):
    """One reading as it was kept."""

    metric: str
    at: datetime
    value: float


class Span(Struct, frozen=True):
    """From when (inclusive) to when (exclusive), in microseconds, in at most so many points."""

    start: int
    end: int
    points: int

    def __post_init__(self) -> None:
        """Refuse a span that ends before it begins."""
        if self.end < self.start:
            raise Invalid("`to` lies before `from`.", [Fault("to", "Give a time after `from`.")])


@dataclass(frozen=True)
class Charting:
    """Reads the history under the names that people know."""

    showing: Showing
    places: PlaceStore
    history: History

    async def device(self, tenant: str, device: str, metrics: Sequence[str], span: Span) -> dict[str, Any]:
        """Return {metric: chart} of a device, of all its metrics when none is named; raise Missing."""
        charts = await self._charts([(each, span) for each in await self._series(tenant, device, metrics)])
        return {each.metric: chart for each, chart in charts}

    async def place(self, tenant: str, place: str, metrics: Sequence[str], span: Span) -> list[dict[str, Any]]:
        """Return the charts of every device while it stayed at a place or below it, 50 at most; raise Missing."""
        await self.places.get(tenant, place)
        below = (await self.places.tree(tenant)).below(place)
        stays = await self._stays(tenant, below, span)
        devices = await self.showing.kept.devices.these(tenant, {device for device, _ in stays})
        series: dict[str, list[Series]] = {}
        for each in await self.showing.series(tenant, devices):
            if not metrics or each.metric in metrics:
                series.setdefault(each.device, []).append(each)
        wanted = [(each, during) for device, during in stays for each in series.get(device, [])]
        charts = await self._charts(wanted[:MOST_SERIES])
        return [{"device": each.device, "metric": each.metric, **chart} for each, chart in charts]

    async def _stays(self, tenant: str, places: Sequence[str], span: Span) -> list[tuple[str, Span]]:
        """Return (device, when within the span) of each stay; what a device said before its first belongs to that."""
        found = []
        for stay, first in await self.showing.kept.devices.stays_at(tenant, places):
            start = span.start if first else max(span.start, microseconds(stay.since))
            end = span.end if stay.until is None else min(span.end, microseconds(stay.until))
            if start < end:
                found.append((stay.device, Span(start, end, span.points)))
        return found

    async def readings(
        self, tenant: str, device: str, metrics: Sequence[str], span: Span, cursor: str | None
    ) -> Page[Reading]:
        """Return a page of `span.points` raw readings at most, the oldest first, metrics mingled; raise Missing."""
        series = {s.metric: s.number for s in await self._series(tenant, device, metrics)}
        after = _read(cursor) if cursor else (span.start - 1, "")
        found: list[tuple[int, str, float]] = []
        end = span.end
        for metric, number in series.items():
            start = after[0] if metric > after[1] and cursor else after[0] + 1
            part = await self.history.raw(number, start, end, span.points + 1)
            if len(part) > span.points:
                end = int(part.at[-1]) + 1  # so many lie before it already, whatever the other metrics hold
            found += zip(part.at.tolist(), [metric] * len(part), part.value.tolist(), strict=True)
        found.sort()
        page = found[: span.points]
        more = _write(page[-1][0], page[-1][1]) if len(found) > span.points else None
        return Page([Reading(metric, moment(at), value) for at, metric, value in page], more)

    async def _series(self, tenant: str, device: str, metrics: Sequence[str]) -> list[Series]:
        found = await self.showing.series(tenant, [await self.showing.kept.devices.get(tenant, device)])
        return [each for each in found if not metrics or each.metric in metrics]

    async def _charts(self, wanted: Sequence[tuple[Series, Span]]) -> list[tuple[Series, dict[str, Any]]]:
        """Return the chart of each series in its span; raise Invalid when they are too many points together."""
        charts, points = [], 0
        for span, some in _lots(wanted):
            numbers = [series.number for series in some]
            found = await self.history.buckets_of(numbers, span.start, span.end, span.points)
            points += sum(len(buckets.at) for buckets in found)
            if points > MOST_POINTS:
                sentence = f"These are more than {MOST_POINTS:,} points: ask for fewer metrics, or for fewer points."
                raise Invalid(sentence, [Fault("points", sentence)])
            charts += [(each, {"unit": each.unit, **_told(one)}) for each, one in zip(some, found, strict=True)]
        return charts


def _lots(wanted: Sequence[tuple[Series, Span]]) -> Iterator[tuple[Span, list[Series]]]:
    """Give series that follow each other and share a span, a few at once, in the order they stand in."""
    for span, group in groupby(wanted, key=lambda each: each[1]):
        some = [series for series, _ in group]
        yield from ((span, some[at : at + _AT_ONCE]) for at in range(0, len(some), _AT_ONCE))


def _told(buckets: Buckets) -> dict[str, Any]:
    told: dict[str, Any] = {
        "raw": buckets.raw,
        "width_ms": buckets.width_us // 1000,
        "at": (buckets.at // 1000).tolist(),
        "avg": buckets.avg.tolist(),
    }
    if not buckets.raw:
        for name in ("min", "max", "last", "sum", "count"):
            told[name] = getattr(buckets, name).tolist()
    return told


def _write(at: int, metric: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([at, metric])).decode().rstrip("=")


def _read(cursor: str) -> tuple[int, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, metric = msgspec.json.decode(text, type=tuple[int, str])
    except (ValueError, msgspec.MsgspecError):
        at, metric = _FAR + 1, ""
    if abs(at) > _FAR:
        raise Invalid("This is no cursor of ours.", [Fault("cursor", "Leave it out to begin anew.")])
    return at, metric

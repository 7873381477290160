"""Counting: how often what happened, day by day: what was told of, and what counters know besides."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import Struct

from verger.base.clock import microseconds, moment
from verger.base.zones import zone_of
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Stay
from verger.domain.places.model import Tree
from verger.domain.places.store import PlaceStore
from verger.domain.tallies.model import GAP
from verger.domain.telemetry.events import EventStore, Summed

_EVER = -(1 << 62)
_AT_ONCE = 500  # devices of one question


class Counted(Struct, frozen=True):
    """How often a device did something on a day at a place; `missing` of `count` are those that nobody told of."""

    device: str
    place: str
    day: date
    kind: str
    count: int
    missing: int = 0
    first: datetime | None = None
    last: datetime | None = None


class _Window(Struct, frozen=True):
    """A time in which devices are looked at, in microseconds, and whose days it has."""

    start: int
    end: int
    place: str
    zone: str


@dataclass(frozen=True)
class Counting:
    """Counts where a device was at the time, in the days of that place's time zone."""

    kept: Kept
    places: PlaceStore
    events: EventStore

    async def days(
        self, tenant: str, first: date, last: date, places: Collection[str] | None = None, device: str | None = None
    ) -> list[Counted]:
        """Return what was done from one day to another at some places, or all, by a device, or all; by day.

        What a device said before its first stay belongs to that, and to its last what it said after it.
        """
        tree = await self.places.tree(tenant)
        windows: dict[_Window, list[str]] = {}
        for stay, begin, end in _wide(await self.kept.devices.every_stay(tenant)):
            asked = (places is None or stay.place in places) and device in (None, stay.device)
            window = _window(stay.place, tree, (begin, end), first, last)
            if asked and window is not None:
                windows.setdefault(window, []).append(stay.device)
        book = _Book()
        for window, devices in windows.items():
            for start in range(0, len(devices), _AT_ONCE):
                span = moment(window.start), moment(window.end)
                sums = await self.events.sums(tenant, devices[start : start + _AT_ONCE], span)
                await asyncio.to_thread(book.add, sums, window.place, zone_of(window.zone) or UTC)
        return await asyncio.to_thread(book.told)

    async def totals(self, tenant: str, devices: Collection[str]) -> dict[str, dict[str, int]]:
        """Return how often each device ever did what, by device and kind."""
        totals: dict[str, dict[str, int]] = {device: {} for device in devices}
        for each in await self.events.sums(tenant, devices, None):
            own, kind = totals[each.device], each.kind.partition(".")[2]
            own[kind] = own.get(kind, 0) + each.count
        return totals


def _wide(stays: Iterable[Stay]) -> Iterator[tuple[Stay, int, int]]:
    """Give stays with their begin and end; a device's first begins early enough, and its last never ends."""
    of: dict[str, list[Stay]] = {}
    for stay in stays:
        of.setdefault(stay.device, []).append(stay)
    for own in of.values():
        for stay in own:
            begin = _EVER if stay is own[0] else microseconds(stay.since)
            end = -_EVER if stay is own[-1] or stay.until is None else microseconds(stay.until)
            yield stay, begin, end


def _window(place: str, tree: Tree, span: tuple[int, int], first: date, last: date) -> _Window | None:
    """Return what of a stay at a place lies within some days of it, None where nothing does."""
    zone = tree.places[place].timezone if place in tree.places else "UTC"
    start, end = (_midnight(day, zone_of(zone) or UTC) for day in (first, last + timedelta(days=1)))
    start, end = max(start, span[0]), min(end, span[1])
    return _Window(start, end, place, zone) if start < end else None


def _midnight(day: date, zone: tzinfo) -> int:
    return microseconds(datetime.combine(day, time(), zone))


class _Sum:
    """What was done on a day, as far as it is known."""

    __slots__ = ("count", "first", "last", "missing")

    def __init__(self) -> None:
        self.count = self.missing = 0
        self.first: datetime | None = None
        self.last: datetime | None = None


class _Book:
    """Sums by device, place, day and kind."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str, date, str], _Sum] = defaultdict(_Sum)

    def add(self, some: Iterable[Summed], place: str, zone: tzinfo) -> None:
        """Add what happened in quarters of an hour to their days."""
        for each in some:
            first, kind = each.first, each.kind.partition(".")[2]
            one = self._sums[each.device, place, first.astimezone(zone).date(), kind]
            one.count += each.count
            if each.kind.startswith(GAP):
                one.missing += each.count
                continue
            one.first = first if one.first is None or first < one.first else one.first
            one.last = each.last if one.last is None or each.last > one.last else one.last

    def told(self) -> list[Counted]:
        """Return all of it, by day."""
        return [
            Counted(device, place, day, kind, one.count, one.missing, one.first, one.last)
            for (device, place, day, kind), one in sorted(self._sums.items(), key=lambda each: (each[0][2], each[0]))
        ]

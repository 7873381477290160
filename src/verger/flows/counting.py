"""Counting: how often what happened, day by day: what was told of, and what counters know besides."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from msgspec import Struct, structs

from verger.base.clock import microseconds, moment
from verger.base.plural import counted
from verger.base.zones import midnight, steady, zone_of
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Stay
from verger.domain.places.model import Tree
from verger.domain.places.store import PlaceStore
from verger.domain.tallies.model import EVENT, GAP, KINDS
from verger.domain.telemetry.events import EventStore, Sought, Summed
from verger.flows.oversight import Figure
from verger.flows.periods import Bounds

_EVER = -(1 << 62)
_AT_ONCE = 500  # devices of one question
_TREATMENTS = EVENT.rstrip(".")


class Question(Struct, frozen=True, kw_only=True):
    """What is counted, from one day to another: where, of which device, which kinds with their children; none for all.

    Devices and places that are not told apart are "" in the answer.
    """

    first: date
    last: date
    places: Collection[str] | None = None
    device: str | None = None
    kinds: tuple[str, ...] = ()
    by_device: bool = True
    by_place: bool = True


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
    """A time in which devices are looked at, in microseconds, and whose days it has; at one place or at any."""

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
    bounds: Bounds = field(default_factory=Bounds)

    async def count(self, tenant: str, question: Question) -> list[Counted]:
        """Return what happened, by day; what counters know of treatments besides counts as such, at its own time.

        What a device said before its first stay belongs to that, and to its last what it said after it. Raise Invalid
        where it is too much for one answer.
        """
        if len(question.kinds) > self.bounds.kinds:
            raise self.bounds.refuse("kind", f"Name {counted(self.bounds.kinds, 'kind')} at most, or none for all.")
        windows = await self._windows(tenant, question)
        book, sums, most = _Book(), 0, self.bounds.sums
        booked = tuple(GAP + kind for kind in KINDS if is_of(EVENT + kind, question.kinds))
        for window, devices in windows.items():
            zone = zone_of(window.zone) or UTC
            for start, end, ahead in steady(window.start, window.end, zone):
                sought = Sought(kinds=question.kinds, booked=booked, ahead=ahead, apart=question.by_device, most=most)
                for at in range(0, len(devices), _AT_ONCE):
                    span = moment(start), moment(end)
                    found = await self.events.sums(tenant, devices[at : at + _AT_ONCE], span, sought)
                    sums += len(found)
                    if sums > self.bounds.sums:
                        sentence = "This is too much for one answer: ask for fewer days, one place, or one kind."
                        raise self.bounds.refuse("from", sentence)
                    await asyncio.to_thread(book.add, found, window.place, zone)
        return await asyncio.to_thread(book.told)

    async def _windows(self, tenant: str, question: Question) -> dict[_Window, list[str]]:
        """Return in which times to look at which devices."""
        tree = await self.places.tree(tenant)
        windows: dict[_Window, list[str]] = {}
        for stay, begin, end in wide(await self.kept.devices.every_stay(tenant)):
            asked = question.places is None or stay.place in question.places
            if asked and question.device in (None, stay.device):
                window = _window(stay.place, tree, (begin, end), question)
                if window is not None:
                    windows.setdefault(window, []).append(stay.device)
        return windows

    async def days(
        self, tenant: str, first: date, last: date, places: Collection[str] | None = None, device: str | None = None
    ) -> list[Counted]:
        """Return the treatments from one day to another at some places, or all, by a device, or all; by day."""
        question = Question(first=first, last=last, places=places, device=device, kinds=(_TREATMENTS,))
        found = await self.count(tenant, question)
        return [structs.replace(each, kind=each.kind.partition(".")[2]) for each in found]

    async def totals(self, tenant: str, devices: Collection[str]) -> dict[str, dict[str, int]]:
        """Return how often each device ever did what treatments, by device and kind."""
        totals: dict[str, dict[str, int]] = {device: {} for device in devices}
        sought = Sought(kinds=(_TREATMENTS,), booked=tuple(GAP + kind for kind in KINDS))
        for each in await self.events.sums(tenant, devices, None, sought):
            own, kind = totals[each.device], each.kind.partition(".")[2]
            own[kind] = own.get(kind, 0) + each.count
        return totals

    def figures(self) -> Iterator[Figure]:
        """Return how often too much was asked for, of events or of what was measured."""
        yield Figure("analytics_refused", "Questions of analytics that asked too much", self.bounds.refused, grows=True)


def is_of(kind: str, asked: Collection[str]) -> bool:
    """Whether a kind is one of some or a child of one; of none, all are."""
    return not asked or any(kind == each or kind.startswith(f"{each}.") for each in asked)


def wide(stays: Iterable[Stay]) -> Iterator[tuple[Stay, int, int]]:
    """Give stays with their begin and end; a device's first begins early enough, and its last never ends."""
    of: dict[str, list[Stay]] = {}
    for stay in stays:
        of.setdefault(stay.device, []).append(stay)
    for own in of.values():
        for stay in own:
            begin = _EVER if stay is own[0] else microseconds(stay.since)
            end = -_EVER if stay is own[-1] or stay.until is None else microseconds(stay.until)
            yield stay, begin, end


def _window(place: str, tree: Tree, span: tuple[int, int], question: Question) -> _Window | None:
    """Return what of a stay at a place lies within the days that are asked for, None where nothing does."""
    name = tree.places[place].timezone if place in tree.places else "UTC"
    zone = zone_of(name) or UTC
    start = max(midnight(question.first, zone), span[0])
    end = min(midnight(question.last + timedelta(days=1), zone), span[1])
    return _Window(start, end, place if question.by_place else "", name) if start < end else None


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
        """Add what happened to its day, which has one set of the clocks of a zone or two."""
        for each in some:
            kind = EVENT + each.kind.removeprefix(GAP) if each.booked else each.kind
            one = self._sums[each.device, place, each.first.astimezone(zone).date(), kind]
            one.count += each.count
            if each.booked:
                one.missing += each.count
                continue
            one.first = each.first if one.first is None or each.first < one.first else one.first
            one.last = each.last if one.last is None or each.last > one.last else one.last

    def told(self) -> list[Counted]:
        """Return all of it, by day."""
        return [
            Counted(device, place, day, kind, one.count, one.missing, one.first, one.last)
            for (device, place, day, kind), one in sorted(self._sums.items(), key=lambda each: (each[0][2], each[0]))
        ]

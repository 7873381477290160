"""Counting: how often what happened, day by day: what was told of, and what counters know besides."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import Struct, structs

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


class Counted(Struct, frozen=True, kw_only=True):
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
        for stay, *span in _wide(await self.kept.devices.every_stay(tenant)):
            asked = (places is None or stay.place in places) and device in (None, stay.device)
            window = _window(stay.place, tree, (span[0], span[1]), first, last)
            if asked and window is not None:
                windows.setdefault(window, []).append(stay.device)
        found: dict[tuple[str, str, date, str], Counted] = {}
        for window, devices in windows.items():
            zone = zone_of(window.zone) or UTC
            for each in await self._sums(tenant, devices, window):
                _add(found, each, window.place, zone)
        return sorted(found.values(), key=lambda each: (each.day, each.device, each.kind))

    async def totals(self, tenant: str, devices: Collection[str]) -> dict[str, dict[str, int]]:
        """Return how often each device ever did what, by device and kind."""
        totals: dict[str, dict[str, int]] = {device: {} for device in devices}
        for each in await self.events.sums(tenant, devices, None):
            own, kind = totals[each.device], each.kind.partition(".")[2]
            own[kind] = own.get(kind, 0) + each.count
        return totals

    async def _sums(self, tenant: str, devices: list[str], window: _Window) -> list[Summed]:
        found: list[Summed] = []
        for start in range(0, len(devices), _AT_ONCE):
            some = devices[start : start + _AT_ONCE]
            found += await self.events.sums(tenant, some, (moment(window.start), moment(window.end)))
        return found


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


def _add(found: dict[tuple[str, str, date, str], Counted], each: Summed, place: str, zone: tzinfo) -> None:
    """Add what happened in a quarter of an hour to its day."""
    missing, kind = each.kind.startswith(GAP), each.kind.partition(".")[2]
    day = each.first.astimezone(zone).date()
    key = (each.device, place, day, kind)
    before = found.get(key) or Counted(device=each.device, place=place, day=day, kind=kind, count=0)
    after = structs.replace(before, count=before.count + each.count)
    if missing:
        after = structs.replace(after, missing=before.missing + each.count)
    else:
        first, last = min(before.first or each.first, each.first), max(before.last or each.last, each.last)
        after = structs.replace(after, first=first, last=last)
    found[key] = after

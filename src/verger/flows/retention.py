"""Retention: what is older than its rule says goes: readings of whole days, then their summaries, and what was said.

Where a device was at a time decides which place's rules hold for that time, as it does in the history of a place.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from verger.base.clock import DAY, Clock, microseconds, moment
from verger.base.work import attempt
from verger.domain.devices.kept import Kept
from verger.domain.devices.series import Series
from verger.domain.history.history import History
from verger.domain.places.model import Tree
from verger.domain.places.store import PlaceStore
from verger.domain.retention.model import Keeps, Rule, Rules
from verger.domain.retention.store import RuleStore
from verger.domain.telemetry.events import EventStore

EVER = -(1 << 62)
_SERIES_AT_ONCE = 256


class Slice(Struct, frozen=True):
    """What one step takes away: of some series or devices all of start <= time < before.

    `what` is "readings", "summaries", "events", "attributes" or "remarks"; only readings and summaries are of series.
    """

    what: str
    of: tuple[int, ...] | tuple[str, ...]
    start: int
    before: int


class Effect(Struct, frozen=True):
    """What would go: how many, how many bytes of the history (None where nobody knows), and the oldest day of it."""

    what: str
    count: int
    bytes: int | None
    oldest: datetime | None


class Expires(Protocol):
    """A store of what devices said, row by row."""

    async def expiring(
        self, tenant: str, devices: Sequence[str], start: datetime, before: datetime
    ) -> tuple[int, datetime | None]:
        """Return how many rows lie in start <= time < before, and when the first of them was."""
        ...

    async def expire(self, tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> int:
        """Remove a few of them; return how many, 0 at the end."""
        ...


@dataclass(frozen=True)
class Retention:
    """Knows what is to go, what that would be, and takes it away step by step."""

    rules: RuleStore
    kept: Kept
    places: PlaceStore
    history: History
    events: EventStore
    clock: Clock

    async def preview(self, tenant: str, rule: Rule) -> list[Effect]:
        """Return what would go if a rule stood, beside all others, that goes by none now; nothing is changed."""
        await attempt(self.history.flush)
        others = [each for each in await self.rules.all(tenant) if each.id != rule.id and each.scope != rule.scope]
        found: dict[str, Effect] = {}
        async for each in self._slices(tenant, Rules([*others, rule]), rule.keeps):
            effect = await self._weighed(tenant, each)
            before = found.get(each.what, Effect(each.what, 0, None, None))
            found[each.what] = _sum(before, effect)
        return [effect for effect in found.values() if effect.count]

    async def slices(self, tenant: str) -> list[Slice]:
        """Return what is to go now, step by step; what has gone already goes again without effect."""
        # What is in memory is neither counted nor taken away; on a full disk it goes without.
        await attempt(self.history.flush)
        rules = await self.rules.of(tenant)
        return [each async for each in self._slices(tenant, rules)]

    async def do(self, tenant: str, step: Slice) -> int:
        """Take away what one step says; return how many rows of the database that were."""
        match step.what:
            case "readings":
                await self.history.thin(_numbers(step), step.before, step.start)
            case "summaries":
                await self.history.drop(_numbers(step), step.before, step.start)
            case _:
                return await self._expire(tenant, step)
        return 0

    async def _expire(self, tenant: str, step: Slice) -> int:
        store, gone = self._store(step.what), 0
        span = moment(max(step.start, 0)), moment(step.before)
        while some := await store.expire(tenant, _devices(step), *span):
            gone += some
            await asyncio.sleep(0)
        return gone

    async def _weighed(self, tenant: str, step: Slice) -> Effect:
        if step.what in ("readings", "summaries"):
            weight = await self.history.weigh(_numbers(step), step.start, step.before, thin=step.what == "summaries")
            oldest = None if weight.oldest is None else moment(weight.oldest)
            return Effect(step.what, weight.readings, weight.bytes, oldest)
        span = moment(max(step.start, 0)), moment(step.before)
        count, oldest = await self._store(step.what).expiring(tenant, _devices(step), *span)
        return Effect(step.what, count, None, oldest)

    def _store(self, what: str) -> Expires:
        stores: dict[str, Expires] = {
            "events": self.events,
            "attributes": self.kept.attributes,
            "remarks": self.kept.remarks,
        }
        return stores[what]

    async def _slices(self, tenant: str, rules: Rules, only: Keeps | None = None) -> AsyncIterator[Slice]:
        tree = await self.places.tree(tenant)
        stays = await self._stays(tenant)
        gathered: dict[tuple[str, int, int], list[int | str]] = {}
        series: dict[str, list[Series]] = {}
        for each in await self.kept.series.of_tenant(tenant):
            series.setdefault(each.device, []).append(each)
        for device, where in stays.items():
            for step in self._of_device(device, series.get(device, []), _Course(rules, tree, where, self._today), only):
                gathered.setdefault((step.what, step.start, step.before), []).extend(step.of)
        for (what, start, before), of in gathered.items():
            for begin in range(0, len(of), _SERIES_AT_ONCE):
                yield Slice(what, tuple(of[begin : begin + _SERIES_AT_ONCE]), start, before)  # type: ignore[arg-type]

    def _of_device(
        self, device: str, series: Sequence[Series], course: "_Course", only: Keeps | None
    ) -> Iterator[Slice]:
        if only in (None, "readings"):
            for each in series:
                for start, end, rule in course.spans("readings", each.metric):
                    yield from _steps("readings", (each.number,), start, end, course.cut(rule.days))
                    yield from _steps("summaries", (each.number,), start, end, course.cut(rule.summaries_days))
        for keeps in ("events", "attributes", "remarks"):
            if only in (None, keeps):
                for start, end, rule in course.spans(keeps):
                    yield from _steps(keeps, (device,), start, end, course.cut(rule.days))

    async def _stays(self, tenant: str) -> dict[str, list[tuple[int, str]]]:
        """Return since when each device was where, in order of time; the first place holds for all before, too."""
        found: dict[str, list[tuple[int, str]]] = {}
        for stay in await self.kept.devices.every_stay(tenant):
            before = found.setdefault(stay.device, [])
            before.append((microseconds(stay.since) if before else EVER, stay.place))
        return found

    @property
    def _today(self) -> int:
        return self.clock.now() // DAY * DAY


class _Course(Struct, frozen=True):
    """What holds for one device: the rules, the tree of places, since when it was where, and the day it is."""

    rules: Rules
    tree: Tree
    stays: Sequence[tuple[int, str]]
    today: int

    def spans(self, keeps: Keeps, metric: str | None = None) -> Iterator[tuple[int, int | None, Rule]]:
        """Give from when, until when (None: without an end) which rule holds; neighbours of one rule are one span."""
        held: list[tuple[int, Rule | None]] = []
        for since, place in self.stays:
            rule = self.rules.winner(keeps, [place, *self.tree.above(place)], metric)
            if not held or held[-1][1] != rule:
                held.append((since, rule))
        ends = [since for since, _ in held[1:]]
        for (start, rule), end in zip(held, [*ends, None], strict=False):
            if rule is not None:
                yield start, end, rule

    def cut(self, days: int | None) -> int | None:
        """Return the time before which nothing is kept for so many whole days."""
        return None if days is None else self.today - days * DAY


def _steps(
    what: str, of: tuple[int, ...] | tuple[str, ...], start: int, end: int | None, cut: int | None
) -> Iterator[Slice]:
    if cut is None:
        return
    before = cut if end is None else min(cut, end)
    if before > start:
        yield Slice(what, of, start, before)


def _numbers(step: Slice) -> list[int]:
    return [each for each in step.of if isinstance(each, int)]


def _devices(step: Slice) -> list[str]:
    return [each for each in step.of if isinstance(each, str)]


def _sum(one: Effect, other: Effect) -> Effect:
    sizes = [each.bytes for each in (one, other) if each.bytes is not None]
    days = [each.oldest for each in (one, other) if each.oldest is not None]
    return Effect(one.what, one.count + other.count, sum(sizes) if sizes else None, min(days, default=None))

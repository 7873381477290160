"""Tallying: what machines told of, against what their counters say; what nobody told of is booked, and only once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from msgspec.structs import asdict, replace
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import moment
from verger.base.errors import Busy
from verger.domain.devices.kept import Kept
from verger.domain.devices.registry import Known
from verger.domain.tallies.model import COUNTERS, EVENT, GAP, KINDS, RESET, Gap, Reset, Tally, happened, told
from verger.domain.tallies.store import Counted, Key, TallyStore
from verger.domain.telemetry.events import EventStore, identity
from verger.domain.telemetry.model import Batch, Event
from verger.domain.telemetry.store import save_position
from verger.flows.oversight import Figure
from verger.flows.ports import Screens

ATTRIBUTE = "current_counters"
_RECORDED_S = 1.0
_AT_ONCE = 20  # devices a transaction, which keeps it under 50 ms

Listener = Callable[[AsyncConnection, str, str, Event, int], Awaitable[None]]
"""Hears, within its transaction, what is booked: (connection, tenant, device, event, time of receipt)."""

Mark = tuple[str, str]
"""A device, and the identity of one of its events."""


class _Heard(NamedTuple):
    """What was heard of a counter at a time: where it `stands`, or one event more."""

    at: int
    stands: bool
    counter: int | None
    identity: str = ""


class _Change(NamedTuple):
    """The tallies of a device after a record, and what is booked."""

    known: Known
    tallies: dict[Key, Counted]
    events: list[Event]
    moved: bool


class Tallying:
    """A follower of the log. On disk together are what is booked, how each counter stands, and how far it has come.

    A record of devices without counters costs it one look. `recorded` returns once the events of a record are kept;
    `listeners` hear what is booked; `booked` only grows.
    """

    name: ClassVar[str] = "tallies"

    def __init__(self, kept: Kept, store: TallyStore, events: EventStore, screens: Screens) -> None:
        """Know of no counters yet."""
        self.recorded: Callable[[int], Awaitable[None]] = _at_once
        self.listeners: list[Listener] = []
        self.booked: Counter[str] = Counter()
        self._kept, self._store, self._events, self._screens = kept, store, events, screens
        self._tallies: dict[Key, Counted] = {}
        self._marks: dict[int, Key] = {}
        self._marked = np.zeros(1, np.bool_)  # by series number; the last is for all beyond
        self._counted: tuple[int, set[Mark]] = (0, set())  # of the last time of receipt

    async def open(self) -> None:
        """Know how every counter stands, and hear of those to come."""
        self._tallies = await self._store.everything()
        registry, addresses = self._kept.registry, self._kept.addresses
        for known in registry.everyone():
            self._learn(known, known.series)
        registry.learned = self._learn
        addresses.stood.append(self._stood)

    def settled(self) -> int | None:
        """Return None: what was taken is on disk."""
        return None

    # which series are counters

    def _stood(self, device: str) -> None:
        if known := self._kept.registry.known(device):
            self._learn(known, known.series)

    def _learn(self, known: Known, series: Mapping[str, int]) -> None:
        addressed = self._kept.addresses.of(known.device)
        counters = COUNTERS.get(addressed.dialect, {}) if addressed else {}
        for metric in counters.keys() & series.keys():
            number = series[metric]
            self._marks[number] = (known.device, counters[metric])
            if number >= len(self._marked) - 1:
                more = np.zeros(max(number + 2, 2 * len(self._marked)), np.bool_)
                more[: len(self._marked)] = self._marked
                self._marked = more
            self._marked[number] = True

    # what is heard

    async def take(self, batch: Batch) -> None:
        """Tally what one record says; what follows from it is on disk on return."""
        if not self._marks:
            return
        heard = self._heard(batch)
        if not heard:
            return
        fresh = await self._fresh(heard, batch)
        changes = list(self._changes(heard, batch.sequence, set(fresh)))
        for start in range(0, len(changes), _AT_ONCE):
            some = changes[start : start + _AT_ONCE]
            await self._keep(some, batch, last=start + len(some) == len(changes))
        before = self._counted[1] if self._counted[0] == batch.received_at else set()
        self._counted = (batch.received_at, before | fresh)

    def _heard(self, batch: Batch) -> dict[Key, list[_Heard]]:
        """Return what a record says of counters, and of events that they count."""
        heard: defaultdict[Key, list[_Heard]] = defaultdict(list)
        for row in np.flatnonzero(self._marked.take(batch.series, mode="clip")).tolist():
            value = float(batch.value[row])
            if value >= 0 and value.is_integer():
                heard[self._marks[int(batch.series[row])]].append(
                    _Heard(int(batch.at[row]), stands=True, counter=int(value))
                )
        for each in batch.told:
            said = each.said
            if not isinstance(said, Event) or not said.kind.startswith(EVENT):
                continue
            key = (each.device, said.kind.removeprefix(EVENT))
            if key in self._tallies or key in heard:
                at = batch.received_at if said.at is None else said.at
                heard[key].append(_Heard(at, stands=False, counter=_counter(said.data), identity=identity(said)))
        return heard

    async def _fresh(self, heard: Mapping[Key, Sequence[_Heard]], batch: Batch) -> set[Mark]:
        """Return the events of a record that no record before it had, once they are kept; raise Busy."""
        marks = {(device, one.identity) for (device, _), some in heard.items() for one in some if not one.stands}
        if not marks:
            return marks
        try:
            async with asyncio.timeout(_RECORDED_S):
                await self.recorded(batch.sequence)
        except TimeoutError:
            raise Busy("The events of this record are not kept yet.") from None
        if self._counted[0] == batch.received_at:
            marks -= self._counted[1]
        return await self._events.first_heard(marks, moment(batch.received_at))

    def _changes(self, heard: Mapping[Key, list[_Heard]], record: int, fresh: set[Mark]) -> Iterator[_Change]:
        """Give what changes, device by device; what was heard before, or changes nothing, is left out."""
        kinds: defaultdict[str, list[str]] = defaultdict(list)
        for device, kind in heard:
            kinds[device].append(kind)
        for device, some in kinds.items():
            known = self._kept.registry.known(device)
            if known is None:
                self._forget(device)
                continue
            tallies: dict[Key, Counted] = {}
            events: list[Event] = []
            moved = False
            for kind in some:
                key = (device, kind)
                before = self._tallies.get(key)
                if before is not None and before.record >= record:
                    continue
                tally, booked = _after(before.tally if before else None, heard[key], device, fresh)
                if tally is None:
                    continue
                after = Counted(known.tenant, tally, record)
                if before is not None and not booked and replace(tally, at=before.tally.at) == before.tally:
                    self._tallies[key] = after  # that it was told once more need not be kept
                    continue
                tallies[key] = after
                events += [_event(each, kind, record, place) for place, each in enumerate(booked)]
                moved |= before is None or before.tally.counter != tally.counter
            if tallies:
                yield _Change(known, tallies, events, moved)

    def _forget(self, device: str) -> None:
        """Know a device no longer that has gone."""
        for kind in KINDS:
            self._tallies.pop((device, kind), None)

    # what follows

    async def _keep(self, changes: Sequence[_Change], batch: Batch, *, last: bool) -> None:
        """Keep what changed, with the position if it is the last of a record; then tell."""
        tallies = {key: counted for change in changes for key, counted in change.tallies.items()}
        told = [(each.known.tenant, each.known.device, event) for each in changes for event in each.events]
        words: list[tuple[str, dict[str, Any]]] = []
        async with self._kept.db.writing() as connection:
            await self._store.save(connection, tallies)
            kept = await self._events.add(connection, told, batch.received_at)
            for (tenant, device, event), one in zip(told, kept, strict=True):
                if one is not None:
                    words.append((device, {"type": "event", "device": device, **asdict(one)}))
                for listener in self.listeners if _is_news(event) else ():
                    await listener(connection, tenant, device, event, batch.received_at)
            words += [await self._show(connection, each) for each in changes if each.moved]
            if last:
                await save_position(connection, self.name, batch.sequence)
        self._tallies |= tallies
        for _, _, event in told:
            self._count(event)
        for device, word in words:
            self._screens.tell(device, word)

    async def _show(self, connection: AsyncConnection, change: _Change) -> tuple[str, dict[str, Any]]:
        """Let the counters of a device be one of its attributes; return the word for its screens."""
        device = change.known.device
        own = {kind: change.tallies.get((device, kind)) or self._tallies.get((device, kind)) for kind in KINDS}
        values = {ATTRIBUTE: {kind: each.tally.counter for kind, each in own.items() if each is not None}}
        at = moment(max(each.tally.at for each in change.tallies.values()))
        self._kept.registry.report(device, ATTRIBUTE)
        await self._kept.attributes.report(connection, change.known.tenant, device, values, at)
        return device, {"type": "attributes", "device": device, "reported": values}

    def _count(self, event: Event) -> None:
        if event.kind.startswith(RESET):
            self.booked["resets"] += 1
        elif event.data["count"] > 0:
            self.booked["missing"] += event.data["count"]
        else:
            self.booked["late"] -= event.data["count"]

    def figures(self) -> Iterator[Figure]:
        """Return how much was booked."""
        missing, late, resets = (self.booked[name] for name in ("missing", "late", "resets"))
        yield Figure("counter_missing", "Events that counters know of and nobody told", missing, grows=True)
        yield Figure("counter_late", "Events that were booked as missing and came late", late, grows=True)
        yield Figure("counter_resets", "Counters that fell, or were set", resets, grows=True)


def _after(
    before: Tally | None, heard: Sequence[_Heard], device: str, fresh: set[Mark]
) -> tuple[Tally | None, list[Gap | Reset]]:
    """Return a tally after all that was heard, in the order of its times, and what is booked; `fresh` gets fewer."""
    tally, booked = before, list[Gap | Reset]()
    for one in sorted(heard, key=lambda each: (each.at, _rank(each, begun=before is not None))):
        if one.stands:
            step = told(tally, one.counter or 0, one.at)
        elif tally is None or (device, one.identity) not in fresh:
            continue
        else:
            fresh.discard((device, one.identity))
            step = happened(tally, one.at, one.counter)
        tally = step.tally
        booked += step.booked
    return tally, booked


def _rank(one: _Heard, *, begun: bool) -> int:
    """Return what comes first of one time: events, though a machine tells its counter first once it is connected."""
    if one.stands:
        return 1
    return 0 if begun or one.counter is not None else 2


def _counter(data: Any) -> int | None:
    """Return where the counter stood at an event, if that says so."""
    counter = data.get("counter") if isinstance(data, dict) else None
    return counter if isinstance(counter, int) and not isinstance(counter, bool) else None


def _event(booked: Gap | Reset, kind: str, record: int, place: int) -> Event:
    """Return what is booked as an event; its id is its own, so that a record is never booked twice."""
    if isinstance(booked, Reset):
        return Event(RESET + kind, {"from": booked.was, "to": booked.now}, booked.at, f"{RESET}{record}.{place}.{kind}")
    return Event(GAP + kind, {"count": booked.count}, booked.at, f"{GAP}{record}.{place}.{kind}")


def _is_news(event: Event) -> bool:
    """Whether rules should hear of it: not of a gap that is taken back."""
    return event.kind.startswith(RESET) or event.data["count"] > 0


async def _at_once(_record: int) -> None:
    """Wait for nothing."""

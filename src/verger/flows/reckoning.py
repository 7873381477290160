"""Reckoning: derived metrics, reckoned from what is heard and kept as series of their own."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from verger.base.clock import SECOND, Clock
from verger.base.db import Database
from verger.base.work import attempt
from verger.domain.derived.calculating import NOTHING_SET, Crowds, Ledger, Sum
from verger.domain.derived.crowd import Crowd, Last
from verger.domain.derived.model import Derived
from verger.domain.derived.store import DerivedStore
from verger.domain.devices.kept import Kept
from verger.domain.places.store import PlaceStore
from verger.domain.telemetry.model import Answer, Batch, Heard, Readings, Run
from verger.domain.telemetry.store import save_position

_SAVED_EVERY = 5 * SECOND
_LOOK_S = 1.0
_MANY = ""  # stands for the device under which it is kept what is known of many
_AT_ONCE = 200  # values that are reckoned before others have their turn

Keep = Callable[[Sequence[Heard | Run]], Awaitable[list[Answer]]]
Key = tuple[str, str]
"""A derived metric, and the device that it is reckoned for, or "" for what is known of many."""
Values = dict[tuple[str, int], dict[str, float]]
"""What was reckoned, by device and time."""
HasSet = Mapping[str, Mapping[str, Any]]
"""What is set by the attributes of devices."""


class _Draft:
    """What a record changes in what is remembered: all of it, once what follows is kept, or nothing."""

    def __init__(self) -> None:
        """Change nothing yet."""
        self.ledgers: dict[Key, Ledger] = {}
        self.found: Values = {}
        self.has_set: HasSet = {}
        self._before: list[tuple[Crowd, str, Last | None, int]] = []

    def join(self, crowd: Crowd, device: str, at: int, value: float) -> bool:
        """Let a crowd know a reading; tell whether it is newer than the last."""
        before = crowd.last(device)
        if before is not None and at <= before[0]:
            return False
        self._before.append((crowd, device, before, crowd.latest))
        crowd.put(device, (at, value))
        return True

    def turn_back(self) -> None:
        """Let crowds know what they knew before."""
        for crowd, device, before, latest in reversed(self._before):
            crowd.put(device, before)
            crowd.latest = latest


class Reckoning:
    """A follower of the log; a value that is reckoned again after a crash has the same time, and is kept once."""

    name: ClassVar[str] = "derived"

    def __init__(self, db: Database, store: DerivedStore, kept: Kept, places: PlaceStore, clock: Clock) -> None:
        """Know of no derived metrics; `keep` keeps what is reckoned as if it had been heard."""
        self.keep: Keep | None = None
        self._db, self._store, self._places, self._clock = db, store, places, clock
        self._series, self._registry, self._attributes = kept.series, kept.registry, kept.attributes
        self._called: set[Key] = set()  # whose series has its name and unit
        self._sums: list[tuple[Sum, frozenset[str]]] = []  # with the devices below the place of each
        self._wanted: set[str] = set()  # the metrics that any is reckoned from
        self._heeding: set[str] = set()  # those of them where it matters what people set
        self._ledgers: dict[Key, Ledger] = {}
        self._crowds: dict[str, dict[str, Crowd]] = {}  # by derived metric and metric
        self._forgotten: set[str] = set()  # since the record began that is being taken
        self._dirty: set[Key] = set()
        self._stale = True
        self._turn = asyncio.Lock()
        self._taken = self._saved = 0
        self._saved_at = clock.now()

    async def open(self, position: int) -> None:
        """Go on from a record, with what was remembered."""
        self._ledgers, self._taken, self._saved = await self._store.ledgers(), position, position

    def moved(self, _tenant: str) -> None:
        """Look anew which devices are where, and what is to be reckoned."""
        self._stale = True

    def forget(self, derived: str) -> None:
        """Remember nothing of a derived metric that is another now."""
        self._ledgers = {key: ledger for key, ledger in self._ledgers.items() if key[0] != derived}
        self._dirty = {key for key in self._dirty if key[0] != derived}
        self._called = {key for key in self._called if key[0] != derived}
        self._crowds.pop(derived, None)
        self._forgotten.add(derived)
        self._stale = True

    async def take(self, batch: Batch) -> None:
        """Reckon what follows from one record, and keep it."""
        async with self._turn:
            self._forgotten.clear()
            await self._renew()
            if self._sums and len(batch.series):
                await self._follow(batch)
            self._taken = batch.sequence

    async def _follow(self, batch: Batch) -> None:
        draft, sums = _Draft(), self._sums
        try:
            await self._reckon(draft, batch)
            if draft.found and self.keep is not None:
                heard = [Heard(device, (Readings(values, at),)) for (device, at), values in draft.found.items()]
                await self.keep(heard)
        except BaseException:
            draft.turn_back()
            raise
        ledgers = {key: ledger for key, ledger in draft.ledgers.items() if key[0] not in self._forgotten}
        self._ledgers |= ledgers
        self._dirty |= ledgers.keys()
        if draft.found:
            await self._call({each.derived.id: each.derived for each, _ in sums}, ledgers.keys())

    async def _call(self, sums: Mapping[str, Derived], keys: Iterable[Key]) -> None:
        """Give series that are new the name and unit of what is reckoned, unless people gave them others."""
        for derived, owner in set(keys) - self._called:
            known = self._registry.known(owner)
            if known is None or (told := sums[derived]).metric not in known.series:
                continue  # nothing came of it yet
            if told.named:
                await self._series.call(known.tenant, told.metric, [owner], {}, told.named)
            self._called.add((derived, owner))

    def settled(self) -> int | None:
        """Return the record up to which all that is remembered is on disk."""
        return self._saved

    async def _reckon(self, draft: _Draft, batch: Batch) -> None:
        """Reckon what follows from a record by the readings before it."""
        metrics = {number: self._registry.metric(number) for number in np.unique(batch.series).tolist()}
        if self._wanted.isdisjoint(metrics.values()):
            return
        draft.has_set = await self._has_set(batch)
        sums, crowded, done = self._sums, dict(self._crowds), 0
        for number, at, value in zip(batch.series.tolist(), batch.at.tolist(), batch.value.tolist(), strict=True):
            known, metric = self._registry.owner(number), metrics[number]
            if known is None or metric is None or metric not in self._wanted:
                continue
            for each, below in sums:
                crowds = crowded.get(each.derived.id, {})
                crowd = crowds.get(metric) if known.device in below else None
                joined = crowd is not None and draft.join(crowd, known.device, at, value)
                for owner in self._owners(each, known.device, metric, below):
                    reading = (known.device, metric, at, value)
                    self._take(draft, each, owner, reading, crowds, joined=joined)
                    done += 1
                    if done % _AT_ONCE == 0:
                        await asyncio.sleep(0)

    async def _has_set(self, batch: Batch) -> HasSet:
        """Return what is set for whom that matters to: what people desire, else what the device reported.

        It is read anew each time, for it holds from the next reading on however it was changed.
        """
        owners: dict[str, set[str]] = {}  # by tenant
        for number in np.unique(batch.series).tolist() if self._heeding else ():
            known, metric = self._registry.owner(number), self._registry.metric(number)
            if known is None or metric is None or metric not in self._heeding:
                continue
            for each, below in self._sums:
                if each.heeds:
                    owners.setdefault(known.tenant, set()).update(self._owners(each, known.device, metric, below))
        found: dict[str, Mapping[str, Any]] = {}
        for tenant, devices in owners.items():
            states = await self._attributes.of(tenant, devices)
            found |= {device: state.reported | state.desired for device, state in states.items()}
        return found

    def _take(
        self,
        draft: _Draft,
        each: Sum,
        owner: str,
        reading: tuple[str, str, int, float],
        crowds: Crowds,
        *,
        joined: bool,
    ) -> None:
        key = (each.derived.id, owner)
        before = draft.ledgers.get(key) or self._ledgers.get(key) or Ledger()
        has_set = draft.has_set.get(owner, NOTHING_SET)
        after, result = each.take(before, owner, reading, crowds, has_set, joined=joined)
        if after is not before:
            draft.ledgers[key] = after
        if result is not None:
            draft.found.setdefault((owner, after.at), {})[each.derived.metric] = result

    @staticmethod
    def _owners(each: Sum, device: str, metric: str, below: frozenset[str]) -> Sequence[str]:
        """Return for which devices a reading matters: what is reckoned from many too waits until its device speaks."""
        if each.derived.device is not None:
            candidates: Sequence[str] = (each.derived.device,)
        elif (device, metric, "named") in each.wants:
            candidates = sorted(below)
        else:
            candidates = (device,) if device in below else ()
        return [owner for owner in candidates if each.hears(owner, device, metric, below)]

    async def _renew(self) -> None:
        if not self._stale:
            return
        self._stale = False
        try:
            self._sums = await self._read()
            await self._gather()
        except BaseException:
            self._stale = True
            raise
        self._wanted = {key for each, _ in self._sums for _, key, _ in each.wants}
        self._heeding = {key for each, _ in self._sums if each.heeds for _, key, _ in each.wants}

    async def _read(self) -> list[tuple[Sum, frozenset[str]]]:
        below: dict[tuple[str, str], frozenset[str]] = {}
        at: dict[tuple[str, str], list[str]] = {}  # devices by tenant and place
        for known in self._registry.everyone():
            at.setdefault((known.tenant, known.place), []).append(known.device)
        found, trees = [], {}
        for tenant, derived in await self._store.everything():
            if tenant not in trees:
                trees[tenant] = await self._places.tree(tenant)
            if (tenant, derived.place) not in below:
                places = trees[tenant].below(derived.place)
                below[tenant, derived.place] = frozenset(
                    device for place in places for device in at.get((tenant, place), ())
                )
                await asyncio.sleep(0)
            found.append((Sum(derived), below[tenant, derived.place]))
        return found

    async def _gather(self) -> None:
        """Let the crowds of each derived metric be of the devices that are below its place now."""
        for each, below in self._sums:
            name = each.derived.id
            if not each.crowded:
                continue
            if name not in self._crowds:
                self._crowds[name] = self._remembered(each, below)
            for crowd in self._crowds[name].values():
                crowd.keep(below)
                await asyncio.sleep(0)

    def _remembered(self, each: Sum, below: frozenset[str]) -> dict[str, Crowd]:
        """Return the crowds of a derived metric as they were kept; once each device kept them of its own."""
        crowds = {metric: Crowd() for metric in each.crowded}
        for key in [key for key in self._ledgers if key[0] == each.derived.id]:
            own, many = each.parted(self._ledgers[key], key[1])
            for metric, known in many.items():
                for device, last in known.items():
                    if device in below and last > (crowds[metric].last(device) or (0, 0.0)):
                        crowds[metric].put(device, last)
            self._ledgers[key] = own
        self._ledgers.pop((each.derived.id, _MANY), None)
        return crowds

    def _rows(self, keys: Collection[Key]) -> list[tuple[Key, Ledger]]:
        rows = [(key, self._ledgers[key]) for key in keys if key in self._ledgers]
        for name in {name for name, _ in keys} & self._crowds.keys():
            known = {metric: dict(crowd.everything()) for metric, crowd in self._crowds[name].items()}
            rows.append(((name, _MANY), Ledger(known)))
        return rows

    async def save(self) -> None:
        """Keep what is remembered, and how far all was reckoned."""
        async with self._turn:
            await self._save()

    async def _save(self) -> None:
        taken, keys, self._saved_at = self._taken, self._dirty, self._clock.now()
        self._dirty = set()
        rows = self._rows(keys)
        if taken == self._saved and not rows:
            return
        try:
            async with self._db.writing() as connection:
                await self._store.save(connection, rows)
                await save_position(connection, self.name, taken)
        except BaseException:
            self._dirty |= keys
            raise
        self._saved = taken

    async def run(self) -> None:
        """Save now and then until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if abs(self._clock.now() - self._saved_at) >= _SAVED_EVERY:
                await attempt(self.save)

"""Reckoning: derived metrics, reckoned from what is heard and kept as series of their own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

import numpy as np

from verger.base.clock import SECOND, Clock
from verger.base.db import Database
from verger.base.work import attempt
from verger.domain.derived.calculating import Ledger, Sum
from verger.domain.derived.store import DerivedStore
from verger.domain.devices.registry import Registry
from verger.domain.devices.series import SeriesStore
from verger.domain.places.store import PlaceStore
from verger.domain.telemetry.model import Answer, Batch, Heard, Readings, Run
from verger.domain.telemetry.store import save_position

_SAVED_EVERY = 5 * SECOND
_LOOK_S = 1.0

Keep = Callable[[Sequence[Heard | Run]], Awaitable[list[Answer]]]
Key = tuple[str, str]
"""A derived metric, and the device that it is reckoned for."""


class Reckoning:
    """A follower of the log; a value that is reckoned again after a crash has the same time, and is kept once."""

    name: ClassVar[str] = "derived"

    def __init__(
        self,
        db: Database,
        store: DerivedStore,
        series: SeriesStore,
        places: PlaceStore,
        registry: Registry,
        clock: Clock,
    ) -> None:
        """Know of no derived metrics; `keep` keeps what is reckoned as if it had been heard."""
        self.keep: Keep | None = None
        self._db, self._store, self._series, self._places = db, store, series, places
        self._registry, self._clock = registry, clock
        self._called: set[Key] = set()  # whose series has its name and unit
        self._sums: list[tuple[Sum, frozenset[str]]] = []  # with the devices below the place of each
        self._wanted: set[str] = set()  # the metrics that any is reckoned from
        self._ledgers: dict[Key, Ledger] = {}
        self._dirty: set[Key] = set()
        self._stale = True
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
        self._stale = True

    async def take(self, batch: Batch) -> None:
        """Reckon what follows from one record, and keep it."""
        await self._renew()
        if self._sums and len(batch.series):
            ledgers, found = self._reckoned(batch)
            if found and self.keep is not None:
                await self.keep([Heard(device, (Readings(values, at),)) for (device, at), values in found.items()])
                await self._call(ledgers.keys())
            self._ledgers |= ledgers
            self._dirty |= ledgers.keys()
        self._taken = batch.sequence

    async def _call(self, keys: Iterable[Key]) -> None:
        """Give series that are new the name and unit of what is reckoned, unless people gave them others."""
        sums = {each.derived.id: each.derived for each, _ in self._sums}
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

    def _reckoned(self, batch: Batch) -> tuple[dict[Key, Ledger], dict[tuple[str, int], dict[str, float]]]:
        """Return what is remembered after a record, and the values that follow by device and time."""
        ledgers: dict[Key, Ledger] = {}
        found: dict[tuple[str, int], dict[str, float]] = {}
        metrics = {number: self._registry.metric(number) for number in np.unique(batch.series).tolist()}
        if self._wanted.isdisjoint(metrics.values()):
            return ledgers, found
        for number, at, value in zip(batch.series.tolist(), batch.at.tolist(), batch.value.tolist(), strict=True):
            known, metric = self._registry.owner(number), metrics[number]
            if known is None or metric is None or metric not in self._wanted:
                continue
            for each, below in self._sums:
                for owner in self._owners(each, known.device, metric, below):
                    key = (each.derived.id, owner)
                    before = ledgers.get(key) or self._ledgers.get(key) or Ledger()
                    after, result = each.take(before, owner, (known.device, metric, at, value), below)
                    if after is not before:
                        ledgers[key] = after
                    if result is not None:
                        found.setdefault((owner, after.at), {})[each.derived.metric] = result
        return ledgers, found

    @staticmethod
    def _owners(each: Sum, device: str, metric: str, below: frozenset[str]) -> Sequence[str]:
        """Return for which devices a reading matters."""
        if each.derived.device is not None:
            candidates: Sequence[str] = (each.derived.device,)
        elif (device, metric, "named") in each.wants or (None, metric, "each") in each.wants:
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
        except BaseException:
            self._stale = True
            raise
        self._wanted = {key for each, _ in self._sums for _, key, _ in each.wants}

    async def _read(self) -> list[tuple[Sum, frozenset[str]]]:
        found = []
        trees = {}
        for tenant, derived in await self._store.everything():
            if tenant not in trees:
                trees[tenant] = await self._places.tree(tenant)
            places = set(trees[tenant].below(derived.place))
            mine = (known for known in self._registry.everyone() if known.tenant == tenant)
            found.append((Sum(derived), frozenset(known.device for known in mine if known.place in places)))
        return found

    async def save(self) -> None:
        """Keep what is remembered, and how far all was reckoned."""
        taken, keys, self._saved_at = self._taken, self._dirty, self._clock.now()
        self._dirty = set()
        rows = [(key, self._ledgers[key]) for key in keys if key in self._ledgers]
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

"""Verifying: a backup is really restored, on trial and aside, opened, replayed and counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.migrate import migrate
from verger.base.plural import counted
from verger.domain.backups.model import Contents, Verified
from verger.domain.backups.objects import scratch
from verger.domain.backups.shelf import Shelf
from verger.domain.devices.attributes import AttributeStore
from verger.domain.history.history import History
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.followers import Followers
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.store import FollowerStore
from verger.flows.keeping import Keeping
from verger.flows.laying import Laying
from verger.flows.recording import Recording
from verger.flows.taking import DATABASE, HISTORY, LOG, Reached, nowhere

_MARGIN = 0.02  # of the disk: what the trial and the devices write meanwhile
_AT_ONCE = 500_000  # readings that are looked up together


class _Nobody:
    """No screens."""

    def tell(self, device: str, word: dict[str, Any]) -> None:
        """Tell nobody."""

    def announce(self, tenant: str, word: dict[str, Any], *, place: str | None, device: str | None = None) -> None:
        """Tell nobody."""

    def changed(self, tenant: str) -> None:
        """Tell nobody."""


@dataclass(frozen=True)
class Verifying:
    """Tries backups out, in a folder within the data folder that is removed afterwards.

    `line` is the share of the disk, from 0 to 1, from which on measurements are refused; a trial stays below it.
    """

    data: Path
    shelf: Shelf
    clock: Clock
    line: float = 1.0

    async def verify(self, backup: str | None = None, reached: Reached = nowhere) -> Verified:
        """Restore a backup on trial, the newest if none is named; return what became of it, which is also kept."""
        with self.shelf.held():
            manifest = await asyncio.to_thread(self.shelf.find, backup)
            with scratch(self.data / ".verify") as folder:
                laying = Laying(self.shelf, manifest)
                contents = await asyncio.to_thread(laying.contents, folder, 1 - self.line + _MARGIN)
                wrong = await asyncio.to_thread(lambda: [*laying.lay(contents, folder, reached)])
                said = "" if wrong else await self._try(folder, contents, wrong)
            well = not wrong
            sentence = said if well else f"Do not rely on this backup; take a new one. {' '.join(wrong)}"
            verified = Verified(at=moment(self.clock.now()), well=well, said=sentence)
            await asyncio.to_thread(self.shelf.remark, manifest.id, verified)
        return verified

    async def _try(self, folder: Path, contents: Contents, wrong: list[str]) -> str:
        """Open the folder and replay the log; add what is wrong, return what was found."""
        async with AsyncExitStack() as stack:
            db = Database.open(f"sqlite+aiosqlite:///{folder / DATABASE}")
            stack.push_async_callback(db.close)
            await migrate(db)
            history = await History.open(folder / HISTORY, clock=self.clock)
            stack.push_async_callback(history.close)
            log = await Log.open(folder / LOG)
            stack.push_async_callback(log.close)
            wrong += [f"{each.segment}: {each.reason}" for each in log.aside]
            if log.last != contents.last and log.kept():
                wrong.append(f"The log ends at record {log.last}, not {contents.last}.")
            trial = _Trial(db, history, log, self.clock, log.last)
            letters = await trial.replay()
            lost, checked = await trial.compare(contents.position)
            if lost:
                wrong.append(f"Missing from the history after replaying the log: {counted(lost, 'reading')}.")
            events = await EventStore(db).count()
            if events < contents.counts.events:
                wrong.append(f"Of {counted(contents.counts.events, 'event')} that were backed up there are {events:,}.")
            stats = await history.stats()
            wrong += [str(damage) for damage in await history.verify()]
            untaken = f"; the log has {counted(letters, 'record')} that could not be taken" if letters else ""
            return (
                f"It was restored on trial: {counted(stats.readings, 'reading')}, {checked:,} of them from the log; "
                f"{counted(events, 'event')}, {counted(contents.counts.devices, 'device')}{untaken}."
            )


@dataclass(frozen=True)
class _Trial:
    """A restored folder while it is tried out."""

    db: Database
    history: History
    log: Log
    clock: Clock
    last: int

    async def replay(self) -> int:
        """Let history and records take what the log holds; return how many records they could not take."""
        store = FollowerStore(self.db)
        before = sum((await store.count_dead_letters()).values())
        recording = Recording(self.db, EventStore(self.db), AttributeStore(self.db), _Nobody())
        followers = Followers(self.log, store, self.clock, [Keeping(self.history), recording])
        await followers.start()
        try:
            await followers.caught_up(upto=self.last)
            await self.history.flush()
        finally:
            await followers.stop()
        return sum((await store.count_dead_letters()).values()) - before

    async def compare(self, position: int) -> tuple[int, int]:
        """Return how many readings of the log behind a record are not in the history, and how many were looked up."""
        lost = checked = 0
        async for batches in self._portions(position):
            series = np.concatenate([batch.series for batch in batches])
            at = np.concatenate([batch.at for batch in batches])
            checked += len(series)
            for number in np.unique(series).tolist():
                wanted = at[series == number]
                low, high = int(wanted.min()), int(wanted.max()) + 1
                found = await self.history.raw(number, low, high, limit=1 << 31)
                lost += int((~np.isin(wanted, found.at)).sum())
        return lost, checked

    async def _portions(self, position: int) -> AsyncIterator[list[Batch]]:
        some: list[Batch] = []
        readings = 0
        if self.last <= position:
            return
        async for batch in self.log.read(position):
            some.append(batch)
            readings += len(batch.series)
            if readings >= _AT_ONCE or batch.sequence >= self.last:
                yield some
                some, readings = [], 0
            if batch.sequence >= self.last:
                return

"""The trail: the log, what its followers could not take, and copies of old; freed of what was deleted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import Clock, moment
from verger.domain.deletions.model import Part
from verger.domain.history.history import History
from verger.domain.telemetry.followers import Followers
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch, Told
from verger.domain.telemetry.record import Unreadable, without
from verger.domain.telemetry.store import FollowerStore

COPIES_KEPT = timedelta(days=7)  # of the database, made before a migration
_LOOK_S = 1.0


@dataclass(frozen=True)
class Trail:
    """Where what devices said lies besides history and database; `settle` saves what a follower saves now and then."""

    log: Log
    followers: Followers
    letters: FollowerStore
    history: History
    clock: Clock
    settle: Callable[[], Awaitable[None]]

    async def roll(self) -> int:
        """End the segment that is written; return a record before which nothing deleted till now is to come."""
        return await self.log.roll(self.clock.now())

    async def release(self, upto: int) -> None:
        """Return once every follower is past a record for good and the segments before it are gone."""
        while True:
            await self.followers.caught_up(upto=upto)
            await self.history.flush()
            await self.settle()
            await self.followers.save()
            if all(segment.last >= upto for segment in self.log.kept()):
                return
            await asyncio.sleep(_LOOK_S)  # a backup holds them just now

    async def sift_letters(self, parts: Sequence[Part]) -> None:
        """Take what was deleted out of the dead letters; one that nobody can read goes."""

        def sifted(record: bytes) -> bytes | None:
            try:
                return without(record, lambda batch: _rows(batch, parts), lambda told: _told(told, parts))
            except Unreadable:
                return None

        await self.letters.sift(sifted)

    async def remove_copies(self, folder: Path) -> None:
        """Remove the copies of the database that a migration of more than a week ago left in the data folder."""
        await asyncio.to_thread(_remove_copies, folder, (moment(self.clock.now()) - COPIES_KEPT).timestamp())


def _remove_copies(folder: Path, before: float) -> None:
    for path in folder.glob("*-before-*-to-*.db"):
        if path.stat().st_mtime <= before:
            path.unlink()


def _rows(batch: Batch, parts: Sequence[Part]) -> NDArray[np.bool_]:
    gone = np.zeros(len(batch.series), np.bool_)
    for part in parts:
        start, end = part.span
        gone |= np.isin(batch.series, part.series) & (batch.at >= start) & (batch.at < end)
    return gone


def _told(told: Told, parts: Sequence[Part]) -> bool:
    at = told.said.at or 0
    return any(part.device == told.device and part.span[0] <= at < part.span[1] for part in parts)

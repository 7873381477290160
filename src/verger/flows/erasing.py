"""Erasing: what a person wants gone is unreadable at once, and off the disk soon after, whatever happens meanwhile.

First the deletion is remembered, then everything of it is hidden; from then on it goes on by itself, step by step,
each of which may be done again: the log's segment ends, the history forgets, the followers pass by, the segments go,
then rows, dead letters and old copies. At last month files and database are written anew, for SQLite leaves what was
deleted in its pages.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from verger.base.clock import SECOND, moment
from verger.base.erasing import erase
from verger.base.errors import Refused
from verger.base.ids import new_id
from verger.domain.deletions.model import Deletion, Erasure, Part, What
from verger.domain.devices.store import device_table
from verger.domain.telemetry.events import EventStore
from verger.flows.forgetting import Forgetting
from verger.flows.oversight import Figure
from verger.flows.trail import Trail

KIND = "deletion"
STEPS = 6
_LATEST = 253_402_300_799 * SECOND  # the last second that a date can say

Reached = Callable[[int, int | None], None]
log = structlog.get_logger()


class Naming(Protocol):
    """Keeps what was said about devices, by their name alone."""

    async def expire(self, tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> int:
        """Remove a little of it with start <= time < before; return how much, 0 at the end."""


def nowhere(_done: int, _total: int | None) -> None:
    """Be told, and do nothing."""


@dataclass
class Tally:
    """What was done since the start."""

    begun: int = 0
    done: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Erasing:
    """Deletes for good; `gone_by` tells when what is deleted at a time is in no backup any more, None if never."""

    forgetting: Forgetting
    trail: Trail
    events: EventStore
    naming: Sequence[Naming]
    folder: Path
    gone_by: Callable[[datetime], Awaitable[datetime | None]]
    tally: Tally = field(default_factory=Tally)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self, tenant: str, asked_by: str, what: What, subject: str, parts: Sequence[Part]) -> Deletion:
        """Hide what is to go, for good; on return nobody can read it. `finish` does the rest."""
        now = moment(self.trail.clock.now())
        deletion = Deletion(
            id=new_id(),
            what=what,
            subject=subject,
            asked_by=asked_by,
            at=now,
            upto=self.trail.log.last + 1,
            backups_until=await self.gone_by(now),
        )
        await self.forgetting.remember(Erasure(tenant, deletion, list(parts)))
        self.tally.begun += 1
        return deletion

    async def begin_person(self, tenant: str, asked_by: str, user: str) -> Deletion:
        """Delete a person's account for good; raise Conflict while they are the last owner of an organisation."""
        await self.forgetting.users.check_erasable(user)
        return await self.begin(tenant, asked_by, "person", user, [])

    async def finish(self, deletion: str, reached: Reached = nowhere) -> Deletion:
        """Take it off the disk; what is done already is done again without effect. Raise Busy to try again later."""
        deletions = self.forgetting.deletions
        async with self._turn:
            erasure = await deletions.erasure(deletion)
            if erasure.deletion.done_at is None:
                await self.forgetting.hide(erasure)
                await self._clear(erasure, reached)
                await deletions.done(deletion, moment(self.trail.clock.now()))
                self.tally.done += 1
                log.info("a deletion is off the disk", what=erasure.deletion.what, id=deletion)
            return await deletions.get(erasure.tenant, deletion)

    async def sweep(self) -> None:
        """Finish what was cut short or could not be done yet, and remove old copies, which hold what was deleted."""
        await self.trail.remove_copies(self.folder)
        unsure = self.forgetting.unsure
        undone = [each for each in await self.forgetting.deletions.undone() if each.deletion.id not in unsure]
        self.tally.waiting = len(undone)
        for erasure in undone:
            try:
                await self.finish(erasure.deletion.id)
            except Refused as refused:
                log.warning("a deletion has to wait", id=erasure.deletion.id, why=str(refused))

    async def _clear(self, erasure: Erasure, reached: Reached) -> None:
        history, trail, parts = self.trail.history, self.trail, erasure.parts
        numbers = [number for part in parts for number in part.series]
        months = erasure.months
        if months is None:
            await history.flush()
            months = await history.holding(numbers) if numbers else []
            await self.forgetting.deletions.found(erasure.deletion.id, months)
        reached(1, STEPS)
        upto = await trail.roll()
        await history.delete([number for part in parts if part.whole for number in part.series], upto)
        for part in parts:
            if not part.whole and part.series:
                start, end = part.span
                await history.erase(part.series, end, start)
        reached(2, STEPS)
        await trail.release(upto)
        reached(3, STEPS)
        for part in parts:
            await self._rows(erasure.tenant, part)
        await trail.sift_letters(parts)
        await trail.remove_copies(self.folder)
        reached(4, STEPS)
        await history.rewrite(months)
        reached(5, STEPS)
        await self.forgetting.kept.db.rewrite()
        reached(6, STEPS)

    async def _rows(self, tenant: str, part: Part) -> None:
        kept = self.forgetting.kept
        start, end = (moment(min(max(0, at), _LATEST)) for at in part.span)
        # The row of a device takes with it all that refers to it, but not what only names it.
        referring = () if part.whole else (self.events, kept.attributes, kept.remarks)
        for store in (*self.naming, *referring):
            gone = 1
            while gone:
                gone = await store.expire(tenant, [part.device], start, end)
        if part.whole:
            await erase(kept.db, device_table, part.device)

    def figures(self) -> Iterator[Figure]:
        """Return the figures of deletions."""
        yield Figure("deletions_begun", "Deletions asked for", self.tally.begun, grows=True)
        yield Figure("deletions_done", "Deletions off the disk", self.tally.done, grows=True)
        yield Figure("deletions_waiting", "Deletions not off the disk at the last sweep", self.tally.waiting)

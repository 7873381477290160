"""Pruning: the daily job that carries out retention, a few seconds at a time, and at once when the disk is full."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import structlog
from msgspec import Struct

from verger.base import jobs
from verger.base.clock import DAY, HOUR, Clock, moment
from verger.base.db import Database
from verger.flows.oversight import Figure
from verger.flows.retention import Retention

KIND = "retention"
_KEY = "daily"
_AT = 3 * HOUR  # UTC
_LAST = "~"  # comes after every tenant
_BUDGET_S = 2.0  # before other jobs have their turn

log = structlog.get_logger()


class Pruned(Struct, frozen=True):
    """The last whole pass: when it ended, and how many bytes of the history it gave back."""

    at: datetime
    freed_bytes: int


class Ageing(Struct, frozen=True):
    """What is kept of any tenant for so many days: `purge` removes some of before a time, and returns how many."""

    what: str
    days: int
    purge: Callable[[datetime], Awaitable[int]]


class Pruning:
    """Takes away what is due, tenant after tenant; a pass that is cut short goes on where it was."""

    def __init__(self, retention: Retention, db: Database, clock: Clock, ageing: Sequence[Ageing] = ()) -> None:
        """Have done nothing yet."""
        self._ageing = ageing
        self.last: Pruned | None = None
        self.rows: Counter[str] = Counter()
        self.freed_bytes = 0
        self._retention = retention
        self._db = db
        self._clock = clock
        self._freed = 0  # in this pass

    async def begin(self) -> None:
        """Ask for the daily job, unless it is asked for."""
        async with self._db.writing() as connection:
            if not await jobs.asked(connection, KIND, _KEY):
                await jobs.ask(connection, KIND, _KEY, self._tonight())

    async def at_once(self) -> None:
        """Ask for a pass now."""
        async with self._db.writing() as connection:
            await jobs.ask(connection, KIND, _KEY, self._clock.now())

    async def work(self, given: Any) -> None:
        """Go on from (tenant, step), from the beginning if nothing is given; ask for the rest, or for tomorrow."""
        tenant, done = given or ("", 0)
        until = time.monotonic() + _BUDGET_S
        for each in await self._retention.rules.tenants():
            if each < tenant:
                continue
            steps = await self._retention.slices(each)
            for number in range(done if each == tenant else 0, len(steps)):
                if time.monotonic() > until:
                    await self._ask(self._clock.now() + 1, (each, number))
                    return
                await self._do(each, number, steps)
        if not await self._age(until):
            await self._ask(self._clock.now() + 1, (_LAST, 0))
            return
        self.last = Pruned(moment(self._clock.now()), self._freed)
        if self._freed:
            log.info("retention gave room back", bytes=self._freed)
        self._freed = 0
        await self._ask(self._tonight(), None)

    async def _do(self, tenant: str, number: int, steps: Any) -> None:
        step = steps[number]
        before = (await self._retention.history.stats()).disk_bytes
        self.rows[step.what] += await self._retention.do(tenant, step)
        freed = max(0, before - (await self._retention.history.stats()).disk_bytes)
        self._freed += freed
        self.freed_bytes += freed

    async def _age(self, until: float) -> bool:
        """Take away what is too old, whosever it is; return False when the time was up before the end."""
        for each in self._ageing:
            before = moment(self._clock.now() - each.days * DAY)
            while gone := await each.purge(before):
                self.rows[each.what] += gone
                if time.monotonic() > until:
                    return False
        return True

    async def _ask(self, at: int, given: Any) -> None:
        async with self._db.writing() as connection:
            await jobs.ask(connection, KIND, _KEY, at, given)

    def _tonight(self) -> int:
        now = self._clock.now()
        night = now // DAY * DAY + _AT
        return night if night > now else night + DAY

    def figures(self) -> Iterator[Figure]:
        """Return what retention took away since the start."""
        freed = float(self.freed_bytes)
        yield Figure("retention_freed_bytes", "Bytes of the history that retention gave back", freed, grows=True)
        for what in ("events", "attributes", "remarks", *(each.what for each in self._ageing)):
            labels = {"what": what}
            yield Figure("retention_rows", "Rows that retention removed", self.rows[what], grows=True, labels=labels)
        if self.last is not None:
            at = self.last.at.timestamp()
            yield Figure("retention_last_pass_timestamp_seconds", "When the last whole pass ended", at)

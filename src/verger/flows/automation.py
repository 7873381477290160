"""Automation: a follower of the log that judges by the rules, and does what they ask for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import SECOND, Clock
from verger.base.errors import Busy
from verger.base.work import attempt
from verger.domain.rules.facts import Time
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.waiting import WaitingFact
from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.store import save_position
from verger.flows.acting import Acting
from verger.flows.answering import answering
from verger.flows.court import Court
from verger.flows.decided import Decided
from verger.flows.leaping import Leaping
from verger.flows.minds import Draft, Key
from verger.flows.pausing import Pausing
from verger.flows.silences import Silences
from verger.flows.stepping import Heed, Stepping
from verger.flows.stranded import Stranded

_TICK_S = 0.2
_SAVED_EVERY = 5 * SECOND
_SEE_TO_IT = "See to what makes it do so, then enable it anew."
_WRITE_ANEW = "Change what it says, then enable it anew."
_PASSING = (Busy, OSError, OperationalError)  # more likely the fault of the disk or the database: tried again
_AT_ONCE = 40  # rules that do something a transaction, which keeps it under 50 ms

log = structlog.get_logger()


class Automation:
    """Judges one record of the log after the other; on disk together are its position, what rules remember, and do.

    What leads to nothing shares a commit every few seconds; after a crash it is judged again, to the same memory.
    """

    name: ClassVar[str] = "rules"

    def __init__(self, court: Court, kept: RulesKept, acting: Acting, clock: Clock) -> None:
        """Judge in a court; `caught_up` returns once all of the log was taken, `silences` tells who says nothing.

        `heeds` are told, within the transaction, that the clock was put back.
        """
        self.court = court
        self.caught_up: Callable[[], Awaitable[None]] = _at_once
        self.silences: Silences | None = None
        self.heeds: list[Heed] = []
        self._kept, self._acting, self._clock = kept, acting, clock
        self._pausing = Pausing(kept, acting.effects.alerts, clock)
        self._stranded = Stranded(court.book, kept.db, acting.effects.alerts, clock)
        self._stepping = Stepping(court, clock)
        self._decided = Decided(court, kept, acting, clock)
        self._leaping = Leaping(court, clock)
        self._turn = asyncio.Lock()
        self._taken: int | None = None
        self._saved: int | None = None
        self._saved_at = clock.now()
        self._noting: list[Key] = []
        self.fired = 0

    async def open(self, position: int, seen_at: int = 0) -> None:
        """Go on from a record, with what rules remember; to be called before anything is taken.

        `seen_at` is when anything was received last, by the clock of that time.
        """
        self._taken = self._saved = position
        await self.court.open()
        self._stepping.open(seen_at)

    async def take(self, batch: Batch) -> None:
        """Judge what one record says, in its order; what it leads to is on disk on return."""
        async with self._turn:
            await self._follow_clock()
            batch = self._stepping.timely(batch)
            draft = await self.court.draft(batch.sequence)
            times = self.court.bounds.times(batch.series)
            try:
                await self.court.hear(draft, batch)
                await self._settle(draft)
            except BaseException:
                self.court.bounds.turn_back(batch.series, times)
                raise
            self._taken = batch.sequence

    def settled(self) -> int | None:
        """Return the record up to which all that was judged is on disk."""
        return self._saved

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Judge nothing meanwhile."""
        async with self._turn:
            yield

    def renewed(self, tenant: str, rule: str, *, forget: bool) -> None:
        """Judge by what a rule says now; remember of it what it knew, or forget it."""
        if forget:
            self.court.forget([rule])
        self.court.book.changed(tenant, rule)

    async def run(self) -> None:
        """Let the timers of rules run, and save now and then, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_S)
            await attempt(self.tick)

    async def tick(self) -> None:
        """Judge what is due by now, once all has been judged that the log holds."""
        async with self._turn:
            await self._follow_clock()
        now = self._clock.now()
        heard = self.silences.facts() if self.silences is not None else []
        facts: Sequence[WaitingFact] = [*await self.court.waiting(), *heard]
        if facts or self.court.minds.waits(now):
            await self.caught_up()
        async with self._turn:
            await self._pause_unfit()
            while facts:
                facts = await self._hear(facts)
            draft = await self.court.draft(self._taken or 0)
            due = list(self.court.minds.due(now))
            try:
                await self.court.pass_time(draft, due, Time(now, self.court.up_since))
                await self._settle(draft)
            except BaseException:
                self.court.minds.rewind(due)
                raise
            if self.silences is not None:
                self.silences.judged(heard)
            if self._clock.now() - self._saved_at >= _SAVED_EVERY:
                await self._commit(draft)
                self._noting = self._noting or list(self.court.minds.seen)
            if self._noting:
                await self._note_seen()
            await self._stranded.tell()

    async def save(self) -> None:
        """Keep all that was judged so far."""
        async with self._turn:
            self._noting = list(self.court.minds.seen)
            while self._noting:
                await self._note_seen()
            await self._commit(Draft(self._taken or 0))

    async def _follow_clock(self) -> None:
        """Where the clock was put back, let all that rules wait for be as far off as before; on disk on return."""
        self._leaping.look()
        step = self._stepping.look()
        if step is None:
            return
        draft = self._stepping.draft(step, self._taken or 0)
        async with self._kept.db.writing() as connection:
            rows = self.court.minds.rows(draft, list(draft.memories), self.court.tenants)
            await self._kept.memories.save(connection, rows)
            await self.court.save_bounds(connection)
            for heed in self.heeds:
                await heed(connection, step)
            await save_position(connection, self.name, draft.sequence)
        touched = list(draft.memories)
        self.court.settle(draft)
        self.court.minds.dirty.clear()
        self.court.saved()
        self.court.bind(touched)
        self._stepping.done(step)
        self._saved, self._saved_at = draft.sequence, step.now

    async def _note_seen(self) -> None:
        """Count some open alerts up by how often their conditions were seen: not one by one, for they are many."""
        some, self._noting = self._noting[:_AT_ONCE], self._noting[_AT_ONCE:]
        try:
            await self._commit_some(Draft(self._taken or 0), some)
        except _PASSING:
            raise
        except Exception:
            log.exception("how often alerts were seen could not be kept")
            self.court.minds.noted(some)

    async def _hear(self, facts: Sequence[WaitingFact]) -> Sequence[WaitingFact]:
        """Judge some facts that stand in no log, and return the others.

        What all rules make of a fact is on disk together with its end: else a crash would have it heard twice.
        """
        draft, heard = await self.court.draft(self._taken or 0), 0
        while heard < len(facts) and len(draft.decisions) < _AT_ONCE:
            self.court.tell(draft, facts[heard : heard + 1])
            heard += 1
        touched = list(draft.memories)
        ended = [fact.id for fact in facts[:heard] if fact.id]
        if draft.acts or ended:
            await self._commit(draft, ended)
        else:
            self.court.settle(draft)
        self.court.bind(touched)
        return facts[heard:]

    async def _settle(self, draft: Draft) -> None:
        """Let a draft hold: at once where nothing is to be done, else once it is on disk."""
        touched = list(draft.memories)
        if draft.acts:
            keys = list(draft.decisions)
            while len(keys) > _AT_ONCE:
                some, keys = keys[:_AT_ONCE], keys[_AT_ONCE:]
                try:
                    await self._commit_some(draft, some)
                except _PASSING:
                    raise
                except Exception:  # noqa: BLE001  it is told of each
                    await self._commit_each(draft, some)
            await self._commit(draft)
        else:
            self.court.settle(draft)
        self.court.bind(touched)

    async def _commit_some(self, draft: Draft, keys: Sequence[Key]) -> None:
        """Keep what some rules do and remember, though others are still to come; a crash repeats only those."""
        plans, minds = await self._decided.plans(draft, keys), self.court.minds
        async with self._kept.db.writing() as connection:
            await self._kept.memories.save(connection, minds.rows(draft, keys, self.court.tenants))
            await self._decided.write(connection, plans)
        minds.settle_some(draft, keys)
        minds.noted(keys)
        self.court.bind(keys)
        self.fired += self._decided.tell(plans)

    async def _commit_each(self, draft: Draft, keys: Sequence[Key]) -> None:
        """Keep what some rules do one after the other; what cannot be done stops nobody else, and is told."""
        for key in keys:
            try:
                await self._commit_some(draft, [key])
            except _PASSING:
                raise
            except Exception as error:
                log.exception("what a rule decided could not be done", rule=key[0], device=key[1])
                [(rule, _), *_] = draft.decisions.pop(key)
                draft.lost[key] = rule, f"Verger failed at it ({type(error).__name__}); it was logged."

    async def _commit(self, draft: Draft, facts: Sequence[str] = ()) -> None:
        """Keep what rules do, all that they remember, and how far the log has been judged."""
        try:
            await self._commit_all(draft, facts)
        except _PASSING:
            raise
        except Exception:
            if not draft.decisions:
                raise
            await self._commit_each(draft, list(draft.decisions))
            await self._commit_all(draft, facts)

    async def _commit_all(self, draft: Draft, facts: Sequence[str]) -> None:
        minds, kept = self.court.minds, self._kept
        draft.paused |= answering(self.court, draft)
        keys = [*dict.fromkeys((*minds.dirty, *draft.memories))]
        acting = list(draft.decisions)
        plans = await self._decided.plans(draft, acting)
        if not keys and not plans and not facts and not draft.acts and draft.sequence == self._saved:
            self._saved_at = self._clock.now()
            return
        async with kept.db.writing() as connection:
            await kept.memories.save(connection, minds.rows(draft, keys, self.court.tenants))
            await self.court.save_bounds(connection)
            await self._decided.write(connection, plans)
            await self._pause(connection, draft)
            await self._decided.end(connection, draft)
            await kept.facts.done(connection, facts)
            await save_position(connection, self.name, draft.sequence)
        self.court.settle(draft)
        minds.noted(acting)
        minds.dirty.clear()
        self.court.saved()
        self._saved, self._saved_at = draft.sequence, self._clock.now()
        for rule in draft.paused:
            self.renewed(self.court.tenants[rule], rule, forget=True)
        self.fired += self._decided.tell(plans)

    async def _pause(self, connection: AsyncConnection, draft: Draft) -> None:
        """Let rules judge no longer that went wild."""
        for rule, why in draft.paused.values():
            await self._pausing.pause(connection, self.court.tenants[rule.rule.id], rule.rule, why, _SEE_TO_IT)

    async def _pause_unfit(self) -> None:
        """Let rules judge no longer that were accepted once, and that this version cannot judge by."""
        for name, (tenant, rule) in list(self.court.book.unfit.items()):
            why = f"This version of Verger cannot judge by it: {rule.objection}"
            async with self._kept.db.writing() as connection:
                await self._pausing.pause(connection, tenant, rule, why, _WRITE_ANEW)
            del self.court.book.unfit[name]


async def _at_once() -> None:
    """Wait for nothing: there is no log to catch up with."""

"""The court: what is heard is brought before the rules that it concerns, one fact after the other."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import SECOND, Clock, microseconds, moment
from verger.domain.devices.registry import Known
from verger.domain.rules.bounds import EVERY, NONE, Bounds, meet, still
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.facts import Fact, Happened, Moved, Quiet, Reading, Reported, Time
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.waiting import WaitingFact
from verger.domain.telemetry.events import EventStore, identity
from verger.domain.telemetry.model import Attributes, Batch, Event, Told
from verger.flows.belonging import Belonging
from verger.flows.minds import Draft, Key, Minds
from verger.flows.moments import Moments
from verger.flows.rulebook import Hearer, Rulebook, kinds

_UNKNOWN, _UNHEARD, _HEARD = 0, 1, 2
_EXPECTED, _LOOK_EVERY = 5 * SECOND, 30 * SECOND  # after a word that one comes, and without one
_AT_ONCE = 200  # facts that are judged before others have their turn
_MOST_FACTS = 100  # that stand in no log, between two looks at the time
_MOST_SUBJECTS = 64  # of one series: beyond, each reading is judged, for to reckon what need not be would cost more


class Court:
    """Knows which rules hear what, and what they remember."""

    def __init__(self, book: Rulebook, kept: RulesKept, events: EventStore, clock: Clock) -> None:
        """Know of no rules yet."""
        self.book, self.minds, self.bounds = book, Minds(), Bounds()
        self._belonging = Belonging(book, self.minds, clock)
        self.tenants = self._belonging.tenants
        self.up_since = self.minds.up_since = clock.now()
        self._kept, self._events, self._clock = kept, events, clock
        self._marks = np.zeros(1024, np.int8)
        self._dirty = np.zeros(1024, np.bool_)
        self._hearers: dict[int, tuple[Hearer, ...]] = {}
        self._heard: dict[str, set[int]] = {}
        self._looked, self._expecting = 0, 0

    async def open(self) -> None:
        """Know the rules, what they remembered when this was last kept, and how often they fired within the hour."""
        await self.book.open()
        rules: dict[str, Compiled] = {}
        for chapter in self.book.chapters.values():
            rules |= chapter.rules
        self.minds.recall(await self._kept.memories.everything(), rules)
        self.bounds.load((await self._kept.memories.judged()).tobytes())
        since = moment(self._clock.now()) - timedelta(hours=1)
        for rule, device, at in await self._kept.runs.counted(since):
            self.minds.fired(rule, device, microseconds(at))
        self._belonging.open()

    async def draft(self, sequence: int) -> Draft:
        """Begin to judge what stands in a record, or is due after it, by the rules as they are now."""
        draft = Draft(sequence)
        changed, moved = await self.book.renew()
        for name in changed:
            self._renew(name)
        for tenant, devices in moved.items():
            if devices is None:
                self._marks[:] = _UNKNOWN
                await self._belonging.everybody(tenant)
            else:
                self._unknown(self._belonging.some(tenant, devices))
        await self._belonging.begin(draft)
        return draft

    def settle(self, draft: Draft) -> None:
        """Let a draft hold: nothing of it will be judged again, but from the log after a crash."""
        self.minds.settle(draft)
        self._belonging.settle(draft)

    def _renew(self, rule: str) -> None:
        """Judge by a rule as it is now."""
        self._unknown(self._heard.pop(rule, ()))
        known = self._belonging.renewed(rule)
        if known is not None:
            self._unknown(self.book.chapters[self.tenants[rule]].series(known))

    def _unknown(self, series: Iterable[int]) -> None:
        """Find out anew who hears some series."""
        for number in series:
            self._reach(number)
            self._marks[number] = _UNKNOWN

    def forget(self, rules: Iterable[str]) -> None:
        """Remember nothing of some rules."""
        self.minds.forget(self.minds.of_rules(rules))

    async def hear(self, draft: Draft, batch: Batch) -> None:
        """Judge all that a record says."""
        moments = Moments()
        if len(batch.series):
            await self._readings(moments, batch)
        later = [told for told in batch.told if not self._joined(moments, told, batch.received_at)]
        await self._judge_all(draft, moments)
        for told in later:
            await self._told(draft, told, batch.received_at)

    async def _readings(self, moments: Moments, batch: Batch) -> None:
        series, now = batch.series, batch.received_at
        if ripe := self.minds.ripen(now):
            self.bind(ripe)  # until they are told the time any reading may change something
        await self._look(series)
        self._dirty[series] = True
        rows = self.bounds.sift(series, batch.at, batch.value)
        columns = series[rows], batch.at[rows], batch.value[rows]
        for number, at, value in zip(*(column.tolist() for column in columns), strict=True):
            known, metric = self.book.registry.owner(number), self.book.registry.metric(number)
            if self.bounds.newer(number, at) and known is not None and metric is not None:
                moments.add(Reading(known.device, metric, value, at, now), self._hearers.get(number, ()))

    def _joined(self, moments: Moments, told: Told, now: int) -> bool:
        """Put attributes that were told with readings to these; tell whether they were."""
        said = told.said
        if not isinstance(said, Attributes) or not moments.knows(told.device, now if said.at is None else said.at):
            return False
        self._reported(moments, told.device, said, now)
        return True

    def _reported(self, moments: Moments, device: str, said: Attributes, now: int) -> None:
        known, at = self.book.registry.known(device), now if said.at is None else said.at
        if known is not None:
            for name, value in said.values.items():
                moments.add(Reported(device, name, value, at, now), self.book.of_device(known, "attribute", name))

    async def _judge_all(self, draft: Draft, moments: Moments) -> None:
        for done, (rule, subject, fact) in enumerate(moments.heard(), 1):
            self.minds.judge(draft, rule, subject, fact, logged=True)
            if done % _AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _told(self, draft: Draft, told: Told, now: int) -> None:
        known, said = self.book.registry.known(told.device), told.said
        if known is None or known.tenant not in self.book.chapters:
            return
        if isinstance(said, Event):
            hearers = self.book.of_device(known, "event", *kinds(said.kind))
            if hearers and not (said.id and await self._events.is_old(told.device, said, moment(now))):
                at = now if said.at is None else said.at
                self._judge(draft, hearers, Happened(told.device, said.kind, identity(said), at, now), logged=True)
        elif isinstance(said, Attributes):
            moments = Moments()
            self._reported(moments, told.device, said, now)
            await self._judge_all(draft, moments)

    async def waiting(self) -> list[WaitingFact]:
        """Return facts that stand in no log and wait to be judged; they are looked for while some may come."""
        now = self._clock.now()
        if self._looked + _LOOK_EVERY > now > self._expecting:
            return []
        self._looked = now
        found = await self._kept.facts.first(_MOST_FACTS)
        if len(found) == _MOST_FACTS:
            self.expect()  # there are more
        return found

    def expect(self) -> None:
        """Know that a fact will wait soon, once a transaction is committed."""
        self._expecting = self._clock.now() + _EXPECTED

    def tell(self, draft: Draft, facts: Iterable[WaitingFact]) -> None:
        """Judge facts that waited; a rule does not hear of what it did itself."""
        for each in facts:
            known = self.book.registry.known(getattr(each.fact, "device", ""))
            if known is not None and known.tenant == each.tenant:
                hearers = self._concerned(known, each.fact)
                others = [one for one in hearers if each.asked_by != f"rule:{one.rule.rule.id}"]
                self._judge(draft, others, each.fact)

    def _concerned(self, known: Known, fact: Fact) -> Sequence[Hearer]:
        if isinstance(fact, Moved):
            return self.book.of_device(known, "command", fact.method)
        if isinstance(fact, Happened):
            return self.book.of_device(known, "event", *kinds(fact.kind))
        return self.book.of_device(known, "silence" if isinstance(fact, Quiet) else "turn", "")

    async def pass_time(self, draft: Draft, keys: Iterable[Key], time: Time) -> None:
        """Judge the time by rules whose timers are due."""
        for done, (name, device) in enumerate(keys, 1):
            if done % _AT_ONCE == 0:
                await asyncio.sleep(0)
            rule = self.book.rule(self.tenants.get(name, ""), name)
            if rule is not None:
                self.minds.judge(draft, rule, device, time)

    def _judge(self, draft: Draft, hearers: Iterable[Hearer], fact: Fact, *, logged: bool = False) -> None:
        for hearer in hearers:
            for subject in hearer.subjects:
                self.minds.judge(draft, hearer.rule, subject, fact, logged=logged)

    async def _look(self, series: NDArray[np.uint32]) -> None:
        """Find out, once until rules or devices are others, who hears some series."""
        self._reach(int(series.max()))
        marks = self._marks[series]
        if marks.all():
            return
        for done, number in enumerate(np.unique(series[marks == _UNKNOWN]).tolist(), 1):
            if done % _AT_ONCE == 0:
                await asyncio.sleep(0)
            hearers = self.book.of_series(number)
            self._marks[number] = _HEARD if hearers else _UNHEARD
            self._hearers.pop(number, None)
            if hearers:
                self._hearers[number] = hearers
                for hearer in hearers:
                    self._heard.setdefault(hearer.rule.rule.id, set()).add(number)
            self.bounds.watch(number, self._band(number))

    def bind(self, keys: Iterable[Key]) -> None:
        """Know anew which values need not be judged, now that rules remember something else."""
        numbers = set()
        for name, subject in keys:
            rule = self.book.rule(self.tenants.get(name, ""), name)
            for device, metric in () if rule is None else rule.hears.metrics:
                known = self.book.registry.known(device or subject or "")
                if known is not None and (number := known.series.get(metric)) in self._hearers:
                    numbers.add(number)
        for number in numbers:
            if number is not None:
                self.bounds.watch(number, self._band(number))

    def _band(self, number: int) -> tuple[float, float]:
        known, metric = self.book.registry.owner(number), self.book.registry.metric(number)
        band = EVERY
        for hearer in self._hearers.get(number, ()) if known is not None and metric is not None else ():
            if len(hearer.subjects) > _MOST_SUBJECTS:
                return NONE
            for subject in hearer.subjects:
                key = (hearer.rule.rule.id, subject)
                memory = self.minds.memories.get(key)
                if memory is None or known is None or metric is None or key in self.minds.ripe:
                    return NONE
                band = meet(band, still(hearer.rule, memory, known.device, metric))
        return band

    def _reach(self, number: int) -> None:
        if number >= len(self._marks):
            more = max(number + 1 - len(self._marks), len(self._marks))
            self._marks = np.concatenate([self._marks, np.zeros(more, np.int8)])
            self._dirty = np.concatenate([self._dirty, np.zeros(more, np.bool_)])

    async def save_bounds(self, connection: AsyncConnection) -> None:
        """Keep when the series that rules hear were judged last."""
        numbers = np.flatnonzero(self._dirty & (self._marks == _HEARD)).tolist()
        if numbers:
            await self._kept.memories.save_judged(connection, np.frombuffer(self.bounds.saved(), np.int64), numbers)

    def saved(self, *, anew: bool = False) -> None:
        """Know that all of it is on disk, or that all has to be written anew."""
        self._dirty[:] = anew

    def whereabouts(self, rule: Compiled, device: str | None) -> tuple[str, str]:
        """Return the place that a rule speaks of, and its name: that of its device, if it speaks of one."""
        known = self.book.registry.known(device or "")
        place = rule.rule.place if known is None else known.place
        found = self.book.chapters[self.tenants[rule.rule.id]].tree.places.get(place)
        return place, found.name if found else ""

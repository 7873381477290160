"""The court: what is heard is brought before the rules that it concerns, one fact after the other."""

from collections.abc import Iterable, Mapping, Sequence
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
from verger.flows.minds import Draft, Key, Minds
from verger.flows.moments import Moments
from verger.flows.rulebook import Hearer, Rulebook, kinds
from verger.flows.standing import stand

_UNKNOWN, _UNHEARD, _HEARD = 0, 1, 2
_EXPECTED, _LOOK_EVERY = 5 * SECOND, 30 * SECOND  # after a word that one comes, and without one
_MOST_FACTS = 100  # that stand in no log, between two looks at the time
_MOST_SUBJECTS = 64  # of one series: beyond, each reading is judged, for to reckon what need not be would cost more


class Court:
    """Knows which rules hear what, and what they remember."""

    def __init__(self, book: Rulebook, kept: RulesKept, events: EventStore, clock: Clock) -> None:
        """Know of no rules yet."""
        self.book, self.minds, self.bounds = book, Minds(), Bounds()
        self.tenants: dict[str, str] = {}  # whose each rule is
        self.up_since = self.minds.up_since = clock.now()
        self._kept, self._events, self._clock = kept, events, clock
        self._marks = np.zeros(1024, np.int8)
        self._dirty = np.zeros(1024, np.bool_)
        self._hearers: dict[int, tuple[Hearer, ...]] = {}
        self._heard: dict[str, set[int]] = {}
        self._fresh: list[Compiled] = []  # rules whose timers are to begin; these and the next until that is kept
        self._anew: set[str] = set()  # of these what is due is reckoned anew: their place may be elsewhere on earth
        self._gone: dict[Key, str] = {}  # of what nothing is remembered any more, and whose it was
        self._looked, self._expecting = 0, 0

    async def open(self) -> None:
        """Know the rules, what they remembered when this was last kept, and how often they fired within the hour."""
        await self.book.open()
        rules: dict[str, Compiled] = {}
        for chapter in self.book.chapters.values():
            rules |= chapter.rules
            self.tenants |= dict.fromkeys(chapter.rules, chapter.tenant)
        self.minds.recall(await self._kept.memories.everything(), rules)
        self.bounds.load((await self._kept.memories.judged()).tobytes())
        since = moment(self._clock.now()) - timedelta(hours=1)
        for rule, device, at in await self._kept.runs.counted(since):
            self.minds.fired(rule, device, microseconds(at))
        self._fresh = list(rules.values())
        self._anew |= rules.keys()

    async def draft(self, sequence: int) -> Draft:
        """Begin to judge what stands in a record, or is due after it, by the rules as they are now."""
        draft = Draft(sequence)
        changed, moved = await self.book.renew()
        for name in changed:
            self._renew(name)
        if moved:
            self._marks[:] = _UNKNOWN
            self._drop_gone(moved)
            self._fresh += [rule for tenant in moved for rule in self.book.chapters[tenant].rules.values()]
        for rule in self._fresh:
            if any(leaf.momentary or leaf.between for leaf in rule.leaves):
                subjects = self.book.chapters[self.tenants[rule.rule.id]].subjects(rule)
                anew = rule.rule.id in self._anew
                self.minds.begin(draft, rule, subjects, self._clock.now(), anew=anew)
            if rule.hears.places:
                stand(self.book, self.minds, draft, rule, self._clock.now())
        draft.fresh = len(self._fresh)
        back = (self.minds.memories, draft.memories)
        draft.gone = {key: whose for key, whose in self._gone.items() if not any(key in each for each in back)}
        return draft

    def settle(self, draft: Draft) -> None:
        """Let a draft hold: nothing of it will be judged again, but from the log after a crash."""
        self.minds.settle(draft)
        self._fresh = self._fresh[draft.fresh :]
        if not self._fresh:
            self._anew.clear()
        for key in draft.gone:
            self._gone.pop(key, None)

    def _renew(self, rule: str) -> None:
        """Judge by a rule as it is now."""
        for number in self._heard.pop(rule, ()):
            self._marks[number] = _UNKNOWN
        chapter = next((each for each in self.book.chapters.values() if rule in each.rules), None)
        if chapter is None:  # it rests or has gone: what it knew ends with it, and so do its timers
            self._let_go(self.minds.of_rules([rule]))
            return
        self.tenants[rule] = chapter.tenant
        known = chapter.rules[rule]
        for number in chapter.series(known):
            self._reach(number)
            self._marks[number] = _UNKNOWN
        self._fresh.append(known)
        self._anew.add(rule)
        self._lose({rule: set(chapter.subjects(known))})

    def _drop_gone(self, moved: Iterable[str]) -> None:
        """Forget what rules know of devices that are theirs no longer, and of themselves where they are gone."""
        stay: dict[str, set[str | None]] = {}
        for tenant in moved:
            chapter = self.book.chapters[tenant]
            mine = {rule for rule, whose in self.tenants.items() if whose == tenant}
            for rule in mine:
                known = chapter.rules.get(rule)
                stay[rule] = set() if known is None else set(chapter.subjects(known))
        self._lose(stay)

    def _lose(self, stay: Mapping[str, set[str | None]]) -> None:
        """Forget what some rules know of all devices but those that stay theirs."""
        gone = [key for key in self.minds.memories if key[0] in stay and key[1] not in stay[key[0]]]
        self._gone = {key: whose for key, whose in self._gone.items() if key[1] not in stay.get(key[0], ())}
        self._let_go(gone)

    def _let_go(self, keys: Sequence[Key]) -> None:
        self._gone |= {key: self.tenants[key[0]] for key in keys if key[0] in self.tenants}
        self.minds.forget(keys)

    def forget(self, rules: Iterable[str]) -> None:
        """Remember nothing of some rules."""
        self.minds.forget(self.minds.of_rules(rules))

    async def hear(self, draft: Draft, batch: Batch) -> None:
        """Judge all that a record says."""
        moments = Moments()
        if len(batch.series):
            self._readings(moments, batch)
        later = [told for told in batch.told if not self._joined(moments, told, batch.received_at)]
        self._judge_all(draft, moments)
        for told in later:
            await self._told(draft, told, batch.received_at)

    def _readings(self, moments: Moments, batch: Batch) -> None:
        series, now = batch.series, batch.received_at
        if ripe := self.minds.ripen(now):
            self.bind(ripe)  # until they are told the time any reading may change something
        self._look(series)
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

    def _judge_all(self, draft: Draft, moments: Moments) -> None:
        for rule, subject, fact in moments.heard():
            self.minds.judge(draft, rule, subject, fact, logged=True)

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
            self._judge_all(draft, moments)

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

    def pass_time(self, draft: Draft, keys: Iterable[Key], time: Time) -> None:
        """Judge the time by rules whose timers are due."""
        for name, device in keys:
            rule = self.book.rule(self.tenants.get(name, ""), name)
            if rule is not None:
                self.minds.judge(draft, rule, device, time)

    def _judge(self, draft: Draft, hearers: Iterable[Hearer], fact: Fact, *, logged: bool = False) -> None:
        for hearer in hearers:
            for subject in hearer.subjects:
                self.minds.judge(draft, hearer.rule, subject, fact, logged=logged)

    def _look(self, series: NDArray[np.uint32]) -> None:
        """Find out, once until rules or devices are others, who hears some series."""
        self._reach(int(series.max()))
        marks = self._marks[series]
        if marks.all():
            return
        for number in np.unique(series[marks == _UNKNOWN]).tolist():
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

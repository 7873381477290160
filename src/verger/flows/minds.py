"""Minds: what every rule remembers, in memory, and what some facts would change of it."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

import msgspec
import structlog

from verger.base.clock import HOUR
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.facts import Fact
from verger.domain.rules.judge import begin, judge
from verger.domain.rules.memories import Remembered
from verger.domain.rules.memory import Decision, Memory
from verger.domain.rules.timers import retimed

Key = tuple[str, str | None]
"""A rule, and the device that it is judged for, or None."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Memory).decode

log = structlog.get_logger()


class Seen(NamedTuple):
    """That the condition of an open alert was seen some times more, at last so."""

    rule: Compiled
    decision: Decision
    times: int

    def later(self, other: "Seen") -> "Seen":
        """Return both as one; `other` came after this."""
        decision = other.decision if other.decision.at >= self.decision.at else self.decision
        return Seen(other.rule, decision, self.times + other.times)


@dataclass
class Draft:
    """What some facts would change: nothing of it holds until it is on disk, or may be judged again from the log.

    `sequence` is the record of the log up to which all has been judged then.
    """

    sequence: int
    memories: dict[Key, Memory] = field(default_factory=dict)
    decisions: dict[Key, list[tuple[Compiled, Decision]]] = field(default_factory=dict)
    paused: dict[str, tuple[Compiled, str]] = field(default_factory=dict)  # rules, and why they judge no longer
    begun: bool = False  # whether timers began to run
    fresh: int = 0  # rules whose timers it lets begin
    seen: dict[Key, Seen] = field(default_factory=dict)  # conditions of open alerts, before anything of `decisions`
    lost: dict[Key, tuple[Compiled, str]] = field(default_factory=dict)  # what could not be done, and why
    gone: dict[Key, str] = field(default_factory=dict)  # of what nothing is remembered any more, and whose it was

    @property
    def acts(self) -> bool:
        """Tell whether anything is to be done, or kept at once."""
        return bool(self.decisions or self.paused or self.gone or self.begun)


class Minds:
    """What rules remember, which timers of theirs run, and how often they fired within the hour."""

    def __init__(self) -> None:
        """Remember nothing."""
        self.memories: dict[Key, Memory] = {}
        self.dirty: set[Key] = set()
        self.seen: dict[Key, Seen] = {}  # what is not kept yet; a crash may lose it
        self._after: dict[Key, int] = {}  # the record up to which a rule has judged, where others have not come as far
        self._due: dict[Key, int] = {}
        self._timers: list[tuple[int, str, str]] = []
        self.ripe: dict[Key, int] = {}  # timers that have fallen due by what was heard, and wait to be told the time
        self.up_since = 0
        self._fired: dict[Key, deque[int]] = {}
        self._of: dict[str, set[str | None]] = {}  # of which devices each rule remembers anything

    def recall(self, kept: Iterable[Remembered], rules: Mapping[str, Compiled]) -> None:
        """Remember what was kept of rules that judge; what does not fit them any more begins anew."""
        for each in kept:
            rule = rules.get(each.rule)
            try:
                memory = _decode(each.state)
            except msgspec.MsgspecError:
                log.warning("what a rule remembered could not be read", rule=each.rule, device=each.subject)
                continue
            if rule is not None and len(memory.leaves) == len(rule.leaves):
                key = (each.rule, each.subject or None)
                self._know(key, memory)
                self._after[key] = each.sequence

    def fired(self, rule: str, device: str | None, at: int) -> None:
        """Know that a rule has fired."""
        self._fired.setdefault((rule, device), deque()).append(at)

    def fired_since(self, rule: str, since: int) -> dict[str | None, int]:
        """Return how often a rule fired since a time, by device; those for which it did not are left out."""
        mine = ((device, times) for (name, device), times in self._fired.items() if name == rule)
        counts = {device: sum(at > since for at in times) for device, times in mine}
        return {device: count for device, count in counts.items() if count}

    def stepped(self, back: int) -> None:
        """Know that rules fired so much earlier, by a clock that was put back."""
        self._fired = {key: deque(at - back for at in times) for key, times in self._fired.items()}

    def memory(self, rule: Compiled, device: str | None, now: int, draft: Draft | None = None) -> Memory:
        """Return what a rule remembers of a device, or of none."""
        key = (rule.rule.id, device)
        drafted = None if draft is None else draft.memories.get(key)
        return drafted or self.memories.get(key) or begin(rule, device, now)

    def begin(
        self, draft: Draft, rule: Compiled, subjects: Iterable[str | None], now: int, *, anew: bool = False
    ) -> None:
        """Let the timers of a rule run that run before anything was heard; `anew` reckons those that run already."""
        for device in subjects:
            key = (rule.rule.id, device)
            before = self.memories.get(key)
            if before is None:
                memory = begin(rule, device, now)
            elif anew:
                memory = retimed(rule, before, now)
            else:
                continue
            if memory != before and memory.wake_at is not None:
                draft.memories[key] = memory
                draft.begun = True

    def judge(self, draft: Draft, rule: Compiled, device: str | None, fact: Fact, *, logged: bool = False) -> None:
        """Judge a fact, `logged` where it stands in the log; a rule that cannot is paused and says why."""
        key = (rule.rule.id, device)
        if rule.rule.id in draft.paused or (logged and self._after.get(key, 0) >= draft.sequence):
            return
        try:
            after, decisions = judge(rule, self.memory(rule, device, fact.now, draft), fact, self.up_since)
        except Exception as error:
            log.exception("a rule could not judge", rule=rule.rule.id)
            self._pause(draft, rule, f"Verger could not judge by this rule ({type(error).__name__}); it was logged.")
            return
        draft.memories[key] = after
        for decision in decisions:
            self._decide(draft, rule, key, decision)

    def _decide(self, draft: Draft, rule: Compiled, key: Key, decision: Decision) -> None:
        most = rule.rule.most_per_hour
        if decision.kind == "fire" and self._often(draft, key, decision.at) >= most:
            times = f"{most} times" if most > 1 else "once"
            self._pause(draft, rule, f"It fired {times} within an hour and would have done so again.")
            return
        if decision.kind == "again" and not decision.opens and key not in draft.decisions:
            _note(draft.seen, key, Seen(rule, decision, 1))
            return
        draft.decisions.setdefault(key, []).append((rule, decision))

    def _often(self, draft: Draft, key: Key, at: int) -> int:
        """Return how often a rule fired within the hour before a time."""
        drafted = (each.at for _, each in draft.decisions.get(key, ()) if each.kind == "fire")
        return sum(1 for when in (*self._fired.get(key, ()), *drafted) if at - HOUR < when)

    def _pause(self, draft: Draft, rule: Compiled, why: str) -> None:
        draft.paused[rule.rule.id] = (rule, why)

    def waits(self, now: int) -> bool:
        """Tell whether a timer is due."""
        return bool(self.ripe) or (bool(self._timers) and self._timers[0][0] <= now)

    def ripen(self, now: int) -> list[Key]:
        """Return whose timers have fallen due since this was asked last; all of them are still given by `due`."""
        found = []
        while self._timers and self._timers[0][0] <= now:
            at, rule, device = heappop(self._timers)
            key = (rule, device or None)
            if self._due.get(key) == at:
                self.ripe[key] = at
                found.append(key)
        return found

    def due(self, now: int) -> Iterator[Key]:
        """Give whose timers are due, the first first; each is wound up again by `settle` or `rewind`."""
        for (rule, device), at in self.ripe.items():
            heappush(self._timers, (at, rule, device or ""))
        self.ripe.clear()
        while self._timers and self._timers[0][0] <= now:
            at, rule, device = heappop(self._timers)
            key = (rule, device or None)
            if self._due.get(key) == at:
                del self._due[key]
                yield key

    def rewind(self, keys: Iterable[Key]) -> None:
        """Let timers run that were due and could not be judged."""
        for key in keys:
            if (memory := self.memories.get(key)) is not None:
                self._know(key, memory)

    def settle(self, draft: Draft) -> None:
        """Let a draft hold; it is written with the next commit."""
        for key in list(draft.memories):
            self._take(draft, key)
            self.dirty.add(key)
        if self._after:
            self._after = {key: upto for key, upto in self._after.items() if upto > draft.sequence}

    def settle_some(self, draft: Draft, keys: Iterable[Key]) -> None:
        """Let what a draft says of some keys hold, which is on disk though all of the record is not."""
        for key in keys:
            self._take(draft, key)
            self._after[key] = draft.sequence
            self.dirty.discard(key)

    def seen_of(self, draft: Draft, key: Key) -> Seen | None:
        """Return what was seen of an open alert and is not kept, a draft included."""
        before, drafted = self.seen.get(key), draft.seen.get(key)
        return before.later(drafted) if before and drafted else before or drafted

    def noted(self, keys: Iterable[Key]) -> None:
        """Know that all that was seen of some is kept."""
        for key in keys:
            self.seen.pop(key, None)

    def _take(self, draft: Draft, key: Key) -> None:
        memory = draft.memories.pop(key, None)
        if memory is not None:
            self._know(key, memory)
        if (seen := draft.seen.pop(key, None)) is not None:
            _note(self.seen, key, seen)
        for rule, decision in draft.decisions.pop(key, ()):
            if decision.kind == "fire":
                self._count(rule, key, decision.at)

    def _count(self, rule: Compiled, key: Key, at: int) -> None:
        self.fired(*key, at)
        fired = self._fired[key]
        while fired and (fired[0] <= at - HOUR or len(fired) > rule.rule.most_per_hour):
            fired.popleft()

    def silent_since(self, rule: Compiled, subject: str | None, named: str | None, seconds: float) -> int | None:
        """Return since when a rule takes a device, named or not, to have been silent for so long; None when not."""
        memory = self.memories.get((rule.rule.id, subject if rule.of_each else None))
        for condition, leaf in () if memory is None else zip(rule.leaves, memory.leaves, strict=True):
            if (condition.silent_for_s, condition.device) == (seconds, named):
                return leaf.since if leaf.holds else None
        return None

    def rows(self, draft: Draft, keys: Iterable[Key], tenants: Mapping[str, str]) -> list[Remembered]:
        """Return as rows what is to be remembered of some keys; `tenants` tells whose each rule is."""
        found = []
        for key in keys:
            memory = draft.memories.get(key) or self.memories.get(key)
            if memory is not None and key[0] in tenants:
                upto = max(draft.sequence, self._after.get(key, 0))
                row = (tenants[key[0]], key[0], key[1] or "", upto, memory.wake_at, _encode(memory))
                found.append(Remembered(*row))
        return found

    def forget(self, keys: Iterable[Key]) -> None:
        """Remember nothing of some rules and devices."""
        for key in keys:
            self.memories.pop(key, None)
            self._of.get(key[0], set()).discard(key[1])
            self._due.pop(key, None)
            self.ripe.pop(key, None)
            self._fired.pop(key, None)
            self._after.pop(key, None)
            self.seen.pop(key, None)
            self.dirty.discard(key)

    def of_rules(self, rules: Iterable[str]) -> list[Key]:
        """Return what some rules remember anything of."""
        wanted = set(rules)
        found = dict.fromkeys((rule, device) for rule in wanted for device in self._of.get(rule, ()))
        return [*(found | dict.fromkeys(key for key in self._fired if key[0] in wanted))]

    def subjects(self, rule: str) -> AbstractSet[str | None]:
        """Return of which devices a rule remembers anything; None among them where it is judged for none."""
        return self._of.get(rule, frozenset())

    def _know(self, key: Key, memory: Memory) -> None:
        self.memories[key] = memory
        self._of.setdefault(key[0], set()).add(key[1])
        at = memory.wake_at
        if self.ripe and self.ripe.get(key) != at:
            self.ripe.pop(key, None)
        if at is None:
            self._due.pop(key, None)
        elif self._due.get(key) != at:
            self._due[key] = at
            heappush(self._timers, (at, key[0], key[1] or ""))


def _note(seen: dict[Key, Seen], key: Key, more: Seen) -> None:
    before = seen.get(key)
    seen[key] = more if before is None else before.later(more)

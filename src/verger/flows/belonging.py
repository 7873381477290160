"""Belonging: which devices are a rule's as they come, go and move; what it begins to wait for, and what it forgets."""

import asyncio
from collections.abc import Iterator, Sequence

from verger.base.clock import Clock
from verger.domain.rules.compiled import Compiled
from verger.flows.minds import Draft, Key, Minds
from verger.flows.rulebook import Rulebook
from verger.flows.standing import stand

_AT_ONCE = 200  # devices of a rule before others have their turn

Subjects = Sequence[str | None]
"""What a rule is judged for: devices, or None alone."""


class Belonging:
    """Knows which rules are to begin for whom, and what was forgotten and is to be so on disk."""

    def __init__(self, book: Rulebook, minds: Minds, clock: Clock) -> None:
        """Know of no rules yet."""
        self.tenants: dict[str, str] = {}  # whose each rule is
        self._book, self._minds, self._clock = book, minds, clock
        self._fresh: list[tuple[Compiled, Subjects | None]] = []  # these and the next until that is kept; None: all
        self._anew: set[str] = set()  # of these what is due is reckoned anew: their place may be elsewhere on earth
        self._gone: dict[Key, str] = {}  # of what nothing is remembered any more, and whose it was

    def open(self) -> None:
        """Let every rule begin that the book has."""
        for chapter in self._book.chapters.values():
            self.tenants |= dict.fromkeys(chapter.rules, chapter.tenant)
            self._fresh += [(rule, None) for rule in chapter.rules.values()]
            self._anew |= chapter.rules.keys()

    def renewed(self, rule: str) -> Compiled | None:
        """Begin with a rule as it is now, and return it; None where it judges no longer."""
        chapter = next((each for each in self._book.chapters.values() if rule in each.rules), None)
        if chapter is None:  # it rests or has gone: what it knew ends with it, and so do its timers
            self._let_go(self._minds.of_rules([rule]))
            return None
        self.tenants[rule] = chapter.tenant
        known = chapter.rules[rule]
        self._fresh.append((known, None))
        self._anew.add(rule)
        self._lose(rule, chapter.subjects(known))
        return known

    async def everybody(self, tenant: str) -> None:
        """See anew whose each device of a tenant is: its places came, went or moved."""
        chapter = self._book.chapters[tenant]
        for rule in [rule for rule, whose in self.tenants.items() if whose == tenant]:
            known = chapter.rules.get(rule)
            self._lose(rule, () if known is None else chapter.subjects(known))
            if known is not None:
                self._fresh.append((known, None))
            await asyncio.sleep(0)

    def some(self, tenant: str, devices: frozenset[str]) -> Iterator[int]:
        """See anew whose some devices of a tenant are; give the number of each series that others may hear now."""
        chapter, registry = self._book.chapters[tenant], self._book.registry
        for device in devices:
            known = registry.known(device)
            yield from () if known is None else known.series.values()
        for name, rule in chapter.rules.items():
            if rule.of_each:
                mine = [device for device in devices if chapter.judges(rule, device)]
                self._let_go([(name, device) for device in self._minds.subjects(name) & devices.difference(mine)])
                for device in mine:
                    self._gone.pop((name, device), None)
                if mine:
                    self._fresh.append((rule, mine))
                yield from chapter.named(rule)
            if any(named in devices for named, _ in rule.hears.places):
                self._fresh.append((rule, None))

    async def begin(self, draft: Draft) -> None:
        """Let the timers run that run before anything was heard, and judge how the places of devices stand."""
        fresh = list(self._fresh)
        for rule, subjects in fresh:
            every = subjects
            if every is None:
                every = self._book.chapters[self.tenants[rule.rule.id]].subjects(rule)
            if any(leaf.momentary or leaf.between for leaf in rule.leaves):
                anew = rule.rule.id in self._anew
                for start in range(0, len(every), _AT_ONCE):
                    some = every[start : start + _AT_ONCE]
                    self._minds.begin(draft, rule, some, self._clock.now(), anew=anew)
                    await asyncio.sleep(0)
            if rule.hears.places:
                await stand(self._book, self._minds, draft, rule, every, self._clock.now())
        draft.fresh = len(fresh)
        back = (self._minds.memories, draft.memories)
        draft.gone = {key: whose for key, whose in self._gone.items() if not any(key in each for each in back)}

    def settle(self, draft: Draft) -> None:
        """Know that what a draft began and forgot is kept, or will be judged again from the log."""
        self._fresh = self._fresh[draft.fresh :]
        if not self._fresh:
            self._anew.clear()
        for key in draft.gone:
            self._gone.pop(key, None)

    def _lose(self, rule: str, stay: Subjects) -> None:
        """Forget what a rule knows of all devices but those that stay its own."""
        mine = frozenset(stay)
        self._gone = {key: whose for key, whose in self._gone.items() if key[0] != rule or key[1] not in mine}
        self._let_go([(rule, device) for device in self._minds.subjects(rule) - mine])

    def _let_go(self, keys: Sequence[Key]) -> None:
        self._gone |= {key: self.tenants[key[0]] for key in keys if key[0] in self.tenants}
        self._minds.forget(keys)

"""Silences: what rules have to hear of devices that say nothing, from who listens to them."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from verger.base.clock import SECOND, Clock
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.facts import Quiet, Turned
from verger.domain.rules.waiting import WaitingFact
from verger.flows.court import Court
from verger.flows.presence import Quiet as Heard

_EVERY = SECOND
_AT_ONCE = 2000  # silences


class Silences:
    """Turns what is known of silence into facts; after a restart they are told again, which changes nothing."""

    def __init__(self, court: Court, silence_of: Callable[[str], Heard], clock: Clock) -> None:
        """Ask `silence_of` for how long a device has said nothing."""
        self._court, self._book, self._silence_of, self._clock = court, court.book, silence_of, clock
        self._turned: deque[WaitingFact] = deque()
        self._looked = 0
        self._round: Iterator[tuple[str, Compiled, str | None, str | None, float]] | None = None

    def begin(self) -> None:
        """Tell again who is silent, and who no longer is: it may not have been judged before the program ended."""
        waited_for, now = self._waited_for(), self._clock.now()
        for chapter in self._book.chapters.values():
            if any(rule.hears.turns for rule in chapter.rules.values()):
                for known in self._book.registry.everyone():
                    if known.tenant == chapter.tenant:
                        silent = self._silence_of(known.device).silent_since is not None
                        if silent or known.device in waited_for:
                            self.turned(known.device, silent=silent, at=now)

    def _waited_for(self) -> set[str]:
        """Return the devices that some rule waits for since they fell silent."""
        found = set()
        for (name, subject), memory in self._court.minds.memories.items():
            if any(leaf.stale for leaf in memory.leaves):
                rule = self._book.rule(self._court.tenants.get(name, ""), name)
                leaves = () if rule is None else zip(rule.leaves, memory.leaves, strict=True)
                found |= {condition.device or subject or "" for condition, leaf in leaves if leaf.stale}
        return found

    def turned(self, device: str, silent: bool, at: int) -> None:  # noqa: FBT001  as presence tells it
        """Hear that a device fell silent or speaks again."""
        known = self._book.registry.known(device)
        if known is not None and self._book.of_device(known, "turn", ""):
            self._turned.append(WaitingFact("", known.tenant, "", Turned(device, silent, at)))

    def facts(self) -> list[WaitingFact]:
        """Return what is to be judged now; `judged` lets it go."""
        return [*self._turned, *self._quiet()]

    def judged(self, facts: list[WaitingFact]) -> None:
        """Know that some facts were judged."""
        for each in facts:
            if isinstance(each.fact, Turned):
                self._turned.popleft()

    def _quiet(self) -> list[WaitingFact]:
        """Return who has been silent for as long as a rule waits for, and who has spoken after that.

        All are looked at once a second, where that many can be without keeping others waiting.
        """
        now = self._clock.now()
        if self._round is None:
            if 0 <= now - self._looked < _EVERY:
                return []
            self._looked, self._round = now, self._waiting()
        some = list(islice(self._round, _AT_ONCE))
        if len(some) < _AT_ONCE:
            self._round = None
        found: dict[str, WaitingFact] = {}
        for tenant, rule, subject, named, seconds in some:
            device = named or subject or ""
            heard = self._silence_of(device)
            if heard.for_s is not None and self._is_news(rule, subject, named, seconds, heard):
                found[device] = WaitingFact("", tenant, "", Quiet(device, heard.for_s, now))
        return list(found.values())

    def _waiting(self) -> Iterator[tuple[str, Compiled, str | None, str | None, float]]:
        """Give each silence that a rule waits for: whose the rule is, what it is judged for, of which device, seconds.

        Rules and devices may come and go meanwhile.
        """
        for chapter in list(self._book.chapters.values()):
            for rule in list(chapter.rules.values()):
                for named, seconds in rule.hears.silences:
                    for subject in chapter.subjects(rule):
                        yield chapter.tenant, rule, subject, named, seconds

    def _is_news(self, rule: Compiled, subject: str | None, named: str | None, seconds: float, heard: Heard) -> bool:
        """Tell whether a rule takes a device for silent that is not, or the other way round.

        After a crash Verger may know of a little less silence than before: only who was heard since has spoken.
        """
        since = self._court.minds.silent_since(rule, subject, named, seconds)
        if (heard.for_s or 0) >= seconds:
            return since is None
        return since is not None and (heard.last_seen or 0) > since

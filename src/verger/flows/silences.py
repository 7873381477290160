"""Silences: what rules have to hear of devices that say nothing, from who listens to them."""

from collections import deque
from collections.abc import Callable

from verger.base.clock import SECOND, Clock
from verger.domain.rules.facts import Quiet, Turned
from verger.domain.rules.waiting import WaitingFact
from verger.flows.presence import Quiet as Heard
from verger.flows.rulebook import Rulebook

_EVERY = SECOND


class Silences:
    """Turns what is known of silence into facts; after a restart they are told again, which changes nothing."""

    def __init__(self, book: Rulebook, silence_of: Callable[[str], Heard], clock: Clock) -> None:
        """Ask `silence_of` for how long a device has said nothing."""
        self._book, self._silence_of, self._clock = book, silence_of, clock
        self._turned: deque[WaitingFact] = deque()
        self._told: dict[tuple[str, str, float], bool] = {}  # by rule, device and length: whether it is that silent
        self._looked = 0

    def begin(self) -> None:
        """Tell again who is silent: it may not have been judged before the program ended."""
        for chapter in self._book.chapters.values():
            if any(rule.hears.turns for rule in chapter.rules.values()):
                for known in self._book.registry.everyone():
                    if known.tenant == chapter.tenant and self._silence_of(known.device).silent_since is not None:
                        self.turned(known.device, silent=True, at=self._clock.now())

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
            match each.fact:
                case Turned():
                    self._turned.popleft()
                case Quiet(device=device, seconds=seconds):
                    for key in self._told:
                        if key[1] == device:
                            self._told[key] = seconds >= key[2]

    def _quiet(self) -> list[WaitingFact]:
        """Return who has been silent for as long as a rule waits for, and who has spoken after that; once a second."""
        now = self._clock.now()
        if 0 <= now - self._looked < _EVERY:
            return []
        self._looked = now
        found: dict[str, WaitingFact] = {}
        for chapter in self._book.chapters.values():
            for rule in chapter.rules.values():
                for named, seconds in rule.hears.silences:
                    for device in (named,) if named is not None else chapter.subjects(rule):
                        if device is not None and (for_s := self._silence_of(device).for_s) is not None:
                            silent = for_s >= seconds
                            if self._told.setdefault((rule.rule.id, device, seconds), False) is not silent:
                                found[device] = WaitingFact("", chapter.tenant, "", Quiet(device, for_s, now))
        return list(found.values())

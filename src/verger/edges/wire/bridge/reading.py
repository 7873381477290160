"""What a bridge's messages mean: which rule reads a topic, whose it is, and what was said."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from verger.domain.bridges.model import TopicRule
from verger.domain.telemetry.model import Answer, Garbled, Heard
from verger.edges.wire.dialects import native
from verger.flows.bridging import Standing

_PARTS: Mapping[str, Callable[[str, bytes], Heard]] = {
    "telemetry": native.telemetry,
    "attributes": native.attributes,
    "events": native.events,
}


class Acquainted(Protocol):
    """Who knows a tenant's devices."""

    def find(self, name: str) -> str | None:
        """Return the device of an id, or of a name that one device has."""
        ...

    async def look(self) -> None:
        """Learn the names that hold now."""
        ...


class Reader:
    """Reads messages by rules, and counts into a standing what became of them."""

    def __init__(self, rules: Sequence[TopicRule], acquainted: Acquainted, standing: Standing) -> None:
        """Read what is meant for devices that somebody is acquainted with."""
        self._rules, self._acquainted, self._standing = rules, acquainted, standing

    async def meet(self, topic: str) -> None:
        """Look who is named, should it be somebody new."""
        if any((found := rule.match(topic)) and self._acquainted.find(found[0]) is None for rule in self._rules):
            await self._acquainted.look()

    def read(self, topic: str, body: bytes) -> Heard | None:
        """Return what is to be kept, None for what makes no sense here, which is counted."""
        for rule in self._rules:
            if (found := rule.match(topic)) is None:
                continue
            named, rest = found
            device = self._acquainted.find(named)
            if device is None:
                return self._refuse(f"{topic[:200]}: there is no one device “{named[:80]}” here; add it, or rename it.")
            try:
                meaning = _PARTS[rule.says](device, body) if rule.says in _PARTS else native.read(device, rest, body)
            except Garbled as garbled:
                return self._refuse(f"{topic[:200]}: {garbled}")
            if not isinstance(meaning, Heard):
                return self._refuse(f"{topic[:200]}: questions are not answered over a bridge.")
            return meaning
        return self._refuse(f"{topic[:200]}: no rule reads this topic.")

    def count(self, answer: Answer) -> None:
        """Count what became of a message that was read."""
        if answer.kept:
            self._standing.messages += 1
        else:
            refused = answer.later or " ".join(fault.message for fault in answer.refused)
            self._refuse(refused or "Nothing of it was kept.")

    def _refuse(self, why: str) -> Heard | None:
        self._standing.refused += 1
        self._standing.last_refused = why
        return None

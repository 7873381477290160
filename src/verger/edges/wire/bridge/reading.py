"""What a bridge's messages mean: which rule reads a topic, whose it is, and what was said."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from verger.base.work import attempt
from verger.domain.bridges.model import Found, TopicRule
from verger.domain.bridges.ways import Way
from verger.domain.telemetry.model import Answer, Garbled, Heard
from verger.edges.wire.bridge.abroad import Abroad
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


Keeps = Callable[[Mapping[str, Way]], Awaitable[None]]
"""Keeps the ways of devices."""


class Reader:
    """Reads messages by rules, and counts into a standing what became of them."""

    def __init__(
        self, rules: Sequence[TopicRule], acquainted: Acquainted, standing: Standing, abroad: Abroad, keep: Keeps
    ) -> None:
        """Read what is meant for devices that somebody is acquainted with, or that are of a family."""
        self._rules, self._acquainted, self._standing, self._abroad = rules, acquainted, standing, abroad
        self._keep = keep

    async def meet(self, topic: str) -> None:
        """Look who is named, should it be somebody new."""
        named = (rule.match(topic) for rule in self._rules if not rule.of_family)
        if any(found and self._acquainted.find(found.device) is None for found in named):
            await self._acquainted.look()

    async def hear(self, topic: str, body: bytes) -> Heard | None:
        """Return what is to be kept, None for what is done with; what makes no sense is counted. Raise Busy."""
        for rule in self._rules:
            found = rule.match(topic)
            if found is None or (rule.of_family and not self._abroad.hears(rule, found.rest)):
                continue
            message = (rule, found, topic, body)
            try:
                heard = await self._of_family(*message) if rule.of_family else self._named(*message)
            except Garbled as garbled:
                return self._refuse(f"{topic[:200]}: {garbled}")
            return heard
        return self._refuse(f"{topic[:200]}: no rule reads this topic.")

    async def _of_family(self, rule: TopicRule, found: Found, topic: str, body: bytes) -> Heard | None:
        """Return what a device of a family said, if it is known; else see what becomes of it."""
        heard = await self._abroad.hear(rule, found, body)
        if isinstance(heard, Answer):
            self.count(heard, f"{topic[:200]}: ")
            return None
        return heard

    def _named(self, rule: TopicRule, found: Found, topic: str, body: bytes) -> Heard | None:
        """Return what a device said that its topic, or the rule, names; raise Garbled."""
        device = self._acquainted.find(found.device)
        if device is None:
            there = f"there is no one device “{found.device[:80]}” here; add it, or rename it."
            return self._refuse(f"{topic[:200]}: {there}")
        if self._abroad.ours(topic, body):
            return None
        try:
            part = _PARTS.get(rule.says)
            meaning = native.read(device, found.rest, body) if part is None else part(device, body)
        except Garbled as garbled:
            self._abroad.remark(device, str(garbled))
            raise
        if not isinstance(meaning, Heard):
            return self._refuse(f"{topic[:200]}: questions are not answered over a bridge.")
        if part is None:
            self._abroad.note(device, Way(native.NAME, found.prefix, _form(found.rest)))
        return meaning

    def count(self, answer: Answer, where: str = "") -> None:
        """Count what became of a message that was read."""
        if answer.kept:
            self._standing.messages += 1
        else:
            refused = answer.later or " ".join(fault.message for fault in answer.refused)
            self._refuse(f"{where}{refused or 'Nothing of it was kept.'}")

    async def save(self) -> None:
        """Keep the ways on which devices were heard since the last time."""
        if fresh := dict(self._abroad.fresh):
            await attempt(partial(self._keep, fresh))
            for device, way in fresh.items():
                if self._abroad.fresh.get(device) is way:
                    del self._abroad.fresh[device]

    def _refuse(self, why: str) -> Heard | None:
        self._standing.refused += 1
        self._standing.last_refused = why
        return None


def _form(topic: str) -> str:
    """Return the form in which a device that speaks at a native topic is told something."""
    if not topic.startswith("v2/"):
        return ""
    return "v2/j" if "/j" in topic else "v2"

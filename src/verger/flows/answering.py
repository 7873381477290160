"""Answering: rules that move the same devices in turn, so that each answers what the other did, are paused together."""

from verger.base.clock import HOUR
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.model import Rule
from verger.flows.court import Court
from verger.flows.minds import Draft

_TWICE = 2  # once is no answer


def answering(court: Court, draft: Draft) -> dict[str, tuple[Compiled, str]]:
    """Return which other rules are to be paused with those of a draft that fire too often, and why.

    Those moved one of the same devices as often within the hour, but for once. Were only one of them paused, the device
    would be left as the other one wants it, and nobody would be told of that one.
    """
    found: dict[str, tuple[Compiled, str]] = {}
    since = max((memory.heard for memory in draft.memories.values()), default=0) - HOUR
    for rule, _ in draft.paused.values():
        often = rule.rule.most_per_hour
        counts = court.minds.fired_since(rule.rule.id, since)
        moved = {each for device, count in counts.items() if count >= often for each in _moves(rule.rule, device)}
        chapter = court.book.chapters[court.tenants[rule.rule.id]]
        for other in chapter.rules.values() if moved else ():
            if other.rule.acts and other.rule.id not in draft.paused:
                turns = court.minds.fired_since(other.rule.id, since)
                alike = [device for device, count in turns.items() if count >= max(often - 1, _TWICE)]
                if any(moved & _moves(other.rule, device) for device in alike):
                    why = f"It moved a device in turn with the rule {rule.rule.name}, {often} times within an hour."
                    found[other.rule.id] = other, why
    return found


def _moves(rule: Rule, device: str | None) -> set[str]:
    """Return the devices that a rule moves when it fires for one."""
    named = (word.device or device for action in rule.then for word in (action.command, action.set) if word is not None)
    return {each for each in named if each is not None}

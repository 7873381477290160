"""Decisions: why a rule decided, and what it asks for with the values that made it so."""

from typing import Literal

from msgspec import structs

from verger.base.clock import moment
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.memory import Because, Decision, Memory
from verger.domain.rules.rendering import Words, rendered
from verger.domain.rules.saying import reason
from verger.domain.rules.truth import Truth


def fired(rule: Compiled, memory: Memory, truth: Truth, seen: int | None) -> Decision:
    """Return a run of a rule."""
    return _decided("fire", rule, memory, truth, seen)


def again(rule: Compiled, memory: Memory, truth: Truth, seen: int | None) -> Decision:
    """Return that the condition of an alert was seen once more."""
    return structs.replace(_decided("again", rule, memory, truth, seen), opens=not memory.alerted)


def cleared(rule: Compiled, memory: Memory, truth: Truth, seen: int | None) -> Decision:
    """Return that an alert is over, by the value of the condition that saw it, if one did."""
    value = None if seen is None else truth.leaves[seen].value
    return Decision(kind="clear", rule=rule.rule.id, device=memory.device, at=truth.at, value=value)


def _decided(
    kind: Literal["fire", "again"], rule: Compiled, memory: Memory, truth: Truth, seen: int | None
) -> Decision:
    """Return by what a rule's condition holds, the value that speaks for it, and what follows with the values in it."""
    reasons = list(truth.reasons(rule.when))
    because = tuple(_because(rule, memory, truth, at, wanted=wanted) for at, wanted in reasons)
    values = {at: each for (at, _), each in zip(reasons, because, strict=True) if each.value is not None}
    first = next(iter(values.values()), None)
    chief = values.get(seen, first) if seen is not None else first
    words: Words = {"rule": rule.rule.name} | {each.metric or "": each.value for each in reversed(values.values())}
    if chief is not None:
        words["value"] = chief.value
    return Decision(
        kind=kind,
        rule=rule.rule.id,
        device=memory.device,
        at=truth.at,
        value=chief.value if chief else None,
        because=because,
        reasons=tuple((rule.leaves[at], wanted) for at, wanted in reasons),
        about=(chief.metric, chief.device) if chief and chief.metric else None,
        then=tuple(
            rendered(action, memory.device, words) for action in rule.rule.then if kind == "fire" or action.alert
        ),
    )


def _because(rule: Compiled, memory: Memory, truth: Truth, at: int, *, wanted: bool) -> Because:
    condition, leaf = rule.leaves[at], truth.leaves[at]
    device = condition.device or (memory.device if condition.of_device else None)
    return Because(
        says=reason(condition, device, wanted=wanted),
        device=device,
        metric=condition.metric,
        value=leaf.value,
        at=moment(truth.at if condition.momentary or condition.between else leaf.at),
    )

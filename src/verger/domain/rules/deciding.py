"""Decisions: why a rule decided, and what it asks for with the values that made it so."""

from verger.base.clock import moment
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.memory import Because, Decision, Memory
from verger.domain.rules.rendering import Words, rendered
from verger.domain.rules.saying import says
from verger.domain.rules.truth import Truth


def fired(rule: Compiled, memory: Memory, truth: Truth, seen: int | None) -> Decision:
    """Return a run of a rule."""
    because, value, words = _why(rule, memory, truth, seen)
    return Decision(
        kind="fire",
        rule=rule.rule.id,
        device=memory.device,
        at=truth.at,
        value=value,
        because=because,
        then=tuple(rendered(action, memory.device, words) for action in rule.rule.then),
    )


def again(rule: Compiled, memory: Memory, truth: Truth, seen: int | None) -> Decision:
    """Return that the condition of an open alert was seen once more."""
    because, value, words = _why(rule, memory, truth, seen)
    return Decision(
        kind="again",
        rule=rule.rule.id,
        device=memory.device,
        at=truth.at,
        value=value,
        because=because,
        then=tuple(rendered(action, memory.device, words) for action in rule.rule.then if action.alert),
    )


def cleared(rule: Compiled, memory: Memory, truth: Truth, seen: int | None) -> Decision:
    """Return that an alert is over, by the value of the condition that saw it, if one did."""
    value = None if seen is None else truth.leaves[seen].value
    return Decision(kind="clear", rule=rule.rule.id, device=memory.device, at=truth.at, value=value)


def _why(
    rule: Compiled, memory: Memory, truth: Truth, seen: int | None
) -> tuple[tuple[Because, ...], float | None, Words]:
    """Return by what a rule's condition holds, the value that speaks for it, and what messages may name."""
    reasons = list(truth.reasons(rule.when))
    because = tuple(_because(rule, memory, truth, at, wanted=wanted) for at, wanted in reasons)
    values = {at: each for (at, _), each in zip(reasons, because, strict=True) if each.value is not None}
    chief = (
        values.get(seen, next(iter(values.values()), None)) if seen is not None else next(iter(values.values()), None)
    )
    words: Words = {"rule": rule.rule.name}
    for each in reversed(values.values()):
        words[each.metric or ""] = each.value
    if chief is not None:
        words |= {"value": chief.value, "metric": chief.metric}
    return because, chief.value if chief else None, words


def _because(rule: Compiled, memory: Memory, truth: Truth, at: int, *, wanted: bool) -> Because:
    condition, leaf = rule.leaves[at], truth.leaves[at]
    sentence = says(condition)
    return Because(
        says=sentence if wanted else f"not ({sentence})",
        device=(condition.device or memory.device) if condition.of_device else None,
        metric=condition.metric,
        value=leaf.value,
        at=moment(truth.at if condition.momentary or condition.between else leaf.at),
    )

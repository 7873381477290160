"""What a fact changes in what is known of each condition."""

from typing import Any

from msgspec import Struct, structs

from verger.base.clock import SECOND
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.facts import TIMED, Fact, Happened, Moved, Quiet, Reading, Reported, Time, Together, Turned
from verger.domain.rules.levels import level
from verger.domain.rules.memory import Leaf, Memory
from verger.domain.rules.windows import Readings, Window

_MOST_KEYS = 256


class Hearing(Struct, frozen=True):
    """The conditions after a fact: which of them it made true for a moment, and the one that judged a reading, if any.

    Of several that judged one, `seen` is the first that is as it should be. `news` tells whether anything was judged.
    """

    leaves: tuple[Leaf, ...]
    pulses: frozenset[int] = frozenset()
    seen: int | None = None
    news: bool = False


def hear(rule: Compiled, memory: Memory, fact: Fact) -> Hearing:
    """Return what is known of each condition once a fact was heard; what comes too late or again changes nothing."""
    if isinstance(fact, Time):
        return Hearing(memory.leaves, news=True)
    if isinstance(fact, TIMED) and fact.now - fact.at > rule.late:
        return Hearing(memory.leaves)
    leaves = list(memory.leaves)
    pulses: set[int] = set()
    shown: list[int] = []
    for each in fact.said if isinstance(fact, Together) else (fact,):
        for at, condition in enumerate(rule.leaves):
            if condition.of_device and (condition.device or memory.device) == each.device:
                before = leaves[at]
                leaves[at], pulsed = _heard(rule, condition, before, each)
                if pulsed:
                    pulses.add(at)
                elif leaves[at] is not before and at < rule.whens:
                    shown.append(at)
    speaking = (at for at in shown if leaves[at].holds is (at not in rule.denied))
    seen = next(speaking, shown[0] if shown else None)
    news = bool(pulses) or tuple(leaves) != memory.leaves  # of one moment, two pulses leave the same behind
    return Hearing(tuple(leaves), frozenset(pulses), seen, news=news)


def _heard(rule: Compiled, condition: Condition, leaf: Leaf, fact: Fact) -> tuple[Leaf, bool]:
    """Return what is known of one condition, the same if nothing is new, and whether it is true at this moment."""
    match fact:
        case Reading() if condition.metric == fact.metric and fact.at > leaf.at:
            leaf = _measured(condition, leaf, fact)
        case Happened() if condition.event is not None:
            return _happened(condition, leaf, fact, rule.late)
        case Reported(of_place=True) if condition.of and condition.attribute == fact.attribute:
            leaf = _known(leaf, fact.at, fact.now, holds=same(condition.equals, fact.value))
        case Reported(of_place=False) if _reports(condition, fact) and fact.at > leaf.at:
            leaf = _known(leaf, fact.at, min(fact.at, fact.now), holds=same(condition.equals, fact.value))
        case Moved() if condition.command == fact.method and condition.stage == fact.stage:
            return structs.replace(leaf, at=fact.now), True
        case Quiet() if condition.silent_for_s is not None:
            holds = fact.seconds >= condition.silent_for_s
            leaf = leaf if holds == leaf.holds else _known(leaf, fact.now, fact.now, holds=holds)
        case Turned() if condition.word in ("metric", "attribute") and not condition.of:
            leaf = _turned(rule, leaf, silent=fact.silent)
    return leaf, False


def _known(leaf: Leaf, at: int, since: int, *, holds: bool) -> Leaf:
    return Leaf(holds=holds, since=leaf.since if holds == leaf.holds else since, at=at, ripe=holds)


def _measured(condition: Condition, leaf: Leaf, fact: Reading) -> Leaf:
    window: Readings = ()
    due = None
    if condition.within_s is not None:
        moved = Window(condition, leaf.window)
        due = moved.take(fact.at, fact.value)
        window, holds = moved.readings, due is not None
    else:
        holds = level(condition, fact.value, held=leaf.holds is True)
    since = leaf.since if holds == leaf.holds else min(fact.at, fact.now)
    ripe = holds and (leaf.ripe or min(fact.at, fact.now) >= begun_at(condition, since))
    return Leaf(holds=holds, since=since, at=fact.at, value=fact.value, ripe=ripe, due=due, window=window)


def _happened(condition: Condition, leaf: Leaf, fact: Happened, late: int) -> tuple[Leaf, bool]:
    if fact.kind != condition.event and not fact.kind.startswith(f"{condition.event}."):
        return leaf, False
    if any(key == fact.key for key, _ in leaf.keys):
        return leaf, False
    recent = tuple(known for known in leaf.keys if fact.now - known[1] <= late)[-_MOST_KEYS:]
    return structs.replace(leaf, at=fact.at, keys=(*recent, (fact.key, fact.at))), True


def _turned(rule: Compiled, leaf: Leaf, *, silent: bool) -> Leaf:
    if silent and rule.rule.silently == "reset":
        return Leaf(at=leaf.at)
    stale = silent and rule.rule.silently == "wait" and leaf.holds is not None
    return leaf if stale == leaf.stale else structs.replace(leaf, stale=stale)


def _reports(condition: Condition, fact: Reported) -> bool:
    return condition.attribute == fact.attribute and not condition.of


def knows(rule: Compiled, memory: Memory, name: str, value: Any) -> bool:
    """Tell whether a rule has judged already that the place of a device has an attribute of this value."""
    mine = [at for at, each in enumerate(rule.leaves) if each.of and each.attribute == name]
    return all(memory.leaves[at].holds == same(rule.leaves[at].equals, value) for at in mine)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values of an attribute are the same; true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def begun_at(condition: Condition, since: int) -> int:
    """Return from when on a condition counts that has held since a time: once it has held for as long as it has to."""
    return since + round((condition.for_s or 0) * SECOND)

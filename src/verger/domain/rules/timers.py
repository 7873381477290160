"""What changes by itself as time passes: schedules, the sun, parts of the day, rises that are over."""

from msgspec import structs

from verger.base.clock import SECOND
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.cron import cron_of
from verger.domain.rules.hearing import begun_at
from verger.domain.rules.memory import Leaf, Memory
from verger.domain.rules.sun import next_sun
from verger.domain.rules.wall import between, minute_of


def fresh(rule: Compiled, condition: Condition, now: int) -> Leaf:
    """Return what is known of a condition before anything was heard."""
    if condition.between is not None:
        return _part_of_day(rule, condition, Leaf(), now)
    if condition.silent_for_s is not None:
        return Leaf(holds=False, since=now)
    return Leaf(due=_next_moment(rule, condition, now))


def pass_time(rule: Compiled, condition: Condition, leaf: Leaf, at: int) -> tuple[Leaf, bool]:
    """Return what is known of a condition once its time has come, and whether that makes it true for this moment."""
    if leaf.holds and not leaf.ripe and not leaf.stale and begun_at(condition, leaf.since) <= at:
        leaf = structs.replace(leaf, ripe=True)
    if leaf.due is None or leaf.due > at:
        return leaf, False
    if condition.between is not None:
        return _part_of_day(rule, condition, leaf, at), False
    if condition.metric is not None:
        return structs.replace(leaf, holds=False, ripe=False, since=at, due=None), False
    return structs.replace(leaf, at=at, due=_next_moment(rule, condition, at)), True


def missed(rule: Compiled, memory: Memory, up_since: int, now: int) -> Memory:
    """Return a memory whose schedules that were due while nothing ran are left out, or come now, once each."""
    if memory.wake_at is None or memory.wake_at >= up_since:
        return memory
    leaves = list(memory.leaves)
    for at, condition in enumerate(rule.leaves):
        due = leaves[at].due
        if condition.momentary and due is not None and due < up_since:
            due = now if condition.catch_up == "once" else _next_moment(rule, condition, up_since - 1)
            leaves[at] = structs.replace(leaves[at], due=due)
    return structs.replace(memory, leaves=tuple(leaves))


def retimed(rule: Compiled, memory: Memory, now: int) -> Memory:
    """Return a memory whose moments and parts of the day are those of its rule's ground; what is due already stays."""
    leaves, look_at = list(memory.leaves), memory.look_at
    for at, condition in enumerate(rule.leaves):
        leaf = leaves[at]
        if condition.between is not None:
            leaves[at] = _part_of_day(rule, condition, leaf, now)
            look_at = now if leaves[at].holds is not leaf.holds else look_at
        elif condition.momentary and leaf.due is not None and leaf.due > now:
            leaves[at] = structs.replace(leaf, due=_next_moment(rule, condition, now))
    after = structs.replace(memory, leaves=tuple(leaves), look_at=look_at)
    return structs.replace(after, wake_at=next_wake(rule, after))


def next_wake(rule: Compiled, memory: Memory, *, schedules: bool = True) -> int | None:
    """Return when something changes next by itself, None for never; without schedules, when anything else does."""
    times = [memory.clear_at, memory.look_at, memory.rest_at]
    for condition, leaf in zip(rule.leaves, memory.leaves, strict=True):
        if schedules or not condition.momentary:
            times.append(leaf.due)
        if leaf.holds and not leaf.ripe and not leaf.stale and not condition.between:
            times.append(max(begun_at(condition, leaf.since), memory.look_at or 0))
    return min((at for at in times if at is not None), default=None)


def _part_of_day(rule: Compiled, condition: Condition, leaf: Leaf, at: int) -> Leaf:
    begin, end = (minute_of(text) or 0 for text in condition.between or ("", ""))
    holds, due = between(begin, end, at, rule.zone)
    return structs.replace(leaf, holds=holds, ripe=holds, since=leaf.since if holds == leaf.holds else at, due=due)


def _next_moment(rule: Compiled, condition: Condition, after: int) -> int | None:
    if condition.schedule is not None:
        return cron_of(condition.schedule).next(after, rule.zone)
    latitude, longitude = rule.ground.latitude, rule.ground.longitude
    if condition.sun is None or latitude is None or longitude is None:
        return None
    return next_sun(condition.sun, after, latitude, longitude, rule.zone, round((condition.offset_s or 0) * SECOND))

"""A rule judges, it never acts: what is remembered and a fact in, what is remembered and decided out."""

from msgspec import structs

from verger.base.clock import SECOND
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.deciding import again, cleared, fired
from verger.domain.rules.facts import TIMED, Fact, Reading, Time, Turned
from verger.domain.rules.hearing import Hearing, hear
from verger.domain.rules.memory import Decision, Memory
from verger.domain.rules.passing import passed
from verger.domain.rules.timers import fresh, missed, next_wake, pass_time
from verger.domain.rules.truth import Truth

Judged = tuple[Memory, tuple[Decision, ...]]


def begin(rule: Compiled, device: str | None, now: int) -> Memory:
    """Return what a rule remembers of a device, or of none, before it was told anything."""
    leaves = tuple(fresh(rule, condition, now) for condition in rule.leaves)
    holds = Truth(rule, leaves, now).of(rule.when) is True  # a part of the day, say, that has begun already
    look_at = now if holds else None
    memory = Memory(device=device if rule.of_each else None, leaves=leaves, heard=now, look_at=look_at)
    return structs.replace(memory, wake_at=next_wake(rule, memory))


def judge(rule: Compiled, memory: Memory, fact: Fact, up_since: int = 0) -> Judged:
    """Return what a rule remembers once it was told a fact, and what it asks for.

    Facts come in the order in which they were received; timers that ended before that come first. Of facts received
    together, each is judged at its own time. Whoever tells facts also tells the time, at `wake_at` or later. What was
    received before Verger ran, `up_since`, does not tell which schedules were missed: the time does.
    """
    if rule.rises and isinstance(fact, Reading) and (same := passed(rule, memory, fact)) is not None:
        return same, ()
    now = max(fact.now, memory.heard)
    at = min(fact.at, now) if isinstance(fact, TIMED) else now
    if isinstance(fact, Time):
        memory, early = _advance(rule, missed(rule, memory, fact.up_since, now), now, schedules=True)
        hearing = Hearing(memory.leaves, news=True)
    else:
        until = (now if now > memory.heard else at) - 1
        known = fact.now >= up_since
        if known:
            memory = missed(rule, memory, up_since, now)
        memory, early = _advance(rule, memory, until, schedules=known)
        hearing = hear(rule, memory, fact)
    memory = structs.replace(memory, heard=now, leaves=hearing.leaves)
    if isinstance(fact, Turned):
        memory = _turned(rule, memory, fact)
        hearing = structs.replace(hearing, news=False)
    late: tuple[Decision, ...] = ()
    if hearing.news:
        memory, late = _conclude(rule, memory, at, hearing)
    return structs.replace(memory, wake_at=next_wake(rule, memory)), early + late


def _turned(rule: Compiled, memory: Memory, turned: Turned) -> Memory:
    """Return a memory that begins anew, or will look again once all was judged that came with what was said."""
    if turned.silent:
        anew = rule.rule.silently == "reset"
        return structs.replace(memory, held=False, wanted=False) if anew else memory
    return structs.replace(memory, look_at=turned.now) if rule.hears.turns else memory


def _advance(rule: Compiled, memory: Memory, until: int, *, schedules: bool) -> Judged:
    """Let time pass up to an instant, that one included, and do what falls due on the way."""
    if memory.wake_at is None or memory.wake_at > until:
        return memory, ()
    decisions: list[Decision] = []
    while (at := next_wake(rule, memory, schedules=schedules)) is not None and at <= until:
        leaves = list(memory.leaves)
        pulses = set()
        for number, condition in enumerate(rule.leaves):
            if schedules or not condition.momentary:
                leaves[number], pulsed = pass_time(rule, condition, leaves[number], at)
                if pulsed:
                    pulses.add(number)
        look_at, rest_at = _later(memory.look_at, at), _later(memory.rest_at, at)
        memory = structs.replace(memory, leaves=tuple(leaves), look_at=look_at, rest_at=rest_at)
        memory, more = _conclude(rule, memory, at, Hearing(memory.leaves, frozenset(pulses)))
        decisions += more
    return memory, tuple(decisions)


def _conclude(rule: Compiled, memory: Memory, at: int, hearing: Hearing) -> Judged:
    """Return what follows at a time from what is known by then."""
    truth = Truth(rule, hearing.leaves, at, hearing.pulses)
    pulsed = truth.pulsed(rule.when)
    level = (Truth(rule, hearing.leaves, at) if pulsed else truth).of(rule.when)
    memory, decisions = _ended(rule, memory, truth, hearing.seen, over=level is False)
    confirmed = level is True and memory.held and _speaks_for(rule, hearing)
    if level is True:
        anew = not memory.held or (confirmed and rule.rest > 0 and memory.rest_at is None)
        memory = structs.replace(memory, held=True, wanted=memory.wanted or anew)
    if (pulsed or (memory.wanted and level is True)) and _may(rule, memory, truth):
        decisions.append(fired(rule, memory, truth, hearing.seen))
        memory = _seen(rule, memory, at, lasting=level is True)
        rest_at = at + rule.rest if rule.rest else None
        memory = structs.replace(memory, rest_at=rest_at, wanted=memory.wanted and level is not True)
    elif confirmed and rule.rule.alerts and (memory.alerted or not memory.wanted):
        decisions.append(again(rule, memory, truth, hearing.seen))
        memory = _seen(rule, memory, at, lasting=True)
    return memory, tuple(decisions)


def _speaks_for(rule: Compiled, hearing: Hearing) -> bool:
    """Tell whether something was heard that is as the rule's condition wants it to be."""
    seen = hearing.seen
    return seen is not None and hearing.leaves[seen].holds is (seen not in rule.denied)


def _ended(
    rule: Compiled, memory: Memory, truth: Truth, seen: int | None, *, over: bool
) -> tuple[Memory, list[Decision]]:
    """Return what ends at a time: alerts that did not recur, and what holds no longer."""
    decisions = []
    timed_out = memory.clear_at is not None and memory.clear_at <= truth.at
    if timed_out or (over and memory.alerted):
        decisions.append(cleared(rule, memory, truth, seen if over else None))
        memory = structs.replace(memory, clear_at=None, alerted=False)
    if over:
        memory = structs.replace(memory, held=False, wanted=False)
    return memory, decisions


def _may(rule: Compiled, memory: Memory, truth: Truth) -> bool:
    return memory.rest_at is None and (rule.only_if is None or truth.of(rule.only_if) is True)


def _seen(rule: Compiled, memory: Memory, at: int, *, lasting: bool) -> Memory:
    """Return a memory of having opened the rule's alerts, if it has some, once more."""
    if not rule.rule.alerts:
        return memory
    waits = [alert.clear_after_s for alert in rule.rule.alerts if alert.clear_after_s is not None]
    clear_at = at + round(max(waits) * SECOND) if waits else memory.clear_at
    return structs.replace(memory, alerted=memory.alerted or lasting, clear_at=clear_at)


def _later(wanted: int | None, than: int) -> int | None:
    """Return a time that is wanted if it has not come yet, else None."""
    return wanted if wanted is not None and wanted > than else None

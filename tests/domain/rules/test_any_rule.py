"""Any rule, told anything: restarts change nothing, nor does leaving out what can change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.rules.scenes import (
    ALERT,
    BEGAN,
    HERE,
    PULSE,
    Told,
    at,
    attribute,
    decisions,
    event,
    quiet,
    rule,
    said,
    silent,
    speaks,
    t,
    time,
    told,
)
from verger.domain.rules.bounds import Bounds, still
from verger.domain.rules.compiled import Compiled, compiled
from verger.domain.rules.facts import Fact, Reading, Time, Together
from verger.domain.rules.judge import begin, judge
from verger.domain.rules.memory import Decision
from verger.domain.rules.replay import Replay, Rows

_METRICS = ("t", "h")
_LASTS = st.sampled_from([{}, {"for_s": 30}, {"for_s": 60}])
_LEVELS = st.one_of(
    st.sampled_from(
        [{"is": "below", "value": 3}, {"is": "above", "value": 5, "clear": 3}, {"is": "equal", "value": 4}]
    ),
    st.sampled_from([{"is": "inside", "low": 2, "high": 4, "clear_by": 1}, {"is": "outside", "low": 1, "high": 5}]),
)
_RISES = st.sampled_from(
    [{"is": "rises_by", "value": 2, "within_s": 60}, {"is": "falls_by", "value": 3, "within_s": 40}]
)
_METRIC = st.builds(
    lambda metric, what, lasts: {"metric": metric} | what | lasts, st.sampled_from(_METRICS), _LEVELS, _LASTS
) | st.builds(lambda metric, what: {"metric": metric} | what, st.sampled_from(_METRICS), _RISES)
_LASTING = _METRIC | st.sampled_from(
    [{"attribute": "on", "equals": True}, {"silent_for_s": 40}, {"between": ["17:47", "17:50"]}]
)
_TREE = st.recursive(
    _LASTING,
    lambda inner: st.one_of(
        st.builds(lambda some: {"all": some}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda some: {"any": some}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, inner),
    ),
    max_leaves=4,
)
_MOMENT = st.sampled_from([{"event": "door"}, {"schedule": "*/2 * * * *", "catch_up": "once"}])
_WHEN = _TREE | st.builds(lambda moment, other: {"all": [moment, other]}, _MOMENT, _TREE)
_WHEN |= st.builds(lambda moment, other: {"any": [moment, other]}, _MOMENT, _TREE)
_THEN = st.sampled_from([[ALERT], [PULSE], [PULSE, ALERT], [{"alert": {"message": "x", "clear_after_s": 45}}]])
_RULES = st.fixed_dictionaries(
    {"when": _WHEN, "then": _THEN, "rest_s": st.sampled_from([0, 50]), "late_s": st.sampled_from([20, 600])},
    optional={"only_if": _LASTING, "when_silent": st.sampled_from(["go_on", "wait", "reset"])},
)
_TIMED = _RULES.filter(lambda document: "schedule" in repr(document["when"]))
_RISING = _RULES.filter(lambda document: "within_s" in repr(document))
_VALUES = st.sampled_from([0, 1, 2, 2.5, 3, 4, 5, 6, 9])
_SAID = st.one_of(
    st.tuples(st.just("t"), _VALUES, st.integers(0, 40), st.sampled_from(_METRICS)),
    st.tuples(st.just("both"), _VALUES, _VALUES, st.integers(0, 40)),
    st.tuples(st.sampled_from(["event", "on", "off", "quiet", "heard", "silent", "speaks", "time"])),
)
_STEPS = st.lists(st.tuples(st.integers(0, 35), _SAID), max_size=25)
_SLOW_STEPS = st.lists(st.tuples(st.integers(0, 90), _SAID), min_size=4, max_size=15)


def facts(steps: list[tuple[int, tuple[Any, ...]]]) -> list[Fact]:
    """Return facts in order of their receipt."""
    found: list[Fact] = []
    now = 1
    for wait, what in steps:
        now += wait
        match what:
            case ("t", value, age, metric):
                found.append(t(now - age, value, now=now, metric=metric))
            case ("both", value, other, age):
                found.append(said(t(now - age, value, now=now), t(now - age, other, now=now, metric="h")))
            case ("event",):
                found.append(event(now, "door"))
            case ("on" | "off" as state,):
                found.append(attribute(now, "on", state == "on"))
            case ("quiet" | "heard" as state,):
                found.append(quiet(now, 50 if state == "quiet" else 0))
            case ("silent" | "speaks" as state,):
                found.append(silent(now) if state == "silent" else speaks(now))
            case _:
                found.append(time(now))
    return [*found, time(now + 200)]


def draft(document: dict[str, Any]) -> Compiled | None:
    """Return a rule ready to be judged, None where it could never fire."""
    try:
        return compiled(rule(**document), HERE)
    except Exception:  # noqa: BLE001  which these are is another test's
        return None


@settings(max_examples=60, deadline=None)
@given(_RULES, _STEPS)
def test_a_restart_between_any_two_steps_changes_nothing(document: dict[str, Any], steps: Any) -> None:
    judged = draft(document)
    if judged is not None:
        assert decisions(facts(steps), judged, "d", restarts=True) == decisions(
            facts(steps), judged, "d", restarts=False
        )


@settings(max_examples=150, deadline=None)
@given(_RULES | _TIMED, _SLOW_STEPS)
def test_a_timer_that_is_looked_at_late_changes_nothing(document: dict[str, Any], steps: Any) -> None:
    judged = draft(document)
    if judged is not None:
        every = facts(steps)
        heard = [*(fact for fact in every if not isinstance(fact, Time)), every[-1]]
        soon = decisions(heard, judged, "d", restarts=False)
        assert decisions(heard, judged, "d", restarts=False, ticks=False) == soon


@settings(max_examples=60, deadline=None)
@given(_RULES, _STEPS)
def test_leaving_out_what_lies_inside_all_bounds_changes_nothing(document: dict[str, Any], steps: Any) -> None:
    judged = draft(document)
    if judged is not None:
        assert sifted(facts(steps), judged) == told(facts(steps), judged)


@settings(max_examples=100, deadline=None)
@given(_RISING, _STEPS)
def test_what_a_rise_only_takes_note_of_comes_to_the_same_as_when_it_is_judged(
    document: dict[str, Any], steps: Any
) -> None:
    judged = draft(document)
    memory = None if judged is None else begin(judged, "d", BEGAN)
    for fact in facts(steps):
        if judged is not None and memory is not None:
            whole = judge(replace(judged, rises=False), memory, fact)
            assert judge(judged, memory, fact) == whole
            memory = whole[0]


def sifted(every: list[Fact], judged: Compiled) -> list[Told]:
    """Return what a rule decides that is told only the readings that may change something."""
    memory, bounds, passed = begin(judged, "d", BEGAN), Bounds(), []
    for fact in every:
        while memory.wake_at is not None and memory.heard < fact.now and memory.wake_at < fact.now:
            memory, _ = judge(judged, memory, Time(max(memory.wake_at, memory.heard)))
        for number, metric in enumerate(_METRICS):
            bounds.watch(number, still(judged, memory, "d", metric))
        if isinstance(fact, Reading | Together):
            if not (readings := outside(bounds, fact.said if isinstance(fact, Together) else (fact,))):
                continue
            fact = said(*readings)  # noqa: PLW2901  what may change something of it
        passed.append(fact)
        memory, _ = judge(judged, memory, fact)
    return told(passed, judged)


def outside(bounds: Bounds, together: Sequence[Any]) -> list[Reading]:
    """Return those readings of one message that may change something."""
    numbers = [_METRICS.index(each.metric) for each in together]
    columns = [each.at for each in together], [each.value for each in together]
    rows = bounds.sift(np.array(numbers, np.uint32), np.array(columns[0]), np.array(columns[1], float))
    return [together[row] for row in rows.tolist() if bounds.newer(numbers[row], together[row].at)]


_MEASURED = st.one_of(
    st.builds(lambda metric, value: {metric: value}, st.sampled_from(_METRICS), _VALUES),
    st.fixed_dictionaries(dict.fromkeys(_METRICS, _VALUES)),
)


@settings(max_examples=80, deadline=None)
@given(_RULES, st.lists(st.tuples(st.integers(1, 30), _MEASURED), max_size=30))
def test_a_replay_fires_as_the_rule_would_have(document: dict[str, Any], steps: list[tuple[int, Any]]) -> None:
    judged = draft(document)
    if judged is None:
        return
    seconds = np.cumsum([wait for wait, _ in steps], dtype=np.int64).tolist()
    messages = [
        [t(second, values[metric], metric=metric) for metric in _METRICS if metric in values]
        for second, (_, values) in zip(seconds, steps, strict=True)
    ]
    readings = [each for message in messages for each in message]
    of = np.array([_METRICS.index(each.metric) for each in readings], np.intp)
    times, values = np.array([each.at for each in readings], np.int64), np.array([each.value for each in readings])
    rows = Rows([("d", metric) for metric in _METRICS], of, times, values)
    end = sum(wait for wait, _ in steps) + 200
    whole = decisions([*(said(*message) for message in messages), time(end)], judged, "d", restarts=False)
    assert runs(Replay(judged, ["d"], rows, BEGAN).run(at(end))) == runs(whole)


def runs(every: Any) -> list[tuple[int, float | None]]:
    """Return when a rule fired, by which value."""
    return [(each.at, each.value) for each in every if isinstance(each, Decision) and each.kind == "fire"]

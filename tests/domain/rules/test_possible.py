"""A rule that could never fire is told apart from one that could, be it once in years."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.rules.scenes import BELOW, HERE, PULSE, rule
from verger.base.clock import DAY
from verger.domain.rules.compiled import Ground, compiled
from verger.domain.rules.facts import Time
from verger.domain.rules.judge import begin, judge
from verger.domain.rules.possible import never

ABOVE = {"metric": "t", "is": "above", "value": 8}
EVENT = {"event": "door"}
BERLIN = Ground("Europe/Berlin", 52.52, 13.405)
KOLKATA = Ground("Asia/Kolkata", 22.57, 88.36)
TROMSO = Ground("Europe/Oslo", 69.65, 18.96)


def at(schedule: str) -> dict[str, Any]:
    return {"schedule": schedule}


def part(begins: str, ends: str) -> dict[str, Any]:
    return {"between": [begins, ends]}


def attribute(value: Any) -> dict[str, Any]:
    return {"attribute": "on", "equals": value}


IMPOSSIBLE: list[tuple[Any, str]] = [
    ({"all": [BELOW, ABOVE]}, "no value of t"),
    ({"all": [BELOW, {"any": [ABOVE, ABOVE | {"value": 7}]}]}, "no value of t"),
    ({"all": [BELOW, {"not": BELOW}]}, "no value of t"),
    ({"all": [BELOW | {"for_s": 60}, {"not": BELOW}]}, "no value of t"),
    (
        {"all": [{"metric": "t", "is": "equal", "value": 3}, {"metric": "t", "is": "outside", "low": 1, "high": 4}]},
        "no value of t",
    ),
    (
        {"all": [{"metric": "t", "is": "equal", "value": 3}, {"metric": "t", "is": "equal", "value": 4}]},
        "no value of t",
    ),
    ({"all": [EVENT, {"event": "bell"}]}, "two moments"),
    ({"all": [EVENT, {"event": "doors"}]}, "two moments"),
    ({"all": [EVENT | {"device": "d"}, EVENT | {"device": "e"}]}, "two moments"),
    ({"all": [EVENT, at("* * * * *")]}, "two moments"),
    ({"all": [EVENT, {"command": "on", "stage": "sent"}]}, "two moments"),
    ({"all": [{"command": "on", "stage": "sent"}, {"command": "on", "stage": "failed"}]}, "two moments"),
    ({"all": [{"command": "on", "stage": "sent"}, {"command": "off", "stage": "sent"}]}, "two moments"),
    ({"all": [{"sun": "sunset"}, {"sun": "sunset", "offset_s": 60}]}, "two moments"),
    ({"all": [{"sun": "sunset"}, {"sun": "sunrise"}]}, "two moments"),
    ({"all": [{"sun": "sunset"}, at("* * * * *")]}, "two moments"),
    (
        {
            "all": [
                {"metric": "t", "is": "inside", "low": 1, "high": 4},
                {"metric": "t", "is": "outside", "low": 0, "high": 9},
            ]
        },
        "no value of t",
    ),
    ({"all": [BELOW | {"clear": 7}, ABOVE | {"clear": 7}]}, "no value of t"),
    ({"all": [BELOW, {"any": [ABOVE, {"all": [ABOVE, EVENT]}]}]}, "no value of t"),
    ({"not": {"any": [BELOW, {"not": BELOW}]}}, "no value of t"),
    ({"all": [BELOW, {"metric": "t", "is": "equal", "value": 5}]}, "no value of t"),
    ({"not": part("00:00", "24:00")}, "never overlap"),
    ({"all": [attribute(1), attribute(2)]}, "two values"),
    ({"all": [attribute(1), attribute(value=True)]}, "two values"),
    ({"all": [attribute(1), {"not": attribute(1)}]}, "both equal a value and not"),
    ({"all": [{"silent_for_s": 600}, {"not": {"silent_for_s": 60}}]}, "silent for 10 min is so for 1 min too"),
    ({"all": [part("01:00", "02:00"), part("02:00", "03:00")]}, "never overlap"),
    ({"all": [part("01:00", "02:00"), {"not": part("00:00", "24:00")}]}, "never overlap"),
    ({"all": [at("0 6 * * *"), part("08:00", "09:00")]}, "0 6 * * * is never due between 08:00 and 09:00"),
    ({"all": [at("0 6 * * *"), part("05:00", "06:00")]}, "never due"),
    ({"all": [at("0 6 * * *"), {"not": part("05:00", "07:00")}]}, "never due in such a part of the day"),
    ({"all": [at("30 2 29 3 *"), part("04:00", "05:00")]}, "never due"),
    ({"all": [at("0 6 * * *"), at("0 7 * * *")]}, "0 6 * * * and 0 7 * * * are never due together"),
    ({"all": [at("0 6 * * mon"), at("0 6 * * tue")]}, "never due together"),
    ({"all": [at("0 6 31 * *"), at("0 6 * feb *")]}, "never due together"),
    ({"all": [at("0 6 * * *"), {"any": [at("0 7 * * *"), at("0 8 * * *")]}]}, "never due together"),
    ({"all": [{"sun": "sunrise"}, part("20:00", "23:00")]}, "sunrise is never between 20:00 and 23:00 at this place"),
    ({"all": [{"sun": "sunset", "offset_s": -3600}, part("00:00", "12:00")]}, "sunset is never"),
]
POSSIBLE: list[tuple[Any, Ground]] = [
    (BELOW | {"clear": 5}, HERE),
    ({"all": [BELOW | {"for_s": 7200}, part("06:00", "07:00")]}, HERE),
    ({"all": [{"metric": "t", "is": "rises_by", "value": 5, "within_s": 60}, BELOW | {"value": 0}]}, HERE),
    ({"all": [{"silent_for_s": 600}, EVENT]}, HERE),
    ({"any": [BELOW, ABOVE]}, HERE),
    ({"all": [BELOW | {"clear": 9}, ABOVE]}, HERE),
    ({"all": [BELOW, ABOVE | {"device": "other"}]}, HERE),
    ({"all": [BELOW, {"not": BELOW | {"for_s": 60}}]}, HERE),
    ({"all": [EVENT, BELOW]}, HERE),
    ({"all": [EVENT, {"event": "door.open"}]}, HERE),
    ({"all": [EVENT, EVENT | {"device": "d"}]}, HERE),
    ({"all": [{"command": "on", "stage": "sent"}, {"command": "on", "stage": "sent", "device": "d"}]}, HERE),
    ({"all": [attribute(1), attribute(1.0)]}, HERE),
    ({"all": [attribute(1), {"not": attribute(value=True)}]}, HERE),
    ({"all": [{"silent_for_s": 60}, {"not": {"silent_for_s": 600}}]}, HERE),
    ({"all": [{"metric": "t", "is": "equal", "value": 0.3, "tolerance": 0.1}, ABOVE | {"value": 0.2}]}, HERE),
    ({"all": [at("0 6 * * *"), at("0 6 * * mon")]}, HERE),
    ({"all": [at("0 6 29 2 *"), at("0 6 * * mon")]}, HERE),
    ({"all": [at("*/15 * * * *"), at("0 */6 13 * fri"), part("17:30", "18:30")]}, HERE),
    ({"all": [part("22:00", "06:00"), part("05:00", "07:00")]}, HERE),
    ({"all": [part("06:00", "21:00"), {"not": part("12:00", "13:00")}]}, HERE),
    ({"all": [at("0 6 * * *"), part("06:00", "07:00")]}, HERE),
    ({"all": [at("0 23 * * *"), part("22:00", "06:00")]}, HERE),
    ({"not": {"all": [BELOW, ABOVE]}}, HERE),
    ({"all": [at("30 2 * * *"), part("03:00", "03:30")]}, BERLIN),
    ({"all": [at("30 2 * * *"), at("0 3 * * sun")]}, BERLIN),
    ({"all": [at("15 2 * * *"), at("45 2 * * *")]}, BERLIN),
    ({"all": [at("30 2 29 3 *"), part("03:00", "03:30")]}, BERLIN),
    ({"all": [{"sun": "sunset"}, part("21:00", "22:00")]}, BERLIN),
    ({"all": [{"sun": "sunrise"}, part("00:00", "01:00")]}, TROMSO),
]


def why(when: Any, ground: Ground = HERE, **more: Any) -> str:
    """Return why a rule could never fire at a place, empty when it could."""
    return never(compiled(rule(when, PULSE, **more), ground))


@pytest.mark.parametrize(("when", "said"), IMPOSSIBLE)
def test_a_rule_that_could_never_fire_says_why(when: Any, said: str) -> None:
    assert why(when).startswith("This could never fire: ")
    assert said in why(when)


@pytest.mark.parametrize(("when", "ground"), POSSIBLE)
def test_what_can_come_true_is_taken(when: Any, ground: Ground) -> None:
    assert why(when, ground) == ""


def test_the_sun_does_not_rise_where_it_never_does() -> None:
    pole = Ground("UTC", 90.0, 0.0)
    assert why({"sun": "sunrise"}, pole) == "This could never fire: there is no sunrise at this place."
    assert why({"any": [{"sun": "sunrise"}, BELOW]}, pole) == ""
    assert why({"sun": "sunrise", "offset_s": 3600}, TROMSO) == ""


def test_what_only_a_clock_that_goes_forward_makes_possible_is_not_where_none_does() -> None:
    when = {"all": [at("30 2 * * *"), part("03:00", "03:30")]}
    assert (why(when, BERLIN), "never due" in why(when, KOLKATA)) == ("", True)


def test_what_shuts_out_when_in_only_if_is_found() -> None:
    assert "no value of t" in why(BELOW, only_if=ABOVE)
    assert "never due" in why(at("0 6 * * *"), only_if=part("08:00", "09:00"))
    assert why(at("0 8 * * *"), only_if=part("08:00", "09:00")) == ""


def test_many_ways_to_come_true_are_looked_at_in_no_time() -> None:
    either = {"any": [{"metric": f"m{number}", "is": "below", "value": 1} for number in range(5)]}
    assert why({"all": [{"all": [either] * 9}, BELOW]}) == ""
    suns = {"any": [{"sun": "sunset", "offset_s": number} for number in range(22)]}
    nights = {"any": [part(f"0{number % 6}:00", f"0{number % 6}:{number + 10}") for number in range(22)]}
    hours = {"any": [at(f"{number} 6 1-7 * mon") for number in range(22)]}
    days = {"any": [at(f"{number} 7 8-9 * tue") for number in range(22)]}
    began = time.process_time()
    for one, other in ((suns, nights), (hours, days), (hours, nights)):
        assert why({"all": [one, other]}) != ""
    assert time.process_time() - began < 3


_HOURS, _MINUTES = st.integers(0, 23), st.sampled_from([0, 15, 30, 45])
_SCHEDULES = st.builds(
    lambda minute, hour, days: at(f"{minute} {hour} * * {days}"), _MINUTES, _HOURS, st.sampled_from("*0")
)
_TIMES = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", _HOURS, _MINUTES)
_PARTS = st.tuples(_TIMES, _TIMES).filter(lambda times: times[0] != times[1]).map(lambda times: part(*times))
_SUNS = st.sampled_from([{"sun": "sunrise"}, {"sun": "sunset", "offset_s": 1800}])
_TIMED = st.lists(_PARTS | _PARTS.map(lambda one: {"not": one}), max_size=2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_SCHEDULES, min_size=1, max_size=2) | _SUNS.map(lambda one: [one]),
    _TIMED,
    st.sampled_from([BERLIN, TROMSO]),
)
def test_what_fires_within_a_year_is_not_refused(moments: list[Any], parts: list[Any], ground: Ground) -> None:
    judged = compiled(rule({"all": [*moments, *parts]}, PULSE), ground)
    if never(judged):
        start = 1_790_000_000_000_000
        _, decided = judge(judged, begin(judged, None, start), Time(start + 366 * DAY))
        assert decided == ()

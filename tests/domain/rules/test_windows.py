"""What a rise or fall is measured from stays small, and shows what all its readings show."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.rules.scenes import ALERT, BEGAN, HERE, PULSE, at, decisions, rule, t, time
from verger.base.clock import SECOND
from verger.domain.rules.compiled import compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.facts import Fact
from verger.domain.rules.memory import Decision
from verger.domain.rules.replay import Replay, Rows
from verger.domain.rules.windows import Window

WITHIN_S = 60
PART = WITHIN_S * SECOND // 120
RISES = Condition(metric="t", is_="rises_by", value=2, within_s=WITHIN_S)
FALLS = Condition(metric="t", is_="falls_by", value=2, within_s=WITHIN_S)
_WALK = st.lists(st.tuples(st.integers(1, 30), st.integers(-3, 3)), min_size=1, max_size=60)

Walk = list[tuple[int, float]]


def walked(steps: list[tuple[int, int]]) -> Walk:
    """Return (time, value) after each step of (seconds, by how much)."""
    seconds, values = np.cumsum(steps, axis=0).T.tolist()
    return [(at(second), float(value)) for second, value in zip(seconds, values, strict=True)]


def over_at(condition: Condition, readings: Walk) -> int | None:
    """Return, from all readings, when the rise or fall that the last one shows is over."""
    last_at, last = readings[-1]
    sign = 1 if condition is RISES else -1
    began = [each for each, value in readings if each >= last_at - WITHIN_S * SECOND and (last - value) * sign >= 2]
    return began[-1] + WITHIN_S * SECOND + 1 if began else None


@pytest.mark.parametrize("condition", [RISES, FALLS])
@given(_WALK)
def test_a_window_shows_what_all_readings_show_also_when_it_was_written_down(
    condition: Condition, steps: list[tuple[int, int]]
) -> None:
    readings, kept = walked(steps), Window(condition).readings
    for number, each in enumerate(readings):
        window = Window(condition, kept)
        assert window.take(*each) == over_at(condition, readings[: number + 1])
        kept = window.readings
        window.take(*each)
        assert window.readings == kept


@pytest.mark.parametrize(("condition", "slope"), [(RISES, 1), (FALLS, -1)])
def test_of_very_many_readings_few_are_kept_and_a_rise_is_over_by_a_120th_too_early_at_most(
    condition: Condition, slope: int
) -> None:
    readings = [(BEGAN + number * SECOND // 100, slope * number / 100) for number in range(10_000)]
    window = Window(condition)
    for number, each in enumerate(readings):
        found = window.take(*each)
        if number % 97 == 0:
            exact = over_at(condition, readings[: number + 1])
            assert (found is None) == (exact is None)
            assert found is None or exact is None or 0 <= exact - found <= PART
    assert len(window.readings) <= 240


RISE = {"metric": "t", "is": "rises_by", "value": 2, "within_s": WITHIN_S}
FALL = {"metric": "t", "is": "falls_by", "value": 3, "within_s": 40}
HOT = {"metric": "t", "is": "above", "value": 9}
_WHENS = st.sampled_from(
    [
        RISE,
        {"any": [RISE, FALL, HOT]},
        {"any": [RISE, FALL | {"device": "d"}, HOT]},
        {"all": [RISE, {"not": FALL}]},
        {"not": RISE},
        {"all": [{"not": RISE | {"device": "d"}}, FALL]},
    ]
)


@given(
    _WHENS,
    st.sampled_from([PULSE, ALERT]),
    st.lists(st.tuples(st.integers(1, 30), st.integers(-3, 3), st.sampled_from("de")), max_size=80),
)
def test_a_rise_is_replayed_as_it_would_have_been_seen(
    when: dict[str, Any], then: dict[str, Any], steps: list[tuple[int, int, str]]
) -> None:
    judged = compiled(rule(when, then, rest_s=45), HERE)
    second, values, readings = 0, {"d": 0, "e": 0}, []
    for wait, step, device in steps:
        second, values[device] = second + wait, values[device] + step
        readings.append(t(second, values[device], device=device))
    rows = Rows(
        [("d", "t"), ("e", "t")],
        np.array(["de".index(each.device) for each in readings], np.intp),
        np.array([each.at for each in readings], np.int64),
        np.array([each.value for each in readings]),
    )
    every: list[Fact] = [*readings, time(second + 200)]
    whole = [each for device in "de" for each in decisions(every, judged, device, restarts=False)]
    assert fired(Replay(judged, ["d", "e"], rows, BEGAN).run(at(second + 200))) == fired(whole)


def fired(every: object) -> list[tuple[int, str, float | None]]:
    """Return when a rule fired, of which device, by which value."""
    found = [each for each in every if isinstance(each, Decision) and each.kind == "fire"]  # type: ignore[attr-defined]
    return sorted((each.at, each.device or "", each.value) for each in found)

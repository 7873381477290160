"""Values inside all bands cost next to nothing, and none that matters is left out."""

from math import inf

import numpy as np
import pytest

from tests.domain.rules.scenes import ALERT, BEGAN, BELOW, HERE, PULSE, rule, t
from verger.domain.rules.bounds import EVERY, NONE, Bounds, meet, still
from verger.domain.rules.compiled import compiled
from verger.domain.rules.judge import begin, judge
from verger.domain.rules.rendering import named


@pytest.fixture(params=[1, 40])
def repeats(request: pytest.FixtureRequest) -> int:
    """Return how often a batch repeats itself: few rows and many go different ways."""
    return int(request.param)


def sifted(bounds: Bounds, rows: list[tuple[int, int, float]]) -> list[int]:
    series, times, values = zip(*rows, strict=True)
    found = bounds.sift(np.array(series, np.uint32), np.array(times, np.int64), np.array(values, np.float64))
    return [int(row) for row in found]


def test_only_what_lies_outside_is_judged_and_all_of_its_series(repeats: int) -> None:
    bounds = Bounds()
    bounds.watch(7, (5.0, inf))
    rows = [(3, 10, 1.0), (7, 10, 5.0), (7, 11, 4.9), (7, 12, 6.0)] * repeats
    assert [row % 4 for row in sifted(bounds, rows)] == [1, 2, 3] * repeats
    assert bounds.last(3) == 10
    assert bounds.last(7) == 0


def test_what_is_not_newer_than_what_lay_inside_is_known(repeats: int) -> None:
    bounds = Bounds()
    bounds.watch(5000, (5.0, inf))
    assert sifted(bounds, [(5000, 10, 8.0), (5000, 9, 8.0)] * repeats) == []
    other = Bounds()
    other.load(bounds.saved())
    assert other.last(5000) == 10
    assert [other.newer(5000, when) for when in (9, 10, 11, 11)] == [False, False, True, False]


def test_not_a_number_lies_inside_no_band(repeats: int) -> None:
    bounds = Bounds()
    bounds.watch(1, NONE)
    assert len(sifted(bounds, [(1, 10, 8.0)] * repeats)) == repeats


@pytest.mark.parametrize(
    ("when", "then", "values", "expected"),
    [
        (BELOW, ALERT, [], NONE),
        (BELOW, ALERT, [8], (5, inf)),
        (BELOW, ALERT, [4], NONE),
        (BELOW | {"clear": 7}, PULSE, [4], (-inf, np.nextafter(7, 0))),
        (BELOW | {"for_s": 60}, PULSE, [4], NONE),
        ({"metric": "t", "is": "above", "value": 5}, ALERT, [4], (-inf, 5)),
        ({"metric": "t", "is": "outside", "low": 1, "high": 9}, ALERT, [4], (1, 9)),
        ({"metric": "t", "is": "inside", "low": 1, "high": 9}, ALERT, [0], NONE),
        ({"metric": "t", "is": "rises_by", "value": 1, "within_s": 9}, ALERT, [4], NONE),
        ({"any": [BELOW, {"metric": "t", "is": "above", "value": 20}]}, ALERT, [8], (5, 20)),
        ({"metric": "h", "is": "above", "value": 20}, ALERT, [8], EVERY),
    ],
)
def test_a_band_is_where_nothing_changes(when: object, then: object, values: list[float], expected: object) -> None:
    judged = compiled(rule(when, then), HERE)
    memory = begin(judged, "d", BEGAN)
    for second, value in enumerate(values):
        memory, _ = judge(judged, memory, t(second, value))
    assert still(judged, memory, "d", "t") == expected
    assert still(judged, memory, "other", "t") == EVERY


def test_bands_that_do_not_meet_let_nothing_be_left_out() -> None:
    assert meet((0, 5), (3, 9)) == (3, 5)
    assert meet((0, 5), (6, 9)) == NONE


def test_a_message_holds_the_value_that_made_it_and_leaves_names_to_others() -> None:
    message = {"alert": {"message": "{device}: {metric} {value}, {h} %, {what}"}}
    judged = compiled(rule({"all": [BELOW, {"metric": "h", "is": "above", "value": 50}]}, message), HERE)
    memory, _ = judge(judged, begin(judged, "d", BEGAN), t(0, 60, metric="h"))
    _, (decision,) = judge(judged, memory, t(1, 4.100000001))
    alert = named(decision.then[0], {"device": "Basil"}).alert
    assert alert is not None
    assert alert.message == "Basil: {metric} 4.100000001, 60 %, {what}"
    assert decision.about == ("t", "d")
    assert [(each.says, each.value) for each in decision.because] == [
        ("t is below 5", 4.100000001),
        ("h is above 50", 60),
    ]

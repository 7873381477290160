"""Reasons of rules as sentences: bare, and as people call what they measure."""

from typing import Any

import msgspec
import pytest

from verger.domain.rules.conditions import Condition
from verger.domain.rules.saying import reason, says


def named(metric: str, device: str | None) -> tuple[str, str]:
    return (f"Air of {device}", "°C") if metric == "t" else (metric, "")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"metric": "t", "is": "below", "value": 3}, "Air of pi is below 3 °C"),
        ({"metric": "t", "is": "above", "value": 3, "for_s": 90}, "Air of pi stays above 3 °C for 1.5 min"),
        ({"metric": "t", "is": "outside", "low": 1, "high": 2}, "Air of pi is outside 1 to 2 °C"),
        ({"metric": "t", "is": "equal", "value": 3, "tolerance": 0.5}, "Air of pi is 3 ± 0.5 °C"),
        ({"metric": "t", "is": "falls_by", "value": 3, "within_s": 60}, "Air of pi falls by 3 °C within 1 min"),
        ({"metric": "t", "device": "shed", "is": "below", "value": 3}, "Air of shed is below 3 °C (Shed)"),
        ({"metric": "h", "is": "below", "value": 3}, "h is below 3"),
        ({"event": "door"}, "door happens"),
    ],
)
def test_a_reason_is_told_as_people_call_it(said: dict[str, Any], words: str) -> None:
    condition = msgspec.convert(said, Condition)
    assert reason(condition, "pi", named, {"shed": "Shed"}, wanted=True) == words
    assert reason(condition, "pi", named, {"shed": "Shed"}, wanted=False) == f"not ({words})"


def test_a_reason_that_nobody_puts_into_words_calls_a_metric_by_its_key() -> None:
    condition = msgspec.convert({"metric": "t", "is": "below", "value": 3}, Condition)
    assert reason(condition, "pi", wanted=True) == "t is below 3"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["a", "b", "c"], "stage of the place is a, b or c"),
        (["a"], "stage of the place is a"),
    ],
)
def test_several_values_of_one_attribute_are_told_as_one(said: list[str], words: str) -> None:
    stages = [{"attribute": "stage", "equals": each, "of": "place"} for each in said]
    assert says(msgspec.convert({"not": {"any": stages}}, Condition)) == f"not ({words})"
    others = msgspec.convert({"any": [*stages, {"attribute": "stage", "equals": "d"}]}, Condition)
    assert says(others).endswith(" or stage is d")

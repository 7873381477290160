"""What somebody overlooks who writes a rule is told by its field, and what to do about it."""

from typing import Any

import pytest

from tests.domain.rules.scenes import ALERT, BELOW, PULSE, rule
from verger.base.errors import Invalid
from verger.domain.rules.adjusting import moved, thresholds
from verger.domain.rules.oversights import oversights

FREE = {"low": 2, "high": 8}
NESTED: Any = {"any": [{"not": BELOW | {"clear": 7}}, {"event": "door"}]}

OVERSIGHTS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "  "}, "name", "Give the rule a name."),
    ({"when": BELOW | {"metric": " "}}, "when.metric", "Write which metric is meant"),
    ({"when": {"event": "\t"}}, "when.event", "Write which kind of event"),
    ({"when": {"command": " ", "stage": "failed"}}, "when.command", "Write which method"),
    ({"only_if": {"all": [{"attribute": " ", "equals": 1}]}}, "only_if.all[0].attribute", "Write which attribute"),
    ({"then": [{"command": {"method": " "}}]}, "then[0].command.method", "what the device is to do"),
    ({"then": [ALERT, {"set": {"attribute": " ", "value": 1}}]}, "then[1].set.attribute", "Write which attribute"),
    ({"then": [{"task": {"title": " "}}]}, "then[0].task.title", "Write what is to be done."),
    (
        {"limits": {"when.clear": FREE}},
        "limits.when.clear",
        "There is no number at when.clear: name one of when.value.",
    ),
    ({"limits": {"when.all[0].value": FREE}}, "limits.when.all[0].value", "name one of when.value."),
    ({"limits": {"when.metric": FREE}}, "limits.when.metric", "There is no number"),
    ({"limits": {"rest_s": FREE}}, "limits.rest_s", "There is no number"),
    ({"limits": {"": FREE}}, "limits.", "There is no number"),
    ({"when": {"event": "door"}, "limits": {"when.value": FREE}}, "limits.when.value", "has no number that members"),
    ({"limits": {"when.value": {"low": 8, "high": 2}}}, "limits.when.value.low", "No number lies from 8 to 2"),
    ({"limits": {"when.value": {"low": 6}}}, "limits.when.value", "when.value is 5, and members could set it from 6"),
    ({"limits": {"when.value": {"high": 4.5}}}, "limits.when.value", "members could set it up to 4.5"),
]


def found(**more: Any) -> dict[str, str]:
    return {
        fault.field: fault.message
        for fault in oversights(rule(more.pop("when", BELOW), more.pop("then", ALERT), **more))
    }


@pytest.mark.parametrize(("written", "field", "said"), OVERSIGHTS)
def test_what_was_overlooked_is_told(written: dict[str, Any], field: str, said: str) -> None:
    told = found(**written)
    assert list(told) == [field]
    assert said in told[field]


def test_limits_of_numbers_that_stand_in_the_rule_are_taken() -> None:
    assert found(limits={"when.value": FREE}) == {}
    assert found(limits={"when.value": {"low": 5, "high": 5}}) == {}
    assert found(limits={"when.value": {}}) == {}
    assert found(when=NESTED, limits={"when.any[0].not.clear": FREE}, only_if=BELOW) == {}
    assert thresholds(rule(NESTED, only_if=BELOW | {"for_s": 0})) == {
        "when.any[0].not.value": 5,
        "when.any[0].not.clear": 7,
        "only_if.value": 5,
        "only_if.for_s": 0,
    }


@pytest.mark.parametrize("order", [1, -1])
def test_several_numbers_are_moved_at_once_in_whichever_order_they_are_named(order: int) -> None:
    before = rule(BELOW | {"clear": 7}, PULSE)
    numbers = dict([("when.value", 20.0), ("when.clear", 25.0)][::order])
    assert thresholds(moved(before, numbers)) == {"when.value": 20, "when.clear": 25}


def test_all_that_cannot_be_moved_is_told_and_nothing_is() -> None:
    before = rule(BELOW | {"for_s": 60})
    with pytest.raises(Invalid) as refused:
        moved(before, {"when.value": 3, "when.clear": 4, "when.for_s": -1, "elsewhere": 1})
    assert [fault.field for fault in refused.value.faults] == ["when.clear", "when.for_s", "elsewhere"]
    assert thresholds(before) == {"when.value": 5, "when.for_s": 60}

"""Rules that cannot be are refused with a sentence; those that can are read to the letter of the contract."""

from typing import Any

import msgspec
import pytest

from tests.domain.rules.scenes import ALERT, BELOW, HERE, PULSE, rule
from verger.base.errors import Invalid
from verger.domain.rules.compiled import compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.saying import sentence

ABOVE = {"metric": "t", "is": "above", "value": 8}
EVENT = {"event": "door"}
DOCUMENT = {
    "when": {"all": [{"metric": "soil", "device": "d", "is": "below", "value": 30, "clear": 35, "for_s": 120}]},
    "only_if": {"all": [{"between": ["06:00", "21:00"]}]},
    "then": [
        {"command": {"device": "d", "method": "pulse", "params": {"duration_s": 20}}},
        {"alert": {"severity": "warning", "message": "Soil at {value} %"}},
        {"task": {"title": "Check the reservoir", "due_in_s": 86400}},
    ],
    "rest_s": 1800,
    "when_silent": "wait",
    "late_s": 600,
    "most_per_hour": 20,
}
REFUSED: list[tuple[Any, str, str]] = [
    ({}, "when", "Say one thing"),
    (BELOW | EVENT, "when", "Say one thing"),
    ({"metric": "t"}, "when.is", "how it should be"),
    ({"metric": "t", "is": "below"}, "when.value", "Say below which value, such as 20."),
    ({"metric": "t", "is": "inside", "low": 1}, "when.high", "Say where the band ends"),
    ({"metric": "t", "is": "rises_by", "value": 1}, "when.within_s", "Say within how many seconds."),
    ({"metric": "t", "is": "above"}, "when.value", "Say above which value"),
    ({"metric": "t", "is": "equal"}, "when.value", "which value it should equal"),
    ({"metric": "t", "is": "outside", "high": 1}, "when.low", "Say where the band begins"),
    ({"metric": "t", "is": "falls_by", "within_s": 60}, "when.value", "Say by how much it should fall"),
    ({"all": [EVENT], "device": "d"}, "when.device", "says nothing with all"),
    ({"metric": "t", "is": "falls_by", "value": 0, "within_s": 60}, "when.value", "above 0"),
    (BELOW | {"low": 1}, "when.low", "says nothing with below"),
    (BELOW | {"tolerance": 1}, "when.tolerance", "says nothing"),
    (EVENT | {"for_s": 5}, "when.for_s", "says nothing with event"),
    ({"command": "on"}, "when.stage", "queued, sent, acknowledged"),
    ({"attribute": "on"}, "when.equals", "Say which value the attribute should equal."),
    (BELOW | {"clear": 4}, "when.clear", "ends above 5"),
    (ABOVE | {"clear": 9}, "when.clear", "ends below 8"),
    ({"all": [EVENT, BELOW | {"clear": 4}]}, "when.all[1].clear", "not 4"),
    ({"metric": "t", "is": "inside", "low": 3, "high": 1}, "when.low", "lesser"),
    ({"metric": "t", "is": "inside", "low": 1, "high": 3, "clear_by": -1}, "when.clear_by", "outside the band"),
    ({"metric": "t", "is": "outside", "low": 1, "high": 3, "clear_by": 2}, "when.clear_by", "never end"),
    ({"metric": "t", "is": "equal", "value": 3, "tolerance": -1}, "when.tolerance", "0 or more"),
    ({"silent_for_s": 0}, "when.silent_for_s", "how many seconds"),
    ({"schedule": "61 * * * *"}, "when.schedule", "0 to 59"),
    ({"schedule": "0 0 30 2 *"}, "when.schedule", "no such day"),
    ({"between": ["06:00", "25:00"]}, "when.between", "two times of the day"),
    ({"between": ["06:00", "6:00"]}, "when.between", "different times"),
    ({"any": []}, "when.any", "at least one"),
    ({"not": EVENT}, "when.not", "at a moment only"),
    ({"between": ["24:00", "00:00"]}, "when.between", "different times"),
]
for _depth in (9,):
    _deep: Any = BELOW
    for _ in range(_depth):
        _deep = {"not": _deep}
    REFUSED.append((_deep, "when.not.not.not.not.not.not.not", "8 deep"))
ACTIONS = [
    ([], "then", "1 to 20"),
    ([{}], "then[0]", "Say one thing"),
    ([ALERT | PULSE], "then[0]", "Say one thing"),
    ([{"notify": {"to": "user", "message": "x"}}], "then[0].notify.user", "id of the user"),
    ([{"notify": {"to": "members", "message": " "}}], "then[0].notify.message", "what people"),
    ([{"alert": {"clear_after_s": 0}}], "then[0].alert.clear_after_s", "how many seconds"),
]


def refused(when: Any, then: Any = ALERT, **more: Any) -> dict[str, str]:
    """Return what is wrong with a rule, by field."""
    with pytest.raises(Invalid) as caught:
        rule(when, then, **more)
    return {fault.field: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(("when", "field", "said"), REFUSED)
def test_a_condition_that_cannot_be_says_why(when: Any, field: str, said: str) -> None:
    assert said in refused(when)[field]


@pytest.mark.parametrize(("then", "field", "said"), ACTIONS)
def test_an_action_that_cannot_be_says_why(then: Any, field: str, said: str) -> None:
    assert said in refused(BELOW, then)[field]


def test_a_moment_cannot_be_a_reservation() -> None:
    assert "put it in when" in refused(BELOW, only_if=EVENT)["only_if"]


def test_a_command_needs_a_device_where_the_conditions_speak_of_none() -> None:
    pulse = {"command": {"method": "pulse"}}
    rule(BELOW, pulse)
    assert "Name the device" in refused({"schedule": "0 6 * * *"}, pulse)["then[0].command.device"]
    assert "Name the device" in refused(BELOW | {"device": "d"}, pulse)["then[0].command.device"]


def test_the_document_of_the_contract_is_read_and_written_to_the_letter() -> None:
    judged = rule(DOCUMENT["when"], **{name: value for name, value in DOCUMENT.items() if name != "when"})
    again = msgspec.json.decode(msgspec.json.encode(judged))
    assert again["when"] == DOCUMENT["when"]
    assert again["only_if"] == DOCUMENT["only_if"]
    assert again["then"][0]["command"] == DOCUMENT["then"][0]["command"] | {"ttl_s": 60}  # type: ignore[index]
    assert judged.devices == {"d"}
    assert not compiled(judged, HERE).of_each


@pytest.mark.parametrize(
    "moment",
    [{"schedule": "0 6 * * *", "catch_up": "once"}, {"sun": "sunset", "offset_s": 60}, {"between": ["06:00", "07:00"]}],
)
def test_a_time_may_name_a_device_as_any_condition_may(moment: Any) -> None:
    named = rule(moment | {"device": "d"}, PULSE)
    assert (named.devices, compiled(named, HERE).of_each) == ({"d"}, False)


def test_silence_makes_wait_what_acts_and_nothing_else_unless_told() -> None:
    assert [rule(BELOW, then).silently for then in (ALERT, PULSE)] == ["go_on", "wait"]
    assert rule(BELOW, PULSE, when_silent="go_on").silently == "go_on"


def test_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"metric": "t", "is": "below", "valeu": 5}, Condition)


def test_a_rule_is_told_as_a_sentence() -> None:
    told = rule(DOCUMENT["when"], DOCUMENT["then"], only_if=DOCUMENT["only_if"])
    assert sentence(told, lambda _: "Basil") == (
        "When soil stays below 30 for 2 min (Basil), only if it is between 06:00 and 21:00: "
        "tell Basil to pulse, then open an alert (warning), then make the task Check the reservoir."
    )

"""How a bridge's topics are read, and what is wrong with rules that cannot be."""

from datetime import UTC, datetime
from typing import Any

import pytest

from verger.base.errors import Invalid
from verger.domain.bridges.model import Bridge, Found, TopicRule


def bridge(*rules: TopicRule) -> Bridge:
    return Bridge(
        id="b",
        name="Site",
        host="broker.example",
        client_id="verger",
        filters=("#",),
        rules=rules,
        created_at=datetime(2027, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("topic", "says", "heard", "found"),
    [
        ("plant/{device}/t", "telemetry", "plant/A/t", Found("A", "plant/A/t/", "")),
        ("plant/{device}/t", "telemetry", "plant/A/t/more", None),
        ("plant/{device}/t", "telemetry", "plant/A", None),
        ("plant/{device}/t", "telemetry", "plant//t", None),
        ("mill/{device}/#", "native", "mill/A/v2/t", Found("A", "mill/A/", "v2/t")),
        ("mill/{device}/#", "native", "mill/A", None),
        ("site/#", "cottage", "site/sensors/data", Found("", "site/", "sensors/data")),
        ("site/#", "cottage", "other/sensors/data", None),
        ("site/+/#", "farm", "site/A/farm/N", Found("", "site/A/", "farm/N")),
        ("/#", "ozone", "/telemetry/status/1", Found("", "/", "telemetry/status/1")),
        ("#", "ozone", "telemetry/status/1", Found("", "", "telemetry/status/1")),
    ],
)
def test_a_rule_finds_the_device_and_what_stands_before_and_behind(
    topic: str, says: Any, heard: str, found: Found | None
) -> None:
    assert TopicRule(topic, says).match(heard) == found


@pytest.mark.parametrize(
    ("rule", "field", "sentence"),
    [
        ({"topic": "a/#/b"}, "topic", "A wildcard stands alone"),
        ({"topic": "a/b"}, "topic", "Put {device} where the topic names the device"),
        ({"topic": "a/{device}", "device": "A"}, "topic", "Put {device}"),
        ({"topic": "a/{device}", "says": "native"}, "topic", "stands for the native topic"),
        ({"topic": "a/{device}", "enrolment": "e"}, "enrolment", "leave it out here"),
        ({"topic": "site", "says": "cottage", "enrolment": "e"}, "topic", "stands for the family's own topic"),
        ({"topic": "{device}/#", "says": "farm", "enrolment": "e"}, "topic", "such as site/# or # alone"),
        (
            {"topic": "#", "says": "ozone", "enrolment": "e", "device": "A"},
            "device",
            "Devices of ozone name themselves",
        ),
        ({"topic": "#", "says": "ozone"}, "enrolment", "Choose the enrolment"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_at_its_field(rule: dict[str, Any], field: str, sentence: str) -> None:
    sound = TopicRule("a/{device}")
    with pytest.raises(Invalid) as refused:
        bridge(sound, TopicRule(**rule))
    [fault] = refused.value.faults
    assert fault.field == f"rules[1].{field}"
    assert sentence in fault.message


def test_rules_of_families_stand_beside_others() -> None:
    cottage, farm = (TopicRule("site/+/#", says, enrolment="e") for says in ("cottage", "farm"))
    assert len(bridge(cottage, farm, TopicRule("a/{device}")).rules) == 3

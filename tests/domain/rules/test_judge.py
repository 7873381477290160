"""What rules decide, as tables: a rule, what it is told, and what follows at which second."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.domain.rules.scenes import (
    ALERT,
    BELOW,
    PULSE,
    Told,
    attribute,
    command,
    event,
    quiet,
    said,
    scene,
    silent,
    speaks,
    t,
    time,
)
from verger.domain.rules.facts import Fact

FOR = BELOW | {"for_s": 60}
COOL = BELOW | {"clear": 7}
OPEN = {"metric": "door", "is": "equal", "value": 1}
SCENES: dict[str, tuple[Any, dict[str, Any], Sequence[Fact], list[Told]]] = {
    "hears two commands that come to a stage at one moment": (
        {"command": "pulse", "stage": "expired"},
        {"then": PULSE},
        [command(1, "pulse", "expired"), command(1, "pulse", "expired")],
        [("fire", 1, "pulse"), ("fire", 1, "pulse")],
    ),
    "fires once while it stays cold, and ends": (
        BELOW,
        {},
        [t(0, 8), t(10, 4), t(20, 3), t(30, 5), t(40, 4)],
        [("fire", 10, "t is 4"), ("again", 20, "t is 3"), ("clear", 30, ""), ("fire", 40, "t is 4")],
    ),
    "the first value counts": (BELOW, {}, [t(0, 4)], [("fire", 0, "t is 4")]),
    "does not flutter before it clears": (
        COOL,
        {},
        [t(0, 4), t(10, 6), t(20, 4.5), t(30, 7), t(40, 6), t(50, 4)],
        [
            ("fire", 0, "t is 4"),
            ("again", 10, "t is 6"),
            ("again", 20, "t is 4.5"),
            ("clear", 30, ""),
            ("fire", 50, "t is 4"),
        ],
    ),
    "fires when it has lasted, though nothing more is heard": (FOR, {}, [t(0, 4), time(100)], [("fire", 60, "t is 4")]),
    "a value that ends it in time": (FOR, {}, [t(0, 4), t(60, 8), time(100)], []),
    "lasting begins with the value that made it true": (
        FOR,
        {},
        [t(0, 4), t(30, 3), time(59), t(61, 2)],
        [("fire", 60, "t is 3"), ("again", 61, "t is 2")],
    ),
    "values of one message are of one moment": (
        {"all": [BELOW, OPEN]},
        {},
        [
            said(t(0, 8), t(0, 1, metric="door")),
            said(t(10, 4), t(10, 0, metric="door")),
            said(t(20, 8), t(20, 1, metric="door")),
            said(t(30, 3), t(30, 1, metric="door")),
        ],
        [("fire", 30, "t is 3")],
    ),
    "a message is seen once, however many of its values are as they should be": (
        {"all": [BELOW, OPEN]},
        {},
        [said(t(0, 4), t(0, 1, metric="door")), said(t(10, 3), t(10, 1, metric="door"))],
        [("fire", 0, "t is 4"), ("again", 10, "t is 3")],
    ),
    "the value that is as it should be speaks for a message": (
        {"any": [OPEN, BELOW]},
        {},
        [said(t(0, 0, metric="door"), t(0, 4)), said(t(10, 0, metric="door"), t(10, 3))],
        [("fire", 0, "t is 4"), ("again", 10, "t is 3")],
    ),
    "an attribute of the same message counts with its values": (
        {"all": [BELOW, {"not": {"attribute": "on", "equals": True}}]},
        {},
        [said(t(0, 8), attribute(0, "on", value=False)), said(t(10, 4), attribute(10, "on", value=True))],
        [],
    ),
    "what comes together is judged each at its own time": (
        FOR,
        {},
        [t(0, 8), t(20, 4, now=200), t(70, 8, now=200), t(80, 4, now=200), t(150, 4, now=200), t(160, 8, now=200)],
        [("fire", 140, "t is 4"), ("again", 150, "t is 4"), ("clear", 160, "")],
    ),
    "late values are not judged": (
        BELOW,
        {"late_s": 60},
        [t(0, 8), t(100, 4, now=161), t(101, 4, now=161)],
        [("fire", 101, "t is 4")],
    ),
    "what is not newer is not judged": (BELOW, {}, [t(10, 8), t(10, 4, now=11), t(9, 4, now=12), t(13, 8)], []),
    "a value sent again": (BELOW, {}, [t(10, 4), t(10, 4, now=20)], [("fire", 10, "t is 4")]),
    "rests, and fires for what came meanwhile when it has rested": (
        BELOW,
        {"rest_s": 100, "then": PULSE},
        [t(0, 4), t(10, 8), t(20, 4), time(99), time(200)],
        [("fire", 0, "pulse"), ("fire", 100, "pulse")],
    ),
    "what ended while it rested": (
        BELOW,
        {"rest_s": 100, "then": PULSE},
        [t(0, 4), t(10, 8), t(20, 4), t(30, 8), time(200)],
        [("fire", 0, "pulse")],
    ),
    "still so after the rest, seen by a new value": (
        BELOW,
        {"rest_s": 100, "then": PULSE},
        [t(0, 4), t(50, 4), time(150), t(160, 3), t(170, 3)],
        [("fire", 0, "pulse"), ("fire", 160, "pulse")],
    ),
    "without rest a pump runs once": (
        BELOW,
        {"then": PULSE},
        [t(0, 4), t(50, 4), t(100, 8), t(101, 4)],
        [("fire", 0, "pulse"), ("fire", 101, "pulse")],
    ),
    "only if, at once": (
        BELOW,
        {"only_if": {"attribute": "on", "equals": True}},
        [attribute(0, "on", value=True), t(1, 4)],
        [("fire", 1, "t is 4")],
    ),
    "only if, later": (
        BELOW,
        {"only_if": {"attribute": "on", "equals": True}},
        [attribute(0, "on", value=False), t(1, 4), attribute(2, "on", value=1), attribute(3, "on", value=True)],
        [("fire", 3, "t is 4")],
    ),
    "only if is not known": (BELOW, {"only_if": {"attribute": "on", "equals": True}}, [t(1, 4)], []),
    "above": (
        {"metric": "t", "is": "above", "value": 5, "clear": 4},
        {},
        [t(0, 5), t(1, 6), t(2, 4.5), t(3, 4)],
        [("fire", 1, "t is 6"), ("again", 2, "t is 4.5"), ("clear", 3, "")],
    ),
    "equal": (
        {"metric": "t", "is": "equal", "value": 5, "tolerance": 0.5},
        {},
        [t(0, 4.4), t(1, 4.5), t(2, 6)],
        [("fire", 1, "t is 4.5"), ("clear", 2, "")],
    ),
    "inside": (
        {"metric": "t", "is": "inside", "low": 1, "high": 2, "clear_by": 1},
        {},
        [t(0, 0.5), t(1, 1), t(2, 3), t(3, 3.1)],
        [("fire", 1, "t is 1"), ("again", 2, "t is 3"), ("clear", 3, "")],
    ),
    "outside": (
        {"metric": "t", "is": "outside", "low": 1, "high": 9, "clear_by": 1},
        {},
        [t(0, 1), t(1, 0), t(2, 1.5), t(3, 2)],
        [("fire", 1, "t is 0"), ("again", 2, "t is 1.5"), ("clear", 3, "")],
    ),
    "rises": (
        {"metric": "t", "is": "rises_by", "value": 5, "within_s": 60},
        {},
        [t(0, 10), t(30, 14), t(60, 15), t(61, 15), t(200, 30), t(201, 20), t(202, 24), t(203, 25)],
        [("fire", 60, "t is 15"), ("clear", 60, ""), ("fire", 203, "t is 25")],
    ),
    "falls": (
        {"metric": "t", "is": "falls_by", "value": 5, "within_s": 60},
        {},
        [t(0, 10), t(30, 4), time(100)],
        [("fire", 30, "t is 4"), ("clear", 60, "")],
    ),
    "an event and its children, each once": (
        {"event": "door"},
        {"then": PULSE},
        [
            event(0, "door"),
            event(1, "door.open", "a"),
            event(1, "door.open", "a", now=5),
            event(6, "doors"),
            event(7, "door", "b"),
        ],
        [("fire", 0, "pulse"), ("fire", 1, "pulse"), ("fire", 7, "pulse")],
    ),
    "the alert of an event ends after a time": (
        {"event": "door"},
        {"then": {"alert": {"message": "open", "clear_after_s": 60}}},
        [event(0, "door"), event(50, "door"), time(200)],
        [("fire", 0, "open"), ("fire", 50, "open"), ("clear", 110, "")],
    ),
    "the alert of a value that is not heard again": (
        BELOW,
        {"then": {"alert": {"message": "{value}", "clear_after_s": 60}}},
        [t(0, 4), t(50, 3), time(200), t(300, 2), t(310, 9)],
        [("fire", 0, "4"), ("again", 50, "3"), ("clear", 110, ""), ("again", 300, "2"), ("clear", 310, "")],
    ),
    "an event while it is cold": (
        {"all": [{"event": "door"}, BELOW]},
        {},
        [t(0, 8), event(1, "door"), t(2, 4), event(3, "door"), t(4, 3)],
        [("fire", 3, "t is 4")],
    ),
    "an event or cold": (
        {"any": [{"event": "door"}, BELOW]},
        {"then": PULSE},
        [event(1, "door"), t(2, 4), event(3, "door"), t(4, 3)],
        [("fire", 1, "pulse"), ("fire", 2, "pulse"), ("fire", 3, "pulse")],
    ),
    "both": (
        {"all": [BELOW, {"metric": "h", "is": "above", "value": 80}]},
        {"then": PULSE},
        [t(0, 4), t(1, 90, metric="h"), t(2, 3), t(3, 70, metric="h"), t(4, 95, metric="h")],
        [("fire", 1, "pulse"), ("fire", 4, "pulse")],
    ),
    "either is one": (
        {"any": [BELOW, {"metric": "h", "is": "above", "value": 80}]},
        {"then": PULSE},
        [t(0, 4), t(1, 90, metric="h"), t(2, 9), t(3, 4), t(4, 9), t(5, 70, metric="h"), t(6, 4)],
        [("fire", 0, "pulse"), ("fire", 6, "pulse")],
    ),
    "not what is not known": (
        {"not": BELOW},
        {"then": PULSE},
        [time(10), t(11, 4), t(12, 6), t(13, 7)],
        [("fire", 12, "pulse")],
    ),
    "a command that failed": (
        {"command": "pulse", "stage": "failed"},
        {},
        [command(0, "pulse", "sent"), command(1, "pulse", "failed")],
        [("fire", 1, "t is {value}")],
    ),
    "an attribute": (
        {"attribute": "door", "equals": "open"},
        {"then": PULSE},
        [
            attribute(0, "door", "shut"),
            attribute(1, "door", "open"),
            attribute(2, "door", "open"),
            attribute(3, "door", None),
            attribute(4, "door", "open"),
        ],
        [("fire", 1, "pulse"), ("fire", 4, "pulse")],
    ),
    "silence": (
        {"silent_for_s": 60},
        {"then": {"alert": {}}},
        [quiet(60, 60), quiet(90, 90), quiet(100, 0), quiet(160, 60)],
        [("fire", 60, "A rule"), ("clear", 100, ""), ("fire", 160, "A rule")],
    ),
    "goes on while silent": (FOR, {"when_silent": "go_on"}, [t(0, 4), silent(30), time(100)], [("fire", 60, "t is 4")]),
    "waits while silent, as what acts does": (
        FOR,
        {"then": PULSE},
        [t(0, 4), silent(30), time(100), t(200, 4), speaks(200), time(201)],
        [("fire", 200, "pulse")],
    ),
    "waits, and what it then says ends it": (
        FOR,
        {"then": PULSE},
        [t(0, 4), silent(30), time(100), speaks(200), t(200, 8), time(201)],
        [],
    ),
    "waits, and what it then says is about something else": (
        FOR,
        {"then": PULSE},
        [t(0, 4), silent(30), time(100), speaks(200), t(200, 8, metric="h"), time(201)],
        [("fire", 200, "pulse")],
    ),
    "begins anew after silence": (
        FOR,
        {"when_silent": "reset"},
        [t(0, 4), silent(30), time(100), speaks(200), t(200, 4), time(300)],
        [("fire", 260, "t is 4")],
    ),
    "an alert before silence ends after it": (
        BELOW,
        {"when_silent": "reset"},
        [t(0, 4), silent(30), speaks(200), t(200, 8)],
        [("fire", 0, "t is 4"), ("clear", 200, "")],
    ),
}


@pytest.mark.parametrize(("when", "more", "facts", "expected"), SCENES.values(), ids=SCENES)
def test_a_rule_decides(when: Any, more: dict[str, Any], facts: Sequence[Fact], expected: list[Told]) -> None:
    assert scene(when, facts, **{"then": ALERT} | more) == expected

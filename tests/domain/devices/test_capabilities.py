"""What a device can be told, and what is refused with its range."""

from typing import Any

import pytest

from verger.base.errors import Invalid
from verger.domain.devices.capabilities import check, find, proof, turns_off
from verger.domain.devices.model import Capability, Param

PULSE = Capability(
    method="pulse",
    params={
        "duration_s": Param(unit="s", low=1, high=60),
        "count": Param(type="integer", default=1, low=1),
        "mode": Param(one_of=["soft", 2], default="soft"),
        "quiet": Param(type="boolean", default=False),
        "note": Param(type="string", default=""),
    },
    shows={"pulsed": "{duration_s}", "state": "on"},
)


def test_defaults_are_filled_in_and_the_proof_is_known() -> None:
    values = check(PULSE, {"duration_s": 20, "mode": 2})
    assert values == {"duration_s": 20, "count": 1, "mode": 2, "quiet": False, "note": ""}
    assert proof(PULSE, values) == {"pulsed": 20, "state": "on"}
    assert proof(Capability(method="ping"), {}) is None
    switch = Capability(method="on", params={"socket": Param(type="string")}, shows={"relay_{socket}": True})
    assert proof(switch, {"socket": "a"}) == {"relay_a": True}
    assert check(Capability(method="ping"), None) == {}


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        ({"duration_s": 61}, "params.duration_s", "duration_s is a number from 1 to 60 s."),
        ({"duration_s": True}, "params.duration_s", "duration_s is a number from 1 to 60 s."),
        ({}, "params.duration_s", "Give duration_s, a number from 1 to 60 s."),
        ({"duration_s": 1, "count": 1.5}, "params.count", "count is a whole number from 1."),
        ({"duration_s": 1, "count": 0}, "params.count", "count is a number from 1."),
        ({"duration_s": 1, "mode": "hard"}, "params.mode", "mode is one of soft, 2."),
        ({"duration_s": 1, "quiet": 1}, "params.quiet", "quiet is true or false."),
        ({"duration_s": 1, "note": 1}, "params.note", "note is text."),
        ({"duration_s": 1, "note": "x" * 20_000}, "params", "Parameters take at most 16 KiB."),
        ({"duration_s": 1, "speed": 1}, "params.speed", "There is no parameter speed; it takes duration_s"),
        ([1], "params", "Write the parameters by their names"),
    ],
)
def test_what_is_out_of_range_is_refused_and_the_range_named(params: Any, field: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(PULSE, params)
    assert refused.value.faults[0].field == field
    assert refused.value.faults[0].message.startswith(message)


def test_a_method_that_is_not_there_is_refused_with_the_nearest() -> None:
    assert find([PULSE], "pulse") is PULSE
    with pytest.raises(Invalid, match="did you mean pulse"):
        find([PULSE], "puls")
    with pytest.raises(Invalid, match="can do nothing"):
        find([], "pulse")


def test_all_off_knows_what_turns_a_device_off() -> None:
    assert turns_off(Capability(method="set", off={"on": False})) == [{"on": False}]
    assert turns_off(Capability(method="turn_off")) == [{}]
    assert turns_off(Capability(method="off", params={"socket": Param()})) == []
    each = [{"socket": "a"}, {"socket": "b"}]
    assert turns_off(Capability(method="off", params={"socket": Param(one_of=["a", "b"])})) == each
    assert turns_off(PULSE) == []

"""What gateways say, in the shapes that real ones send."""

import json
from typing import Any

import pytest

from verger.base.errors import Fault
from verger.domain.telemetry.model import Ack, Attributes, Behind, Claim, Garbled, Readings, Relayed
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.native import Answered, Ask, AskedBehind, Frame, Wanted


def said(word: str, message: Any) -> Any:
    return native.read("gw", f"v1/gateway/{word}", json.dumps(message).encode())


def test_telemetry_of_several_devices_is_one_message() -> None:
    message = {
        "Dev A": [
            {"ts": 1483228800000, "values": {"temperature": 42, "humidity": 80}},
            {"ts": 1483228801000, "values": {"temperature": 43}},
        ],
        "Dev B": [{"ts": 1483228800000, "values": {"temperature": 42}}],
    }
    assert said("telemetry", message) == Relayed(
        "gw",
        (),
        behind=(
            Behind(
                "Dev A",
                (
                    Readings({"temperature": 42.0, "humidity": 80.0}, 1483228800000000),
                    Readings({"temperature": 43.0}, 1483228801000000),
                ),
            ),
            Behind("Dev B", (Readings({"temperature": 42.0}, 1483228800000000),)),
        ),
    )


def test_telemetry_without_times_or_with_text_is_read_as_that_of_any_device() -> None:
    heard = said(
        "telemetry", {"A": [{"t": 1}], "B": {"t": "2", "mode": "eco"}, "C": [{"ts": 5000, "values": {"door": True}}]}
    )
    assert heard.behind == (
        Behind("A", (Readings({"t": 1.0}),)),
        Behind("B", (Readings({"t": 2.0}), Attributes({"mode": "eco"}))),
        Behind("C", (Readings({"door": 1.0}, 5_000_000),)),
    )


def test_what_is_wrong_with_one_device_refuses_only_that_part() -> None:
    heard = said("telemetry", {"A": [{"t": 1, "u": "nan"}], "B": 7, "": [{"t": 1}], "D": [{"t": 4}]})
    assert [part.name for part in heard.behind] == ["A", "D"]
    assert [fault.field for fault in heard.refused] == ["A.u", "B", ""]
    assert heard.refused[0] == Fault("A.u", "This is not a number.")


def test_attributes_come_by_device() -> None:
    message = {"Dev A": {"attribute1": "value1", "attribute2": 42}, "Dev B": {"attribute1": "value1"}}
    assert said("attributes", message).behind == (
        Behind("Dev A", (Attributes({"attribute1": "value1", "attribute2": 42}),)),
        Behind("Dev B", (Attributes({"attribute1": "value1"}),)),
    )


def test_devices_come_and_go() -> None:
    assert said("connect", {"device": "Dev A"}).behind == (Behind("Dev A"),)
    assert said("connect", {"device": "Dev A", "type": "meter"}).behind == (Behind("Dev A", kind="meter"),)
    assert said("disconnect", {"device": "Dev A"}).behind == (Behind("Dev A", gone=True),)


def test_devices_behind_are_opened_to_be_claimed() -> None:
    heard = said("claim", {"Dev A": {"secretKey": "value_A", "durationMs": 60000}, "Dev B": {}})
    assert heard.claims == (Claim("Dev A", "value_A", 60000), Claim("Dev B", ""))
    assert [part.name for part in heard.behind] == ["Dev A", "Dev B"]


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ({"id": 1, "device": "A", "client": True, "key": "k"}, AskedBehind(1, "A", ("k",), (), single=True)),
        ({"id": 2, "device": "A", "client": False, "key": "k"}, AskedBehind(2, "A", (), ("k",), single=True)),
        ({"id": 3, "device": "A", "client": False, "keys": ["k", "l"]}, AskedBehind(3, "A", (), ("k", "l"))),
        ({"id": 4, "device": "A", "client": ["k"], "shared": ["l"]}, AskedBehind(4, "A", ("k",), ("l",), apart=True)),
    ],
)
def test_attributes_are_asked_for_in_each_shape(message: Any, asked: AskedBehind) -> None:
    assert said("attributes/request", message) == asked


def test_an_answer_to_a_command_names_the_device() -> None:
    ack = Ack(7, "answer", answered=True, result={"success": True})
    answer = {"device": "A", "id": 7, "data": {"success": True}}
    assert said("rpc", answer) == Relayed("gw", (), behind=(Behind("A", (ack,)),))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("telemetry", []),
        ("connect", {}),
        ("connect", {"device": 7}),
        ("connect", {"device": "A", "type": 7}),
        ("connect", {"device": "x" * 201}),
        ("disconnect", {"device": "a\nb"}),
        ("claim", {"A": "now"}),
        ("claim", {"A": {"durationMs": -1}}),
        ("claim", {"A": {"durationMs": "long"}}),
        ("claim", {"A": {"secretKey": 7}}),
        ("attributes/request", {"id": 1, "device": "A"}),
        ("rpc", {"id": 1}),
        ("rpc", {"id": "x", "device": "A"}),
        ("elsewhere", {}),
    ],
)
def test_what_makes_no_sense_is_told(word: str, message: Any) -> None:
    with pytest.raises(Garbled):
        said(word, message)


def test_orders_for_a_device_behind_go_to_its_gateway() -> None:
    [first, second] = native.write(Wanted({"every_s": 60}, ("old",), "A"))
    assert first == Frame("v1/gateway/attributes", b'{"device":"A","data":{"every_s":60}}')
    assert second == Frame("v1/gateway/attributes", b'{"device":"A","data":{"deleted":["old"]}}')
    [frame] = native.write(Ask(7, "pulse", {"s": 20}, "A"))
    assert frame == Frame("v1/gateway/rpc", b'{"device":"A","data":{"id":7,"method":"pulse","params":{"s":20}}}')


@pytest.mark.parametrize(
    "topic", ["v1/gateway/attributes", "v1/gateway/attributes/response", "v1/gateway/rpc", "v1/gateway/+"]
)
def test_a_gateway_may_hear_its_own_topics(topic: str) -> None:
    assert native.may_hear(topic)


@pytest.mark.parametrize("topic", ["v1/gateway/#", "v1/gateway/telemetry", "v1/+/attributes", "v1/gateway/connect"])
def test_and_no_others(topic: str) -> None:
    assert not native.may_hear(topic)


def test_a_device_may_say_that_it_can_be_claimed() -> None:
    def claim(body: bytes) -> Any:
        return native.read("d", "v1/devices/me/claim", body)

    assert claim(b'{"secretKey":"value","durationMs":60000}') == Relayed("d", (), claims=(Claim("", "value", 60000),))
    assert claim(b"") == claim(b"{}") == Relayed("d", (), claims=(Claim("", ""),))


@pytest.mark.parametrize("kind", ["fw", "sw"])
def test_a_firmware_that_is_asked_for_is_answered(kind: str) -> None:
    asked = native.read("d", f"v2/{kind}/request/1/chunk/0", b"4096")
    assert asked == native.FirmwareAsked(kind)
    assert native.write(Answered(f"v2/{kind}/error", b"NOT_FOUND")) == [Frame(f"v2/{kind}/error", b"NOT_FOUND")]

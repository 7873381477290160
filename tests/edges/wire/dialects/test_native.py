"""The native dialect with the messages that devices of that family send."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verger.domain.telemetry.model import Ack, Attributes, Event, Garbled, Heard, Readings
from verger.edges.wire.dialects import native, native_said
from verger.edges.wire.dialects.native import Answered, Ask, AttributesAsked, Called, Frame, Wanted

TELEMETRY = "v1/devices/me/telemetry"
AT_MS = 1_763_690_000_123
AT = AT_MS * 1000


def heard(body: str | bytes, topic: str = TELEMETRY) -> Heard:
    meaning = native.read("d", topic, body.encode() if isinstance(body, str) else body)
    assert isinstance(meaning, Heard)
    assert meaning.device == "d"
    return meaning


def refused(body: str | bytes, topic: str = TELEMETRY) -> list[str]:
    return [fault.field for fault in heard(body, topic).refused]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"t":21.5,"h":55}', (Readings({"t": 21.5, "h": 55.0}),)),
        ('[{"t":1},{"h":2}]', (Readings({"t": 1.0}), Readings({"h": 2.0}))),
        (f'{{"ts":{AT_MS},"values":{{"t":1}}}}', (Readings({"t": 1.0}, AT),)),
        (f' {{ "values": {{"t":1}}, "ts": {AT_MS} }}', (Readings({"t": 1.0}, AT),)),
        (f'[{{"ts":{AT_MS},"values":{{"t":1}}}},{{"t":2}}]', (Readings({"t": 1.0}, AT), Readings({"t": 2.0}))),
        (
            f'[{{"ts":{AT_MS},"values":{{"t":1}}}},{{"ts":1,"values":{{"t":2}}}}]',
            (Readings({"t": 1.0}, AT), Readings({"t": 2.0}, 1000)),
        ),
        (f'{{"ts":"{AT_MS}","values":{{"t":1}}}}', (Readings({"t": 1.0}, AT),)),
        ('{"ts":1.5,"values":{"t":1}}', (Readings({"t": 1.0}, 1500),)),
        ('{"ts":null,"values":{"t":1}}', (Readings({"t": 1.0}),)),
        ('{"ts":5}', (Readings({"ts": 5.0}),)),
        ('{"ts":5,"values":6}', (Readings({"ts": 5.0, "values": 6.0}),)),
    ],
)
def test_reads_telemetry_in_all_its_shapes(body: str, said: tuple[Readings, ...]) -> None:
    assert heard(body) == Heard("d", said)


@pytest.mark.parametrize("topic", [TELEMETRY, "v2/t", "v2/t/j"])
def test_reads_telemetry_at_short_topics_too(topic: str) -> None:
    assert heard('{"t":1}', topic).said == (Readings({"t": 1.0}),)


def test_numeric_text_and_booleans_are_readings_and_the_rest_are_attributes() -> None:
    said = heard('{"a":"21.5","b":true,"c":false,"d":"on","e":{"x":[1]},"f":null,"g":[]}').said
    assert said == (
        Readings({"a": 21.5, "b": 1.0, "c": 0.0}),
        Attributes({"d": "on", "e": {"x": [1]}, "g": []}),
    )


def test_attributes_inside_telemetry_keep_its_time() -> None:
    assert heard(f'{{"ts":{AT_MS},"values":{{"mode":"auto"}}}}').said == (Attributes({"mode": "auto"}, AT),)


def test_a_bad_value_is_refused_by_its_name_and_all_others_are_kept() -> None:
    message = heard('{"a":1,"b":1e999,"c":NaN,"d":-Infinity,"e":"nan","f":"inf","g":1e301,"h":2}')
    assert message.said == (Readings({"a": 1.0, "h": 2.0}),)
    assert [fault.field for fault in message.refused] == ["b", "c", "d", "e", "f", "g"]


def test_a_number_of_five_thousand_digits_is_refused_by_its_name() -> None:
    assert refused(f'{{"a":{"9" * 5000},"b":1}}') == ["a"]
    assert refused(f'{{"a":{"9" * 399},"b":1}}') == ["a"]


def test_a_name_must_be_short_and_printable() -> None:
    message = heard(f'{{"":1,"{"n" * 129}":2,"a\\u0000b":3,"{"m" * 128}":4}}')
    assert message.said == (Readings({"m" * 128: 4.0}),)
    assert [fault.field for fault in message.refused] == ["", "n" * 128, "a?b"]


def test_text_that_is_not_text_is_refused_by_its_name() -> None:
    assert refused('{"a":"\\ud800","b":"fine"}') == ["a"]
    assert refused('{"\\ud800":"x","b":1}') == ["?"]


def test_a_value_nested_too_deep_or_too_large_is_refused_by_its_name() -> None:
    assert refused(f'{{"a":{"[" * 20}{"]" * 20},"b":1}}') == ["a"]
    assert refused(json.dumps({"a": "x" * 70_000, "b": 1})) == ["a"]
    assert refused('{"a":[123456789012345678901234567890],"b":1}') == ["a"]


def test_an_entry_with_a_bad_time_is_refused_and_the_others_are_kept() -> None:
    message = heard(f'[{{"ts":"noon","values":{{"t":1}}}},7,{{"ts":{AT_MS},"values":{{"t":2}}}}]')
    assert message.said == (Readings({"t": 2.0}, AT),)
    assert [fault.field for fault in message.refused] == ["ts", "[1]"]


def test_a_time_far_out_still_is_a_time() -> None:
    said = heard('{"ts":123456789012345678901234567890,"values":{"t":1}}').said
    assert isinstance(said[0], Readings)
    assert said[0].at == 1 << 62


def test_the_last_of_equal_names_counts_as_everywhere_in_json() -> None:
    assert heard('{"t":1,"t":2}').said == (Readings({"t": 2.0}),)


def test_nothing_said_is_nothing_kept_and_nothing_refused() -> None:
    assert heard("{}") == heard("[]") == heard('{"t":null}') == Heard("d", ())


def test_says_only_so_many_faults() -> None:
    message = heard(json.dumps({f"k{i}": "nan" for i in range(500)}))
    assert len(message.refused) == native_said.MOST_FAULTS + 1
    assert message.refused[-1].message == "450 further values were refused."


@pytest.mark.parametrize("body", [b"", b"{", b"21.5", b'"x"', b"null", b"\xff\xfe", b'{"a":1}x', b"[" * 100_000])
def test_what_is_not_telemetry_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        native.read("d", TELEMETRY, body)


def test_a_byte_order_mark_is_forgiven() -> None:
    assert heard(b'\xef\xbb\xbf{"t":1}').said == (Readings({"t": 1.0}),)


@pytest.mark.parametrize("topic", ["v1/devices/me/attributes", "v2/a", "v2/a/j"])
def test_reads_attributes_of_every_kind(topic: str) -> None:
    said = heard('{"firmware":"1.2","floor":3,"on":true,"gps":{"lat":1.5},"gone":null}', topic).said
    assert said == (Attributes({"firmware": "1.2", "floor": 3, "on": True, "gps": {"lat": 1.5}}),)


def test_attributes_that_cannot_be_are_refused_by_name() -> None:
    assert refused('{"a":1e999,"b":NaN,"c":1}', "v1/devices/me/attributes") == ["a", "b"]
    with pytest.raises(Garbled):
        native.read("d", "v1/devices/me/attributes", b"[1]")


EVENTS = "v1/devices/me/events"


@pytest.mark.parametrize(
    ("body", "event"),
    [
        ('{"kind":"door.opened"}', Event("door.opened")),
        (f'{{"kind":"a","at":{AT_MS},"id":"7","data":{{"x":1}}}}', Event("a", {"x": 1}, AT, "7")),
        ('{"kind":"a","at":"2025-11-21T01:53:20.123Z","id":7}', Event("a", None, AT, "7")),
        ('{"kind":"a","at":"2025-11-21T02:53:20.123+01:00"}', Event("a", None, AT)),
    ],
)
def test_reads_events(body: str, event: Event) -> None:
    assert heard(body, EVENTS).said == (event,)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "kind"),
        ('{"kind":7}', "kind"),
        ('{"kind":"a..b"}', "kind"),
        ('{"kind":"a b"}', "kind"),
        ('{"kind":"a","id":{}}', "id"),
        ('{"kind":"a","id":true}', "id"),
        ('{"kind":"a","at":"noon"}', "at"),
        ('{"kind":"a","at":"2025-11-21T01:53:20"}', "at"),
        ('{"kind":"a","data":[123456789012345678901234567890]}', "data"),
        ("7", ""),
    ],
)
def test_says_which_field_of_an_event_is_wrong(body: str, field: str) -> None:
    assert refused(body, EVENTS) == [field]
    several = heard(f'[{body},{{"kind":"fine"}}]', EVENTS)
    assert several.said == (Event("fine"),)


@pytest.mark.parametrize(
    ("topic", "body", "meaning"),
    [
        (
            "v1/devices/me/attributes/request/7",
            '{"clientKeys":"a, b","sharedKeys":"c"}',
            AttributesAsked("v1/devices/me/attributes/response/7", ("a", "b"), ("c",)),
        ),
        ("v2/a/req/7", '{"sharedKeys":"c"}', AttributesAsked("v2/a/res/7", (), ("c",))),
        ("v2/a/req/j/7", "", AttributesAsked("v2/a/res/j/7", None, None)),
        (
            "v1/devices/me/rpc/request/3",
            '{"method":"getSessionLimits","params":{}}',
            Called("v1/devices/me/rpc/response/3", "getSessionLimits", {}),
        ),
        ("v2/r/req/3", '{"method":"m"}', Called("v2/r/res/3", "m")),
        ("v1/devices/me/rpc/response/9", "", Heard("d", (Ack(9, "answer", answered=True),))),
        ("v2/r/res/9", "1", Heard("d", (Ack(9, "answer", answered=True, result=1),))),
        ("v2/r/res/j/9", "1", Heard("d", (Ack(9, "answer", answered=True, result=1),))),
    ],
)
def test_reads_what_a_device_asks_and_answers(topic: str, body: str, meaning: native.Meaning) -> None:
    assert native.read("d", topic, body.encode()) == meaning


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("somewhere/else", "{}"),
        ("v2/t/p", "x"),
        ("v1/devices/me/rpc/request/1", "{}"),
        ("v1/devices/me/rpc/response/x", "{}"),
        ("v1/devices/me/rpc/request/1", '{"method":7}'),
        ("v1/devices/me/attributes/request/1", "[]"),
        ("v1/devices/me/attributes/request/1", '{"clientKeys":7}'),
    ],
)
def test_strange_things_are_garbled(topic: str, body: str) -> None:
    with pytest.raises(Garbled):
        native.read("d", topic, body.encode())


@pytest.mark.parametrize(
    "topic",
    [
        "v1/devices/me/attributes",
        "v1/devices/me/attributes/response/+",
        "v1/devices/me/attributes/response/7",
        "v1/devices/me/rpc/request/+",
        "v1/devices/me/rpc/response/+",
        "v2/a",
        "v2/a/j",
        "v2/a/res/+",
        "v2/r/req/j/+",
        "v2/fw/response/+",
        "v2/fw/response/+/chunk/+",
        "v2/sw/error",
        "/provision/response",
    ],
)
def test_a_device_may_hear_its_own_words(topic: str) -> None:
    assert native.may_hear(topic)


@pytest.mark.parametrize("topic", ["#", "+/+", "v1/#", "v1/devices/me/telemetry", "v1/devices/me/rpc/request/#", "a"])
def test_a_device_may_hear_nothing_else(topic: str) -> None:
    assert not native.may_hear(topic)


@pytest.mark.parametrize(
    ("order", "form", "frames"),
    [
        (Answered("x/1", {"a": 1}), "", [Frame("x/1", b'{"a":1}')]),
        (Ask(7, "on", 1), "", [Frame("v1/devices/me/rpc/request/7", b'{"method":"on","params":1}')]),
        (Ask(7, "on"), "v2", [Frame("v2/r/req/7", b'{"method":"on","params":null}')]),
        (Ask(7, "on"), "v2/j", [Frame("v2/r/req/j/7", b'{"method":"on","params":null}')]),
        (
            Wanted({"a": 1}, ("b",)),
            "",
            [Frame("v1/devices/me/attributes", b'{"a":1}'), Frame("v1/devices/me/attributes", b'{"deleted":["b"]}')],
        ),
        (Wanted({"a": 1}), "v2", [Frame("v2/a", b'{"a":1}')]),
        (Wanted({"a": 1}), "v2/j", [Frame("v2/a/j", b'{"a":1}')]),
    ],
)
def test_writes_orders(order: native.Order, form: str, frames: list[Frame]) -> None:
    assert native.write(order, form) == frames
    assert all(native.may_hear(frame.topic) for frame in frames if not isinstance(order, Answered))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from([TELEMETRY, "v1/devices/me/attributes", EVENTS]), _JSON)
def test_any_json_is_heard_or_garbled_and_can_be_written_down(topic: str, value: Any) -> None:
    try:
        meaning = native.read("d", topic, json.dumps(value).encode())
    except Garbled:
        return
    assert isinstance(meaning, Heard)
    msgspec.msgpack.encode(meaning)
    for said in meaning.said:
        assert said.values if isinstance(said, Readings | Attributes) else isinstance(said, Event) and said.kind


@given(st.sampled_from([TELEMETRY, EVENTS, "v1/devices/me/rpc/request/1"]), st.binary())
def test_any_bytes_are_heard_or_garbled(topic: str, body: bytes) -> None:
    try:
        native.read("d", topic, body)
    except Garbled:
        return

"""What simulated devices say in the native dialect."""

import json

from verger.simulator import native
from verger.simulator.history import Occurrence


def test_one_sample_is_an_object_with_its_own_time_in_milliseconds() -> None:
    topic, body = native.telemetry([(1_795_000_000_123_000, {"temperature": 21.5})])
    assert topic == "v1/devices/me/telemetry"
    assert json.loads(body) == {"ts": 1_795_000_000_123, "values": {"temperature": 21.5}}


def test_several_samples_are_a_list() -> None:
    _, body = native.telemetry([(1_000_000, {"a": 1.0}), (2_000_000, {"a": 2.0})])
    assert json.loads(body) == [{"ts": 1000, "values": {"a": 1.0}}, {"ts": 2000, "values": {"a": 2.0}}]


def test_an_event_has_its_time_and_id_and_its_data_only_if_there_is_any() -> None:
    topic, body = native.event(Occurrence("door.opened", 5_000_000, "door.opened-7"))
    assert (topic, json.loads(body)) == (
        "v1/devices/me/events",
        {"kind": "door.opened", "at": 5000, "id": "door.opened-7"},
    )
    assert json.loads(native.event(Occurrence("a", 0, "1", {"duration_s": 20}))[1])["data"] == {"duration_s": 20}


def test_attributes_are_a_flat_object() -> None:
    assert native.attributes({"firmware": "1.4.2"}) == ("v1/devices/me/attributes", b'{"firmware":"1.4.2"}')

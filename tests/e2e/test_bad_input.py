"""What devices say wrong: answered by the word, the rest of it kept, and told on the device's log page."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.home import Home, Thing
from tests.e2e.speaking import Answer, Device
from tests.e2e.waiting import until

LONG = "k" * 129
MIXED = f'{{"temperature": 21.5, "wrong": NaN, "huge": 1e999, "{LONG}": 1, "humidity": 40}}'.encode()
WHY = {
    "wrong": "This is not a number.",
    "huge": "A reading lies within ±1e+300.",
    LONG[:128]: "A name has 1 to 128 printable characters.",
}
SENSELESS = [b"garbage", b"", b"[1, 2", b"\xff\xfe", b'"text"', b"{}", b'{"a": null}', b"[" * 9_000]


@pytest.fixture
def thing(shared: Home) -> Thing:
    return shared.add_device()


def by_mqtt(home: Home, thing: Thing, told: object, level: int = 5) -> Answer:
    """Say something over MQTT, see that the connection stays, and return the PUBACK."""
    with Device(home.server.mqtt, level) as device:
        assert device.connect(thing.token).code == 0
        answer = device.say(told)
        assert device.ping().kind == 13
    return answer


def test_over_http_the_other_values_are_kept_and_each_refused_one_is_named(shared: Home, thing: Thing) -> None:
    answer = shared.tell(thing, MIXED)
    assert answer.status_code == 200
    assert {fault["field"]: fault["message"] for fault in answer.json()["refused"]} == WHY
    assert until(lambda: set(shared.latest(thing))) == {"temperature", "humidity"}


def test_over_mqtt_5_the_puback_says_success_with_a_property_for_each_refused_key(shared: Home, thing: Thing) -> None:
    answer = by_mqtt(shared, thing, MIXED)
    assert (answer.kind, answer.code, answer.properties) == (4, 0, WHY)
    assert answer.reason
    assert until(lambda: set(shared.latest(thing))) == {"temperature", "humidity"}


def test_what_was_refused_stands_on_the_log_page_with_its_reason(shared: Home, thing: Thing) -> None:
    by_mqtt(shared, thing, MIXED, level=4)
    page = until(lambda: shared.log_page(thing))
    assert sorted(page) == sorted(("refused", f"{key}: {why}") for key, why in WHY.items())


@pytest.mark.parametrize(
    "body", [b"garbage", b"", b"[1, 2", b"\xff\xfe", b'"text"', b"{}", b'{"a": null}', b"[" * 9_000]
)
def test_of_a_message_without_sense_nothing_is_kept_and_the_connection_stays(
    shared: Home, thing: Thing, body: bytes
) -> None:
    refused = shared.tell(thing, body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert refused.json()["detail"]
    assert by_mqtt(shared, thing, body).code == 0x99
    assert by_mqtt(shared, thing, body, level=4).code == 0
    assert shared.latest(thing) == {}


def test_the_reason_of_nonsense_stands_on_the_log_page(shared: Home, thing: Thing) -> None:
    by_mqtt(shared, thing, b"garbage", level=4)
    (kind, message), *others = until(lambda: shared.log_page(thing))
    assert (kind, others) == ("refused", [])
    assert message.startswith("This is not JSON")


def test_a_metric_past_the_limit_is_refused_and_the_others_kept(shared: Home, thing: Thing) -> None:
    assert shared.tell(thing, {f"metric_{n}": n for n in range(200)}).status_code == 200
    answer = shared.tell(thing, {"metric_7": 70, "one_more": 1})
    assert [fault["field"] for fault in answer.json()["refused"]] == ["one_more"]
    assert until(lambda: shared.latest(thing)["metric_7"]["value"] == 70)
    assert len(shared.latest(thing)) == 200


@pytest.mark.parametrize("ahead", [timedelta(minutes=11), timedelta(days=-365 * 27)])
def test_a_wrong_clock_is_replaced_by_the_time_of_receipt_and_told(
    shared: Home, thing: Thing, ahead: timedelta
) -> None:
    now = datetime.now(UTC)
    shared.tell(thing, {"ts": int((now + ahead).timestamp() * 1000), "values": {"temperature": 20}})
    at = datetime.fromisoformat(until(lambda: shared.latest(thing))["temperature"]["at"])
    assert abs(at - now) < timedelta(seconds=20)
    assert [kind for kind, _ in until(lambda: shared.log_page(thing))] == ["clock"]


@pytest.mark.parametrize(("level", "code"), [(4, 5), (5, 0x87)])
def test_an_unknown_token_is_not_let_in_and_others_are(shared: Home, thing: Thing, level: int, code: int) -> None:
    with Device(shared.server.mqtt, level) as stranger, Device(shared.server.mqtt, level) as known:
        assert stranger.connect("vt_nobody").code == code
        assert known.connect(thing.token).code == 0


def test_a_packet_without_sense_ends_that_connection_alone_and_names_the_device(shared: Home, thing: Thing) -> None:
    neighbour = shared.add_device("Neighbour")
    with Device(shared.server.mqtt, 5) as bad, Device(shared.server.mqtt, 5) as good:
        bad.connect(thing.token)
        good.connect(neighbour.token)
        bad.publish(b"x", packet_id=0)
        assert bad.hear().code in (0x81, 0x82)
        with pytest.raises(ConnectionError):
            bad.hear()
        assert good.say({"temperature": 1}).code == 0
    assert [kind for kind, _ in until(lambda: shared.log_page(thing))] == ["protocol"]
    lines = [json.loads(line) for line in shared.server.stderr.splitlines() if line.startswith("{")]
    assert any(line["event"] == "broke the protocol" and line["device"] == thing.id for line in lines)


def test_tokens_do_not_stand_in_the_log_of_the_program(shared: Home, thing: Thing) -> None:
    shared.tell(thing, {"temperature": math.pi})
    by_mqtt(shared, thing, b"garbage")
    assert thing.token not in shared.server.stderr
    assert shared.token not in shared.server.stderr

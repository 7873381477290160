"""What a session sends: the window, the order, the answers, and what the client can take."""

from typing import Any

import pytest

from tests.edges.wire.mqtt.client import ALL, Client, Pair, opened
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import About, Message
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.happenings import Acknowledged
from verger.edges.wire.mqtt.outgoing import Outgoing
from verger.edges.wire.mqtt.packets import Connect, Packet, PubAck, PubComp, Publish, PubRec, PubRel
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason

BOTH = pytest.mark.parametrize("level", [4, 5])
SECOND = 1_000_000


def asking(**wishes: Any) -> Connect:
    return Connect("c", 5, username="t", properties=Properties(**wishes))


def quiet(joined: Pair) -> Pair:
    joined.client.silent = True
    return joined


def got(joined: Pair) -> list[Packet]:
    joined.pump()
    return [packet for packet in joined.client.got if isinstance(packet, Publish | PubRel)]


@BOTH
def test_a_message_at_qos_1_is_over_with_its_answer(level: int) -> None:
    joined = opened(level)
    assert joined.session.publish("mine", b"x", 1) == 1
    assert joined.pump() == [Acknowledged(1, 0)]
    assert joined.last() == Publish("mine", b"x", 1, 1)
    assert joined.session.memory.letters == {}


@BOTH
def test_a_message_at_qos_2_goes_four_ways(level: int) -> None:
    joined = opened(level)
    assert joined.session.publish("mine", b"x", 2) == 1
    assert joined.pump() == [Acknowledged(1, 0)]
    assert joined.client.got[-2:] == [Publish("mine", b"x", 2, 1), PubRel(1)]
    assert joined.session.memory.letters == {}


def test_a_client_may_decline_a_message_at_qos_2() -> None:
    joined = quiet(opened(5))
    joined.session.publish("mine", b"x", 2)
    joined.pump()
    assert joined.say(PubRec(1, Reason.QUOTA_EXCEEDED)) == [Acknowledged(1, Reason.QUOTA_EXCEEDED)]
    assert joined.session.memory.letters == {}


def test_what_exceeds_the_window_waits_and_keeps_its_order() -> None:
    joined = quiet(opened(5, asking(receive_maximum=1)))
    assert [joined.session.publish("mine", bytes((number,)), 1) for number in (1, 2, 3)] == [1, 2, 3]
    assert got(joined) == [Publish("mine", b"\1", 1, 1)]
    joined.say(PubAck(1))
    assert got(joined)[1:] == [Publish("mine", b"\2", 1, 2)]
    joined.client.silent = False
    joined.say(PubAck(2))
    assert [packet.body for packet in got(joined) if isinstance(packet, Publish)] == [b"\1", b"\2", b"\3"]


def test_our_own_window_holds_where_the_client_names_none() -> None:
    joined = quiet(opened(4))
    for number in range(5):
        joined.session.publish("mine", bytes((number,)), 1)
    assert len(got(joined)) == 2


def test_an_order_that_may_not_wait_is_not_sent_while_the_window_is_full() -> None:
    joined = quiet(opened(5, asking(receive_maximum=1)))
    assert joined.session.publish("mine", b"x", 1, wait=False) == 1
    assert joined.session.publish("mine", b"x", 1, wait=False) is None
    assert joined.session.publish("mine", b"x", 0, wait=False) == 0


def test_what_is_larger_than_the_client_takes_is_never_sent() -> None:
    joined = opened(5, asking(maximum_packet_size=30))
    assert joined.session.publish("mine", b"x" * 30) is None
    assert joined.session.publish("mine", b"x" * 30, 1) is None
    assert joined.session.publish("mine", b"x", 1) == 2
    joined.pump()
    assert joined.session.memory.letters == {}


def test_packet_identifiers_go_round_and_wait_for_one_in_use() -> None:
    out = Outgoing(2)
    assert out.publish(Message("mine", b""), 1) == 1
    for number in range(2, 65_536):
        assert out.publish(Message("mine", b""), 1) == number
        assert out.acknowledged(number)
    out.take()
    assert out.publish(Message("mine", b""), 1) == 1
    assert out.take() == b""
    assert out.acknowledged(1)
    assert out.take() != b""


@BOTH
def test_what_was_not_answered_comes_again_with_dup_in_the_same_order(level: int) -> None:
    memory = Memory()
    first = quiet(opened(level, memory=memory))
    for number in (1, 2, 3):
        first.session.send(Message("mine", bytes((number,))), 1 + number % 2, 0.0)
    assert got(first) == [Publish("mine", b"\1", 2, 1), Publish("mine", b"\2", 1, 2)]
    first.say(PubRec(1))
    client = Client(level)
    client.silent, client.unreleased = True, {1}
    again = opened(level, memory=memory, client=client)
    assert got(again) == [PubRel(1), Publish("mine", b"\2", 1, 2, dup=True)]
    again.say(PubComp(1))
    assert got(again)[2:] == [Publish("mine", b"\3", 2, 3)]


def test_what_ends_with_a_connection_does_not_come_again() -> None:
    memory = Memory()
    quiet(opened(4, memory=memory)).session.publish("mine", b"x", 1)
    memory.part()
    assert got(opened(4, memory=memory)) == []


def test_a_message_that_came_too_late_is_not_sent_and_one_in_time_tells_what_is_left() -> None:
    joined = opened(5)
    joined.session.send(Message("mine", b"late", expires_at=5 * SECOND), 1, 5.0)
    joined.session.send(Message("mine", b"soon", expires_at=5 * SECOND), 1, 2.5)
    assert got(joined) == [Publish("mine", b"soon", 1, 2, properties=Properties(message_expiry_interval=3))]
    assert joined.session.memory.letters == {}


def test_what_mqtt_5_tells_of_a_message_goes_along() -> None:
    about = About(1, "text/plain", "answer/here", b"\7", (("a", "1"), ("a", "2")))
    told = Properties(
        payload_format_indicator=1,
        content_type="text/plain",
        response_topic="answer/here",
        correlation_data=b"\7",
        user_properties=(("a", "1"), ("a", "2")),
        subscription_identifiers=(3, 4),
    )
    for level in (4, 5):
        joined = opened(level, manners=ALL)
        joined.session.send(Message("t", b"x", about=about), 0, 0.0, retain=True, identifiers=(3, 4))
        assert got(joined) == [Publish("t", b"x", retain=True, properties=told if level == 5 else Properties())]


def test_a_client_that_knows_aliases_is_told_a_topic_once() -> None:
    joined = opened(5, asking(topic_alias_maximum=1))
    for topic in ("mine/a", "mine/a", "mine/b"):
        joined.session.publish(topic, b"x")
    alias = Properties(topic_alias=1)
    assert got(joined) == [
        Publish("mine/a", b"x", properties=alias),
        Publish("", b"x", properties=alias),
        Publish("mine/b", b"x"),
    ]


def test_the_answers_of_a_session_on_disk_wait_for_the_disk() -> None:
    memory = Memory(name="s")
    joined = quiet(opened(5, memory=memory))
    joined.session.send(Message("mine", b"once"), 2, 0.0)
    joined.session.send(Message("mine", b"after"), 1, 0.0)
    assert got(joined) == []
    memory.saved = memory.changes().mark
    joined.session.saved(0.0)
    assert got(joined) == [Publish("mine", b"once", 2, 1), Publish("mine", b"after", 1, 2)]
    joined.say(PubRec(1))
    assert got(joined)[2:] == []
    memory.saved = memory.changes().mark
    joined.session.saved(0.0)
    assert got(joined)[2:] == [PubRel(1)]


def test_a_message_at_qos_2_to_a_session_on_disk_is_answered_once_that_is_known_there() -> None:
    memory = Memory(name="s")
    joined = opened(5, memory=memory)
    joined.say(Publish("t", b"x", 2, 7))
    joined.session.acknowledge(7, 2)
    joined.pump()
    assert not isinstance(joined.last(), PubRec)
    memory.saved = memory.mark
    joined.session.saved(0.0)
    joined.pump()
    assert joined.last() == PubRec(7)


def test_a_window_as_large_as_the_standard_allows_is_not_opened() -> None:
    joined = quiet(opened(5, asking(receive_maximum=65_535), limits=Limits(sent_maximum=3)))
    for _ in range(10):
        joined.session.publish("mine", b"x", 1)
    assert len(got(joined)) == 3

"""Two machines joined by bytes: what a client and our session say to each other."""

import pytest

from tests.edges.wire.mqtt.client import ALL, ended, opened, subscribe
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Subscription
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.happenings import Ended, Repeated, Subscribed
from verger.edges.wire.mqtt.packets import (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Filter,
    Packet,
    PingReq,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason

BOTH = pytest.mark.parametrize("level", [4, 5])


@BOTH
def test_a_message_at_qos_1_is_answered_when_it_is_kept_and_not_before(level: int) -> None:
    joined, message = opened(level), Publish("t", b"x", 1, 7)
    assert joined.say(message) == [message]
    assert not isinstance(joined.last(), PubAck)
    joined.session.acknowledge(7)
    joined.pump()
    assert joined.last() == PubAck(7)


def test_mqtt_5_hears_what_was_refused_and_mqtt_3_1_1_does_not() -> None:
    told = (("humidity", "This is not a number."),)
    for level in (4, 5):
        joined = opened(level)
        joined.say(Publish("t", b"x", 1, 7))
        joined.session.acknowledge(7, 1, Reason.PAYLOAD_FORMAT_INVALID, "1 value was not kept.", told)
        joined.pump()
        full = Properties(reason_string="1 value was not kept.", user_properties=told)
        assert joined.last() == (PubAck(7) if level == 4 else PubAck(7, 0x99, full))


@pytest.mark.parametrize("wish", [Properties(request_problem_information=0), Properties(maximum_packet_size=30)])
def test_a_client_that_cannot_take_words_gets_the_code_alone(wish: Properties) -> None:
    joined = opened(5, Connect("c", 5, username="t", properties=wish))
    joined.say(Publish("t", b"x", 1, 7))
    joined.session.acknowledge(7, 1, 0x99, "A sentence of some length.")
    joined.pump()
    assert joined.last() == PubAck(7, 0x99)


@BOTH
def test_a_message_at_qos_2_is_heard_once(level: int) -> None:
    joined, message = opened(level), Publish("t", b"x", 2, 7)
    assert joined.say(message) == [message]
    joined.session.acknowledge(7, 2)
    assert joined.say(message) == []
    assert joined.client.got[-2:] == [PubRec(7), PubRec(7)]
    assert joined.say(PubRel(7)) == []
    assert joined.last() == PubComp(7)
    assert joined.say(message) == [message]


def test_a_message_at_qos_2_is_remembered_over_a_broken_connection() -> None:
    memory, message = Memory(), Publish("t", b"x", 2, 7)
    first = opened(5, memory=memory)
    first.say(message)
    second = opened(5, memory=memory)
    assert second.say(message) == [Repeated(7)]
    first.session.acknowledge(7, 2)
    second.session.repeat(7)
    second.pump()
    assert second.last() == PubRec(7)


def test_a_message_at_qos_2_that_was_not_kept_is_heard_anew() -> None:
    joined, message = opened(5), Publish("t", b"x", 2, 7)
    joined.say(message)
    joined.session.unkept(7)
    joined.session.repeat(7)
    assert joined.say(message) == [message]
    joined.session.acknowledge(7, 2, Reason.PAYLOAD_FORMAT_INVALID, "No.")
    assert joined.say(message) == [message]


def test_releasing_what_was_never_sent_is_told() -> None:
    joined = opened(5)
    joined.say(PubRel(9))
    assert joined.last() == PubComp(9, Reason.PACKET_IDENTIFIER_NOT_FOUND)


def test_mqtt_5_may_not_send_more_than_the_receive_maximum() -> None:
    joined = opened(5)
    joined.say(*(Publish("t", b"", 1, number) for number in (1, 2, 3)))
    joined.session.acknowledge(1)
    joined.say(Publish("t", b"", 1, 4))
    assert ended(joined, Publish("t", b"", 1, 5)) == Reason.RECEIVE_MAXIMUM_EXCEEDED
    last = joined.last()
    assert isinstance(last, Disconnect)
    assert last.reason == Reason.RECEIVE_MAXIMUM_EXCEEDED


@pytest.mark.parametrize("qos", [1, 2])
def test_mqtt_3_1_1_knows_no_receive_maximum(qos: int) -> None:
    joined = opened(4)
    assert len(joined.say(*(Publish("t", b"", qos, number) for number in range(1, 50)))) == 49


def test_mqtt_5_may_not_leave_too_much_unreleased() -> None:
    joined = opened(5)
    joined.say(*(Publish("t", b"", 2, number) for number in (1, 2, 3)))
    assert ended(joined, Publish("t", b"", 2, 4)) == Reason.RECEIVE_MAXIMUM_EXCEEDED


def test_a_topic_alias_stands_for_its_topic() -> None:
    joined, alias = opened(5), Properties(topic_alias=1)
    named, short = Publish("a/b", b"1", properties=alias), Publish("", b"2", properties=alias)
    assert joined.say(named, short) == [Publish("a/b", b"1"), Publish("a/b", b"2")]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Properties(topic_alias=3), Reason.TOPIC_ALIAS_INVALID),
        (Properties(topic_alias=0), Reason.TOPIC_ALIAS_INVALID),
        (Properties(topic_alias=1), Reason.PROTOCOL_ERROR),
        (Properties(topic_alias=1, subscription_identifiers=(1,)), Reason.PROTOCOL_ERROR),
    ],
)
def test_a_topic_alias_must_be_in_range_and_known(given: Properties, reason: Reason) -> None:
    assert ended(opened(5), Publish("", b"", properties=given)) == reason


def test_other_properties_of_a_message_are_kept() -> None:
    message = Publish("t", b"", properties=Properties(content_type="x"))
    assert opened(5).say(message) == [message]


def test_a_client_may_subscribe_to_its_own_words_only() -> None:
    joined = opened(5)
    happened = joined.say(subscribe("mine/+", "other", "mine/#/x", "$share/g/mine", qos=2))
    assert happened == [Subscribed(("mine/+",), refused=3)]
    codes = (2, Reason.NOT_AUTHORIZED, Reason.TOPIC_FILTER_INVALID, Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
    assert joined.last() == SubAck(1, codes)
    old = opened(4)
    old.say(subscribe("mine", "other", qos=0))
    assert old.last() == SubAck(1, (0, 0x80))


def test_a_topic_filter_has_only_so_many_bytes_and_levels() -> None:
    joined = opened(5, manners=ALL, limits=Limits())
    joined.say(subscribe("é" * 512, "é" * 513, "/" * 127, "/" * 128, "$share/g/" + "/" * 127, "$share/g" + "/" * 129))
    bad = Reason.TOPIC_FILTER_INVALID
    assert joined.last() == SubAck(1, (1, bad, 1, bad, 1, bad))


def test_a_session_has_only_so_many_subscriptions() -> None:
    joined = opened(5, limits=Limits(subscriptions=1))
    joined.say(subscribe("mine/1", "mine/2", "mine/1"))
    assert joined.last() == SubAck(1, (1, Reason.QUOTA_EXCEEDED, 1))


def test_subscriptions_are_remembered_and_can_be_taken_back() -> None:
    memory = Memory()
    joined = opened(5, memory=memory)
    joined.say(subscribe("mine"))
    assert memory.subscriptions == {"mine": Subscription(1)}
    joined.say(Unsubscribe(2, ("mine", "other")))
    assert joined.last() == UnsubAck(2, (0, Reason.NO_SUBSCRIPTION_EXISTED))
    assert memory.subscriptions == {}
    old = opened(4)
    old.say(Unsubscribe(2, ("mine",)))
    assert old.last() == UnsubAck(2)


def test_strange_answers_are_overheard() -> None:
    joined = opened(4)
    assert joined.say(PubAck(9), PubComp(9)) == []
    new = opened(5)
    new.client.waiting.append((PubRel, 9))
    assert new.say(PubRec(9)) == []
    assert new.last() == PubRel(9, Reason.PACKET_IDENTIFIER_NOT_FOUND)


@BOTH
def test_a_ping_is_answered(level: int) -> None:
    joined = opened(level)
    joined.say(PingReq())
    assert joined.last() == PingResp()


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (Connect("c", 5), Reason.PROTOCOL_ERROR),
        (ConnAck(), Reason.PROTOCOL_ERROR),
        (PingResp(), Reason.PROTOCOL_ERROR),
        (Auth(), Reason.PROTOCOL_ERROR),
        (
            Subscribe(1, (Filter("mine"),), Properties(subscription_identifiers=(1,))),
            Reason.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
        ),
        (Disconnect(0, Properties(session_expiry_interval=5)), Reason.PROTOCOL_ERROR),
    ],
)
def test_what_a_client_may_not_say_ends_its_session_with_the_reason(packet: Packet, reason: Reason) -> None:
    joined = opened(5)
    assert ended(joined, packet) == reason
    last = joined.last()
    assert isinstance(last, Disconnect)
    assert last.reason == reason


def test_what_came_before_a_malformed_packet_counts() -> None:
    joined, message = opened(5), Publish("t", b"x", 1, 7)
    joined.client.say(message)
    happened = joined.session.hear(joined.client.take() + b"\x00\x00", 0.0)
    assert happened[0] == message
    assert isinstance(happened[1], Ended)
    assert happened[1].broken
    assert happened[1].reason == Reason.MALFORMED_PACKET


def test_a_packet_too_large_ends_the_session() -> None:
    assert ended(opened(5), Publish("t", b"x" * 1000)) == Reason.PACKET_TOO_LARGE

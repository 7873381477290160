"""Two machines joined by bytes: how a session begins and ends."""

import pytest

from tests.edges.wire.mqtt.client import LIMITS, MINE, ended, opened, pair, said
from verger.domain.messages.memory import Memory
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.happenings import Ended
from verger.edges.wire.mqtt.packets import (
    ConnAck,
    Connect,
    Disconnect,
    Filter,
    Publish,
    Subscribe,
    Will,
)
from verger.edges.wire.mqtt.properties import NONE, Properties
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.session import Session

BOTH = pytest.mark.parametrize("level", [4, 5])


@BOTH
def test_a_welcome_client_hears_so(level: int) -> None:
    joined = opened(level)
    answer = joined.last()
    assert isinstance(answer, ConnAck)
    assert answer.reason == 0
    assert not answer.session_present


def test_mqtt_5_is_told_the_limits() -> None:
    connect = Connect("", 5, username="t", properties=Properties(session_expiry_interval=1_000_000))
    assert said(opened(5, connect).last()) == Properties(
        session_expiry_interval=LIMITS.session_s,
        receive_maximum=3,
        retain_available=1,
        maximum_packet_size=1000,
        assigned_client_identifier="given",
        topic_alias_maximum=2,
        wildcard_subscription_available=1,
        subscription_identifier_available=0,
        shared_subscription_available=0,
        server_keep_alive=LIMITS.keep_alive_s,
    )


def test_mqtt_5_is_told_when_qos_2_is_not_spoken() -> None:
    joined = opened(5, limits=Limits(maximum_qos=1))
    assert said(joined.last()).maximum_qos == 1
    assert ended(joined, Publish("a", b"", 2, 1)) == Reason.QOS_NOT_SUPPORTED


@pytest.mark.parametrize(("level", "code"), [(4, 5), (5, Reason.NOT_AUTHORIZED)])
def test_a_stranger_is_refused_in_the_words_of_its_version(level: int, code: int) -> None:
    joined = pair(level)
    joined.say(Connect("c", level, username="x"))
    joined.session.refuse(Reason.NOT_AUTHORIZED)
    joined.pump()
    assert joined.last() == ConnAck(code)
    assert joined.session.over


def test_an_empty_client_id_needs_a_clean_session_in_mqtt_3_1_1() -> None:
    joined = pair(4)
    assert ended(joined, Connect("", 4, clean_start=False)) == Reason.CLIENT_IDENTIFIER_NOT_VALID
    assert joined.last() == ConnAck(2)


@BOTH
def test_a_client_id_has_a_bound(level: int) -> None:
    assert ended(pair(level), Connect("c" * 257, level)) == Reason.CLIENT_IDENTIFIER_NOT_VALID


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Properties(authentication_method="SCRAM"), Reason.BAD_AUTHENTICATION_METHOD),
        (Properties(authentication_data=b"x"), Reason.PROTOCOL_ERROR),
    ],
)
def test_an_extended_sign_in_is_refused(given: Properties, reason: Reason) -> None:
    joined = pair(5)
    assert ended(joined, Connect("c", 5, properties=given)) == reason
    assert joined.last() == ConnAck(reason)


def test_a_will_at_a_qos_that_is_not_spoken_is_refused() -> None:
    joined = pair(5, Limits(maximum_qos=1))
    assert ended(joined, Connect("c", 5, will=Will("t", b"", 2))) == Reason.QOS_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("100c 0006 4d514973647003 02 0000", "20020001"),
        ("100a 0004 4d515454 83 02 0000", "20020001"),
        ("100a 0004 4d515454 06 02 0000", "2003008400"),
        ("100a 0004 4d515455 04 02 0000", ""),
        ("47455420 2f", ""),
        ("c000", ""),
    ],
)
def test_what_is_not_mqtt_3_1_1_or_5_is_answered_once_and_closed(raw: str, answer: str) -> None:
    session = Session(MINE, 0.0)
    [happened] = session.hear(bytes.fromhex(raw), 0.0)
    assert isinstance(happened, Ended)
    assert happened.broken
    assert session.take() == bytes.fromhex(answer)
    assert session.hear(b"anything", 0.0) == []


def test_nothing_is_heard_before_the_connect_is_answered() -> None:
    joined = pair(5)
    connect, message = Connect("c", 5, username="t"), Publish("t", b"x")
    assert joined.say(connect, message) == [connect]
    assert joined.session.hear(b"", 0.0) == []
    joined.session.welcome(Memory(), "c", 0.0, present=False)
    assert joined.pump() == [message]


def test_a_silent_client_is_let_go_after_one_and_a_half_times_its_keep_alive() -> None:
    joined = opened(5)
    assert joined.session.deadline == 15.0
    joined.session.hear(b"", 10.0)
    assert joined.session.tick(24.9) == []
    [happened] = joined.session.tick(25.0)
    assert isinstance(happened, Ended)
    assert happened.reason == Reason.KEEP_ALIVE_TIMEOUT
    assert not happened.broken
    assert happened.with_will
    assert joined.session.deadline is None


def test_keep_alive_0_is_for_ever_in_mqtt_3_1_1() -> None:
    assert opened(4, Connect("c", 4, username="t")).session.deadline is None


def test_who_does_not_connect_is_let_go() -> None:
    session = Session(MINE, 100.0, LIMITS)
    session.hear(b"\x10", 105.0)
    assert session.deadline == 110.0
    [happened] = session.tick(110.0)
    assert isinstance(happened, Ended)
    assert session.take() == b""


@pytest.mark.parametrize(("reason", "with_will"), [(0, False), (4, True), (0x80, True), (0x97, True)])
def test_a_goodbye_tells_whether_the_will_counts(*, reason: int, with_will: bool) -> None:
    assert opened(5).say(Disconnect(reason)) == [Ended(Reason.SUCCESS, with_will=with_will)]


def test_a_goodbye_may_change_how_long_the_session_is_remembered() -> None:
    asked = Connect("c", 5, username="t", properties=Properties(session_expiry_interval=10))
    joined = opened(5, asked)
    assert joined.session.expiry_s == 10
    joined.say(Disconnect(0, Properties(session_expiry_interval=99_999_999)))
    assert joined.session.expiry_s == LIMITS.session_s
    assert opened(4, Connect("c", 4, clean_start=False)).session.expiry_s == LIMITS.session_s


@BOTH
def test_the_server_says_why_it_ends_a_session_where_it_can(level: int) -> None:
    joined = opened(level)
    joined.session.end(Reason.SERVER_SHUTTING_DOWN, "Verger is stopping.")
    joined.client.hear(joined.session.take())
    bye = Disconnect(Reason.SERVER_SHUTTING_DOWN, Properties(reason_string="Verger is stopping."))
    assert (joined.last() == bye) is (level == 5)
    joined.session.acknowledge(1)
    assert joined.session.publish("mine", b"") is None
    assert joined.session.take() == b""


def small(size: int) -> Connect:
    return Connect("c", 5, username="t", keep_alive=10, properties=Properties(maximum_packet_size=size))


def test_a_client_that_cannot_take_its_welcome_is_told_so_in_as_few_bytes_as_it_takes() -> None:
    joined = opened(5, small(24))
    assert isinstance(joined.last(), ConnAck)
    refused = pair(5)
    [happened] = refused.say(small(23))
    assert isinstance(happened, Ended)
    assert refused.last() == ConnAck(Reason.PACKET_TOO_LARGE)
    silent = pair(5)
    silent.session.hear(encode(small(4), 5), 0.0)
    assert silent.session.over
    assert silent.session.take() == b""


@pytest.mark.parametrize(("size", "words"), [(24, None), (40, "Verger is stopping.")])
def test_a_goodbye_has_no_more_words_than_the_client_takes(size: int, words: str | None) -> None:
    joined = opened(5, small(size))
    joined.session.end(Reason.SERVER_SHUTTING_DOWN, "Verger is stopping.")
    joined.pump()
    assert joined.last() == Disconnect(0x8B, Properties(reason_string=words) if words else NONE)


def test_a_refusal_has_no_more_words_than_the_client_takes() -> None:
    joined = pair(5)
    joined.say(small(24))
    joined.session.refuse(Reason.NOT_AUTHORIZED, "This access token is not known here.")
    joined.pump()
    assert joined.last() == ConnAck(Reason.NOT_AUTHORIZED)


def test_an_answer_too_large_for_the_client_is_not_sent() -> None:
    joined = opened(5, small(24))
    raw = encode(Subscribe(1, tuple(Filter("mine", 0) for _ in range(30))), 5)
    joined.session.hear(raw, 0.0)
    assert joined.session.take() == b""

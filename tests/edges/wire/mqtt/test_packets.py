"""Packets survive the way through bytes, and nothing else gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.edges.wire.mqtt.strategies import packets
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.packets import Connect, Packet, PubAck, Publish, Will
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import ProtocolError, Reason
from verger.edges.wire.mqtt.stream import Stream

LEVELS = st.sampled_from([4, 5])
LEVELLED = LEVELS.flatmap(lambda level: st.tuples(st.just(level), st.lists(packets(level), min_size=1, max_size=5)))


def read(raw: bytes, level: int = 5) -> Packet:
    stream = Stream(level)
    found = stream.feed(raw)
    if stream.error:
        raise stream.error
    [packet] = found
    return packet


def reason(raw: str, level: int = 5) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        read(bytes.fromhex(raw), level)
    return caught.value.reason


@given(LEVELLED, st.lists(st.integers(1, 30), min_size=1))
def test_any_packet_comes_out_as_it_went_in_however_it_is_cut(
    levelled: tuple[int, list[Packet]], cuts: list[int]
) -> None:
    level, sent = levelled
    raw, stream, got, place = b"".join(encode(packet, level) for packet in sent), Stream(level), list[Packet](), 0
    while place < len(raw):
        size = cuts[place % len(cuts)]
        stream.level = level
        got += stream.feed(raw[place : place + size])
        place += size
    assert stream.error is None
    assert got == sent


@given(LEVELS, st.lists(st.binary(max_size=50), max_size=5))
def test_garbage_never_raises_and_never_comes_back_after_an_error(level: int, chunks: list[bytes]) -> None:
    stream = Stream(level, largest=1000)
    for chunk in chunks:
        failed = stream.error
        found = stream.feed(chunk)
        assert failed is None or not found


@given(LEVELLED, st.integers(0), st.integers(0, 255))
def test_one_wrong_byte_never_raises_anything_else(levelled: tuple[int, list[Packet]], place: int, byte: int) -> None:
    level, sent = levelled
    raw = bytearray(b"".join(encode(packet, level) for packet in sent))
    raw[place % len(raw)] = byte
    Stream(level, largest=1000).feed(bytes(raw))


@given(st.lists(st.just(Publish("t", b"x", 1, 7)), max_size=20), st.integers(1, 7))
def test_only_so_many_packets_come_at_once(sent: list[Publish], most: int) -> None:
    stream = Stream(5)
    got = stream.feed(b"".join(encode(packet, 5) for packet in sent), most)
    assert len(got) <= most
    while stream.more:
        rest = stream.feed(b"", most)
        assert 0 < len(rest) <= most
        got += rest
    assert got == sent


def test_the_level_of_a_stream_follows_the_connect() -> None:
    stream = Stream()
    message = Publish("t", b"x", 1, 7, properties=Properties(topic_alias=1))
    found = stream.feed(encode(Connect("c", 5), 5) + encode(message, 5))
    assert found[1] == message


def test_a_puback_without_a_reason_takes_four_bytes() -> None:
    assert encode(PubAck(258), 5) == encode(PubAck(258), 4) == bytes.fromhex("40020102")


def test_reads_a_connect_byte_by_byte_from_the_standard() -> None:
    raw = bytes.fromhex(
        "1024 0004 4d515454 05 ce 000a 00 0003616263 00 0004 77696c6c 0003 627965 0002 7573 0002 7077".replace(" ", "")
    )
    will = Will("will", b"bye", 1)
    assert read(raw) == Connect("abc", 5, clean_start=True, keep_alive=10, username="us", password=b"pw", will=will)


def test_a_large_packet_is_refused_at_its_header() -> None:
    stream = Stream(5, largest=100)
    assert stream.feed(bytes.fromhex("308001")) == []
    assert stream.error is not None
    assert stream.error.reason == Reason.PACKET_TOO_LARGE


@pytest.mark.parametrize(
    ("what", "raw"),
    [
        ("packet type 0", "0000"),
        ("flags of CONNECT", "1100"),
        ("flags of SUBSCRIBE", "8007 0001 00 0001 61"),
        ("PINGREQ with a body", "c00100"),
        ("quality of service 3", "3606 0001 61 0001 00"),
        ("DUP at QoS 0", "3804 0001 61 00"),
        ("packet identifier 0", "3206 0001 61 0000 00"),
        ("topic with a wildcard", "3004 0001 23 00"),
        ("topic with NUL", "3004 0001 00 00"),
        ("topic with a surrogate", "3006 0003 eda080 00"),
        ("topic longer than the packet", "3003 0005 61"),
        ("PUBLISH of one byte", "300100"),
        ("five bytes of length", "30ffffffff7f"),
        ("padded length", "30840000 01 61 00"),
        ("unknown property", "3006 0001 61 02 7f00"),
        ("property of another packet", "3007 0001 61 03 21 0001"),
        ("property cut short", "3006 0001 61 02 0200"),
        ("reserved connect flag", "100d 0004 4d515454 05 01 0000 00 0000"),
        ("will flags without will", "100d 0004 4d515454 05 08 0000 00 0000"),
        ("will at QoS 3", "100d 0004 4d515454 05 1c 0000 00 0000"),
        ("CONNECT with something behind", "100e 0004 4d515454 05 02 0000 00 0000 00"),
        ("subscribe options", "8207 0001 00 0001 61 c0"),
        ("retain handling 3", "8207 0001 00 0001 61 30"),
        ("flags of CONNACK", "2003 02 00 00"),
    ],
)
def test_malformed_packets(what: str, raw: str) -> None:
    assert reason(raw) == Reason.MALFORMED_PACKET, what


@pytest.mark.parametrize(
    ("what", "raw"),
    [
        ("the same property twice", "1013 0004 4d515454 05 02 0000 06 210001 210001 0000"),
        ("receive maximum 0", "1010 0004 4d515454 05 02 0000 03 210000 0000"),
        ("a flag of 2", "3006 0001 61 02 0102"),
        ("no topic and no alias", "3003 0000 00"),
        ("SUBSCRIBE without a topic", "8203 0001 00"),
        ("UNSUBSCRIBE without a topic", "a203 0001 00"),
        ("shared subscription with no local", "820f 0001 00 0009 2473686172652f612f 04"),
    ],
)
def test_packets_against_the_protocol(what: str, raw: str) -> None:
    assert reason(raw) == Reason.PROTOCOL_ERROR, what


@pytest.mark.parametrize(
    ("what", "raw"),
    [
        ("password without user name", "100c 0004 4d515454 04 42 0000 0000"),
        ("AUTH", "f000"),
        ("no local", "8206 0001 0001 61 04"),
    ],
)
def test_what_mqtt_3_1_1_does_not_have(what: str, raw: str) -> None:
    assert reason(raw, 4) == Reason.MALFORMED_PACKET, what


def test_mqtt_3_1_1_may_pad_a_length() -> None:
    assert read(bytes.fromhex("30848000 0001 61 00".replace(" ", "")), 4) == Publish("a", b"\0")


@pytest.mark.parametrize("raw", ["100c 0006 4d514973647003 02 0000", "100a 0004 4d515454 06 02 0000"])
def test_other_versions_are_unsupported(raw: str) -> None:
    assert reason(raw) == Reason.UNSUPPORTED_PROTOCOL_VERSION


def test_a_property_in_the_wrong_packet_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="cannot have"):
        encode(PubAck(1, 0, Properties(topic_alias=1)), 5)

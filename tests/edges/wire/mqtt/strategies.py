"""Packets of every kind, as hypothesis makes them up."""

from typing import Any

from hypothesis import strategies as st

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
    Will,
)
from verger.edges.wire.mqtt.properties import NONE, TABLE, Kind, Properties

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
TOPIC = TEXT.filter(lambda text: text and not set("+#") & set(text))
BYTES = st.binary(max_size=20)
IDS = st.integers(1, 65_535)
CODES = st.integers(0, 255)
BOOLEANS = st.booleans()

_BYTE, _SHORT, _LONG = st.integers(0, 1), st.integers(1, 65_535), st.integers(1, 2**32 - 1)
_PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "payload_format_indicator": _BYTE,
    "message_expiry_interval": _LONG,
    "response_topic": TOPIC,
    "correlation_data": BYTES,
    "session_expiry_interval": _LONG,
    "server_keep_alive": _SHORT,
    "authentication_data": BYTES,
    "request_problem_information": _BYTE,
    "will_delay_interval": _LONG,
    "request_response_information": _BYTE,
    "receive_maximum": _SHORT,
    "topic_alias_maximum": _SHORT,
    "topic_alias": _SHORT,
    "maximum_qos": _BYTE,
    "retain_available": _BYTE,
    "user_properties": _PAIRS,
    "maximum_packet_size": _LONG,
    "wildcard_subscription_available": _BYTE,
    "subscription_identifier_available": _BYTE,
    "shared_subscription_available": _BYTE,
}


def _of_name(name: str, kind: Kind) -> st.SearchStrategy[Any]:
    if name == "subscription_identifiers":
        most = 3 if kind is Kind.PUBLISH else 1
        return st.lists(st.integers(1, 268_435_455), max_size=most).map(tuple)
    return _VALUES.get(name, TEXT)


def properties(kind: Kind, level: int) -> st.SearchStrategy[Properties]:
    """Return properties that a kind of packet may have."""
    if level == 4:
        return st.just(NONE)
    names = [name for name, _, kinds in TABLE.values() if kind in kinds]
    chosen = st.fixed_dictionaries({}, optional={name: _of_name(name, kind) for name in names})
    return chosen.map(lambda values: Properties(**values))


def _wills(level: int) -> st.SearchStrategy[Will | None]:
    qos = st.integers(0, 2)
    return st.none() | st.builds(Will, TOPIC, BYTES, qos, BOOLEANS, properties(Kind.WILL, level))


@st.composite
def _connects(draw: st.DrawFn, level: int) -> Connect:
    username = draw(st.none() | TEXT)
    password = draw(st.none() | BYTES) if username is not None or level == 5 else None
    said = draw(properties(Kind.CONNECT, level))
    wills = draw(_wills(level))
    return Connect(draw(TEXT), level, draw(BOOLEANS), draw(st.integers(0, 65_535)), username, password, wills, said)


@st.composite
def publishes(draw: st.DrawFn, level: int) -> Publish:
    """Make up a message."""
    qos = draw(st.integers(0, 2))
    packet_id = draw(IDS) if qos else 0
    said = draw(properties(Kind.PUBLISH, level))
    return Publish(draw(TOPIC), draw(BYTES), qos, packet_id, draw(BOOLEANS), draw(BOOLEANS) and qos > 0, said)


def _filters(level: int) -> st.SearchStrategy[Filter]:
    if level == 4:
        return st.builds(Filter, TEXT, st.integers(0, 2))
    topics = TEXT.filter(lambda text: not text.startswith("$share"))
    return st.builds(Filter, topics, st.integers(0, 2), BOOLEANS, BOOLEANS, st.integers(0, 2))


def _ack(make: type[PubAck], level: int) -> st.SearchStrategy[PubAck]:
    codes = CODES if level == 5 else st.just(0)
    return st.builds(make, IDS, codes, properties(make.kind, level))


def packets(level: int) -> st.SearchStrategy[Packet]:
    """Make up any packet of a level."""
    reasons = st.lists(CODES, max_size=4).map(tuple)
    unsubacked = reasons if level == 5 else st.just(())
    ends = st.builds(Disconnect, CODES if level == 5 else st.just(0), properties(Kind.DISCONNECT, level))
    return st.one_of(
        _connects(level),
        st.builds(ConnAck, CODES, BOOLEANS, properties(Kind.CONNACK, level)),
        publishes(level),
        *(_ack(make, level) for make in (PubAck, PubRec, PubRel, PubComp)),
        st.builds(
            Subscribe,
            IDS,
            st.lists(_filters(level), min_size=1, max_size=3).map(tuple),
            properties(Kind.SUBSCRIBE, level),
        ),
        st.builds(SubAck, IDS, reasons, properties(Kind.SUBACK, level)),
        st.builds(
            Unsubscribe, IDS, st.lists(TEXT, min_size=1, max_size=3).map(tuple), properties(Kind.UNSUBSCRIBE, level)
        ),
        st.builds(UnsubAck, IDS, unsubacked, properties(Kind.UNSUBACK, level)),
        st.builds(PingReq),
        st.builds(PingResp),
        ends,
        *([st.builds(Auth, CODES, properties(Kind.AUTH, 5))] if level == 5 else []),
    )

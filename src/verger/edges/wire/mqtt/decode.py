"""Bytes to packets, as strict as the standard; what breaks it raises ProtocolError."""

from collections.abc import Callable
from functools import lru_cache

from verger.edges.wire.mqtt import properties
from verger.edges.wire.mqtt.codec import Cursor, text_of
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
from verger.edges.wire.mqtt.properties import NONE, Kind, Properties
from verger.edges.wire.mqtt.reasons import ProtocolError, Reason, UnsupportedVersion

_FLAGS = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}


def _topic(raw: bytes) -> str:
    """Return the name of a topic, which has no wildcards."""
    topic = text_of(raw)
    if "+" in topic or "#" in topic:
        raise ProtocolError("A message names its topic with a wildcard.", Reason.MALFORMED_PACKET)
    return topic


_usual_topic = lru_cache(maxsize=1024)(_topic)


def publish(first: int, data: bytes, at: int, stop: int, level: int) -> Publish:
    """Read a PUBLISH whose first byte is `first` and whose body lies from `at` to `stop`."""
    begin = at + 2
    if begin > stop:
        raise ProtocolError("A PUBLISH has no topic.")
    after = begin + (data[at] << 8 | data[at + 1])
    qos = first >> 1 & 3
    if after + 2 * (qos > 0) > stop or qos == 3 or first & 14 == 8:
        raise ProtocolError("A PUBLISH is too short, or its flags cannot be.")
    raw = data[begin:after]
    topic = _usual_topic(raw) if len(raw) < 100 else _topic(raw)
    packet_id = 0
    if qos:
        packet_id = data[after] << 8 | data[after + 1]
        after += 2
        if not packet_id:
            raise ProtocolError("A packet identifier is 0.")
    said = NONE
    if level == 5:
        if after < stop and not data[after]:
            after += 1
        else:
            cursor = Cursor(data, after, stop)
            said = properties.read(cursor, Kind.PUBLISH)
            after = cursor.at
    if not topic and said.topic_alias is None:
        raise ProtocolError("A PUBLISH has no topic.", Reason.PROTOCOL_ERROR)
    return Publish(topic, data[after:stop], qos, packet_id, first & 1 == 1, first & 8 == 8, said)


def check_header(first: int) -> Kind:
    """Return the kind of a packet from its first byte."""
    number, flags = first >> 4, first & 15
    if not number:
        raise ProtocolError("There is no packet of type 0.")
    kind = Kind(number)
    if kind is not Kind.PUBLISH and flags != _FLAGS.get(kind, 0):
        raise ProtocolError(f"The flags of a {kind.name} cannot be {flags}.")
    return kind


def decode(first: int, data: bytes, at: int, stop: int, level: int) -> Packet:
    """Read the packet whose first byte is `first` and whose body lies from `at` to `stop`."""
    kind = check_header(first)
    if kind is Kind.PUBLISH:
        return publish(first, data, at, stop, level)
    cursor = Cursor(data, at, stop)
    packet = _READERS[kind](cursor, level)
    cursor.finish()
    return packet


def _connect(cursor: Cursor, _level: int) -> Connect:
    """Read a CONNECT, which names its own level."""
    name, level = cursor.text(), cursor.byte()
    if name not in {"MQTT", "MQIsdp"}:
        raise ProtocolError("The first packet is not of MQTT.", Reason.UNSUPPORTED_PROTOCOL_VERSION)
    if name == "MQIsdp" or level not in {4, 5}:
        raise UnsupportedVersion(level)
    flags, keep_alive = cursor.byte(), cursor.short()
    _check_connect_flags(flags, level)
    said = properties.read(cursor, Kind.CONNECT) if level == 5 else NONE
    client_id = cursor.text()
    will = _will(cursor, flags, level) if flags & 4 else None
    username = cursor.text() if flags & 128 else None
    password = cursor.binary() if flags & 64 else None
    return Connect(client_id, level, flags & 2 == 2, keep_alive, username, password, will, said)


def _check_connect_flags(flags: int, level: int) -> None:
    """Make sure that the flags of a CONNECT can be."""
    will_qos = flags >> 3 & 3
    if flags & 1 or will_qos == 3 or (not flags & 4 and flags & 56):
        raise ProtocolError("The flags of a CONNECT cannot be.")
    if level == 4 and flags & 192 == 64:
        raise ProtocolError("A CONNECT has a password and no user name.")


def _will(cursor: Cursor, flags: int, level: int) -> Will:
    """Read the will inside a CONNECT."""
    said = properties.read(cursor, Kind.WILL) if level == 5 else NONE
    topic = _topic(cursor.binary())
    if not topic:
        raise ProtocolError("A will has no topic.")
    return Will(topic, cursor.binary(), flags >> 3 & 3, flags & 32 == 32, said)


def _connack(cursor: Cursor, level: int) -> ConnAck:
    flags, reason = cursor.byte(), cursor.byte()
    if flags > 1:
        raise ProtocolError("The flags of a CONNACK cannot be.")
    return ConnAck(reason, flags == 1, _properties(cursor, level, Kind.CONNACK))


def _ack(make: Callable[[int, int, Properties], PubAck]) -> Callable[[Cursor, int], PubAck]:
    """Return a reader of one of the four answers to a PUBLISH."""

    def read(cursor: Cursor, level: int) -> PubAck:
        return make(cursor.packet_id(), *_reason(cursor, level, Kind.PUBACK))

    return read


def _reason(cursor: Cursor, level: int, kind: Kind) -> tuple[int, Properties]:
    """Read a reason and properties, each of which may be left out."""
    if level < 5 or not cursor.left:
        return 0, NONE
    reason = cursor.byte()
    return reason, properties.read(cursor, kind) if cursor.left else NONE


def _properties(cursor: Cursor, level: int, kind: Kind) -> Properties:
    return properties.read(cursor, kind) if level == 5 else NONE


def _subscribe(cursor: Cursor, level: int) -> Subscribe:
    packet_id = cursor.packet_id()
    said = _properties(cursor, level, Kind.SUBSCRIBE)
    filters = []
    while cursor.left:
        filters.append(_filter(cursor.text(), cursor.byte(), level))
    if not filters:
        raise ProtocolError("A SUBSCRIBE names no topic.", Reason.PROTOCOL_ERROR)
    return Subscribe(packet_id, tuple(filters), said)


def _filter(topic: str, options: int, level: int) -> Filter:
    """Read the options of one topic filter."""
    handling = options >> 4 & 3
    if options & 3 == 3 or options & 192 or handling == 3 or (level == 4 and options & 252):
        raise ProtocolError("The options of a SUBSCRIBE cannot be.")
    if options & 4 and topic.startswith("$share/"):
        raise ProtocolError("A shared subscription cannot leave out its own.", Reason.PROTOCOL_ERROR)
    return Filter(topic, options & 3, options & 4 == 4, options & 8 == 8, handling)


def _suback(cursor: Cursor, level: int) -> SubAck:
    packet_id = cursor.packet_id()
    said = _properties(cursor, level, Kind.SUBACK)
    return SubAck(packet_id, tuple(cursor.take(cursor.left)), said)


def _unsubscribe(cursor: Cursor, level: int) -> Unsubscribe:
    packet_id = cursor.packet_id()
    said = _properties(cursor, level, Kind.UNSUBSCRIBE)
    topics = []
    while cursor.left:
        topics.append(cursor.text())
    if not topics:
        raise ProtocolError("An UNSUBSCRIBE names no topic.", Reason.PROTOCOL_ERROR)
    return Unsubscribe(packet_id, tuple(topics), said)


def _unsuback(cursor: Cursor, level: int) -> UnsubAck:
    packet_id = cursor.packet_id()
    said = _properties(cursor, level, Kind.UNSUBACK)
    return UnsubAck(packet_id, tuple(cursor.take(cursor.left)), said)


def _auth(cursor: Cursor, level: int) -> Auth:
    if level < 5:
        raise ProtocolError("MQTT 3.1.1 has no AUTH.")
    return Auth(*_reason(cursor, level, Kind.AUTH))


_READERS: dict[Kind, Callable[[Cursor, int], Packet]] = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    Kind.PUBACK: _ack(PubAck),
    Kind.PUBREC: _ack(PubRec),
    Kind.PUBREL: _ack(PubRel),
    Kind.PUBCOMP: _ack(PubComp),
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: _suback,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.UNSUBACK: _unsuback,
    Kind.PINGREQ: lambda _cursor, _level: PingReq(),
    Kind.PINGRESP: lambda _cursor, _level: PingResp(),
    Kind.DISCONNECT: lambda cursor, level: Disconnect(*_reason(cursor, level, Kind.DISCONNECT)),
    Kind.AUTH: _auth,
}

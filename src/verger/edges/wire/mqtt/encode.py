"""Packets to bytes."""

from collections.abc import Sequence

from verger.edges.wire.mqtt import codec, properties
from verger.edges.wire.mqtt.codec import short, text
from verger.edges.wire.mqtt.packets import (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Filter,
    Packet,
    PubAck,
    Publish,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from verger.edges.wire.mqtt.properties import NONE, Kind

_PUBACK = 0x40020000  # with a length of two, in front of the packet identifier
_FLAGS = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}


def encode(packet: Packet, level: int) -> bytes:
    """Write a packet for a peer at protocol level 4 or 5."""
    match packet:
        case Publish():
            return publish(packet, level)
        case PubAck(packet_id=packet_id, reason=0, properties=said) if said is NONE:
            body = short(packet_id)
        case _:
            body = _body(packet, level)
    first = packet.kind << 4 | _FLAGS.get(packet.kind, 0)
    return bytes((first,)) + codec.varint(len(body)) + body


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """Write a PUBACK without a word for each message at QoS 1; 0 stands for one at QoS 0, which has none."""
    if len(packet_ids) == 1:
        return (_PUBACK + packet_ids[0]).to_bytes(4, "big") if packet_ids[0] else b""
    return b"".join([(_PUBACK + packet_id).to_bytes(4, "big") for packet_id in packet_ids if packet_id])


def publish(packet: Publish, level: int) -> bytes:
    """Write a PUBLISH."""
    first = Kind.PUBLISH << 4 | packet.dup << 3 | packet.qos << 1 | packet.retain
    head = text(packet.topic)
    if packet.qos:
        head += short(packet.packet_id)
    if level == 5:
        head += properties.write(packet.properties, Kind.PUBLISH)
    return bytes((first,)) + codec.varint(len(head) + len(packet.body)) + head + packet.body


def _body(packet: Packet, level: int) -> bytes:
    """Write what follows the header of any packet but PUBLISH."""
    match packet:
        case Connect():
            return _connect(packet)
        case ConnAck():
            return bytes((packet.session_present, packet.reason)) + _properties(packet, level)
        case PubAck():
            return short(packet.packet_id) + _reason(packet, level)
        case Disconnect() | Auth():
            return _reason(packet, level)
        case Subscribe() | SubAck() | Unsubscribe() | UnsubAck():
            return short(packet.packet_id) + _properties(packet, level) + _list(packet)
    return b""


def _list(packet: Subscribe | SubAck | Unsubscribe | UnsubAck) -> bytes:
    """Write the topics of a wish, or the reasons of its answer."""
    match packet:
        case Subscribe():
            return b"".join(text(one.topic) + _options(one) for one in packet.filters)
        case Unsubscribe():
            return b"".join(map(text, packet.topics))
    return bytes(packet.reasons)


def _properties(packet: ConnAck | Subscribe | SubAck | Unsubscribe | UnsubAck, level: int) -> bytes:
    return properties.write(packet.properties, packet.kind) if level == 5 else b""


def _reason(packet: PubAck | Disconnect | Auth, level: int) -> bytes:
    """Write a reason and properties, each left out where it says nothing."""
    if level < 5 or (packet.reason == 0 and packet.properties is NONE):
        return b""
    if packet.properties is NONE:
        return bytes((packet.reason,))
    return bytes((packet.reason,)) + properties.write(packet.properties, packet.kind)


def _options(wish: Filter) -> bytes:
    return bytes((wish.qos | wish.no_local << 2 | wish.retain_as_published << 3 | wish.retain_handling << 4,))


def _connect(packet: Connect) -> bytes:
    """Write the body of a CONNECT."""
    will, flags = packet.will, packet.clean_start << 1
    if will is not None:
        flags |= 4 | will.qos << 3 | will.retain << 5
    flags |= (packet.password is not None) << 6 | (packet.username is not None) << 7
    body = text("MQTT") + bytes((packet.level, flags)) + short(packet.keep_alive)
    if packet.level == 5:
        body += properties.write(packet.properties, Kind.CONNECT)
    body += text(packet.client_id)
    if will is not None:
        body += properties.write(will.properties, Kind.WILL) if packet.level == 5 else b""
        body += text(will.topic) + codec.binary(will.body)
    if packet.username is not None:
        body += text(packet.username)
    if packet.password is not None:
        body += codec.binary(packet.password)
    return body

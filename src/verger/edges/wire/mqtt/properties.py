"""Properties of MQTT 5 (section 2.2.2.2): which there are, and where each may stand."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from msgspec import Struct

from verger.edges.wire.mqtt import codec
from verger.edges.wire.mqtt.codec import Cursor
from verger.edges.wire.mqtt.reasons import ProtocolError, Reason


class Kind(IntEnum):
    """The kinds of packet; the numbers stand in the first four bits of a packet."""

    WILL = 0  # no packet of its own: the will inside a CONNECT
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Properties(Struct, frozen=True, gc=False):
    """What a packet of MQTT 5 may tell besides; None is left out."""

    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay_interval: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_size: int | None = None
    wildcard_subscription_available: int | None = None
    subscription_identifier_available: int | None = None
    shared_subscription_available: int | None = None


NONE = Properties()


class _Type(NamedTuple):
    """How a property's value is read and written, and whether its value can be right."""

    read: Callable[[Cursor], Any]
    write: Callable[[Any], bytes]
    sound: Callable[[Any], bool] = lambda _: True


def _pair(cursor: Cursor) -> tuple[str, str]:
    return cursor.text(), cursor.text()


def _write_pair(pair: tuple[str, str]) -> bytes:
    return codec.text(pair[0]) + codec.text(pair[1])


def _byte(value: int) -> bytes:
    return bytes((value,))


def _long(value: int) -> bytes:
    return value.to_bytes(4, "big")


_FLAG = _Type(Cursor.byte, _byte, lambda value: value in {0, 1})
_SHORT = _Type(Cursor.short, codec.short)
_SHORT_NOT_ZERO = _Type(Cursor.short, codec.short, bool)
_LONG = _Type(Cursor.long, _long)
_LONG_NOT_ZERO = _Type(Cursor.long, _long, bool)
_VARINT_NOT_ZERO = _Type(Cursor.varint, codec.varint, bool)
_TEXT = _Type(Cursor.text, codec.text)
_TOPIC = _Type(Cursor.text, codec.text, lambda topic: bool(topic) and not set("+#") & set(topic))
_BINARY = _Type(Cursor.binary, codec.binary)
_PAIR = _Type(_pair, _write_pair)

_MESSAGE = frozenset({Kind.PUBLISH, Kind.WILL})
_ANSWERS = frozenset(
    {
        *(Kind.CONNACK, Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP),
        *(Kind.SUBACK, Kind.UNSUBACK, Kind.DISCONNECT, Kind.AUTH),
    }
)
_SIGN_IN = frozenset({Kind.CONNECT, Kind.CONNACK, Kind.AUTH})
_ENDS = frozenset({Kind.CONNECT, Kind.CONNACK})
_SESSION = frozenset({Kind.CONNECT, Kind.CONNACK, Kind.DISCONNECT})
_ALL = frozenset({*_ANSWERS, *_MESSAGE, Kind.CONNECT, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE})

TABLE: dict[int, tuple[str, _Type, frozenset[Kind]]] = {
    0x01: ("payload_format_indicator", _FLAG, _MESSAGE),
    0x02: ("message_expiry_interval", _LONG, _MESSAGE),
    0x03: ("content_type", _TEXT, _MESSAGE),
    0x08: ("response_topic", _TOPIC, _MESSAGE),
    0x09: ("correlation_data", _BINARY, _MESSAGE),
    0x0B: ("subscription_identifiers", _VARINT_NOT_ZERO, frozenset({Kind.PUBLISH, Kind.SUBSCRIBE})),
    0x11: ("session_expiry_interval", _LONG, _SESSION),
    0x12: ("assigned_client_identifier", _TEXT, frozenset({Kind.CONNACK})),
    0x13: ("server_keep_alive", _SHORT, frozenset({Kind.CONNACK})),
    0x15: ("authentication_method", _TEXT, _SIGN_IN),
    0x16: ("authentication_data", _BINARY, _SIGN_IN),
    0x17: ("request_problem_information", _FLAG, frozenset({Kind.CONNECT})),
    0x18: ("will_delay_interval", _LONG, frozenset({Kind.WILL})),
    0x19: ("request_response_information", _FLAG, frozenset({Kind.CONNECT})),
    0x1A: ("response_information", _TEXT, frozenset({Kind.CONNACK})),
    0x1C: ("server_reference", _TEXT, frozenset({Kind.CONNACK, Kind.DISCONNECT})),
    0x1F: ("reason_string", _TEXT, _ANSWERS),
    0x21: ("receive_maximum", _SHORT_NOT_ZERO, _ENDS),
    0x22: ("topic_alias_maximum", _SHORT, _ENDS),
    0x23: ("topic_alias", _SHORT, frozenset({Kind.PUBLISH})),
    0x24: ("maximum_qos", _FLAG, frozenset({Kind.CONNACK})),
    0x25: ("retain_available", _FLAG, frozenset({Kind.CONNACK})),
    0x26: ("user_properties", _PAIR, _ALL),
    0x27: ("maximum_packet_size", _LONG_NOT_ZERO, _ENDS),
    0x28: ("wildcard_subscription_available", _FLAG, frozenset({Kind.CONNACK})),
    0x29: ("subscription_identifier_available", _FLAG, frozenset({Kind.CONNACK})),
    0x2A: ("shared_subscription_available", _FLAG, frozenset({Kind.CONNACK})),
}
_LISTS = {"user_properties", "subscription_identifiers"}


def read(cursor: Cursor, kind: Kind) -> Properties:
    """Read the properties of one kind of packet."""
    size = cursor.varint()
    if not size:
        return NONE
    part = cursor.part(size)
    values: dict[str, Any] = {}
    while part.left:
        _read_one(part, kind, values)
    for name in _LISTS & values.keys():
        values[name] = tuple(values[name])
    return Properties(**values)


def _read_one(part: Cursor, kind: Kind, values: dict[str, Any]) -> None:
    """Read one property into `values`."""
    name, type_, kinds = TABLE.get(part.varint(), ("", _FLAG, frozenset()))
    if kind not in kinds:
        raise ProtocolError(f"A {kind.name} holds a property that it cannot have.")
    value = type_.read(part)
    if not type_.sound(value):
        raise ProtocolError(f"The property {name} cannot be {value!r}.", Reason.PROTOCOL_ERROR)
    if name == "user_properties" or (name == "subscription_identifiers" and kind is Kind.PUBLISH):
        values.setdefault(name, []).append(value)
    elif name in values:
        raise ProtocolError(f"The property {name} stands twice.", Reason.PROTOCOL_ERROR)
    else:
        values[name] = [value] if name in _LISTS else value


def write(properties: Properties, kind: Kind) -> bytes:
    """Write the properties of one kind of packet, their length first."""
    if properties is NONE:
        return b"\0"
    out = b""
    for number, (name, type_, kinds) in TABLE.items():
        value = getattr(properties, name)
        if value is None or value == ():
            continue
        if kind not in kinds:
            raise ValueError(f"a {kind.name} cannot have {name}")
        for one in value if name in _LISTS else (value,):
            out += codec.varint(number) + type_.write(one)
    return codec.varint(len(out)) + out

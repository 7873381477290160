"""The packets of MQTT 3.1.1 and 5 in the words of the standard; reason codes are 0 where 3.1.1 has none."""

from typing import ClassVar

from msgspec import Struct

from verger.edges.wire.mqtt.properties import NONE, Kind, Properties


class Will(Struct, frozen=True, gc=False):
    """What to publish for a client that goes without a word."""

    topic: str
    body: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NONE


class Connect(Struct, frozen=True, gc=False):
    """The first packet of a client; `level` is 4 for MQTT 3.1.1 and 5 for MQTT 5."""

    kind: ClassVar[Kind] = Kind.CONNECT
    client_id: str
    level: int = 4
    clean_start: bool = True
    keep_alive: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = NONE


class ConnAck(Struct, frozen=True, gc=False):
    """The answer to CONNECT; `reason` is a return code of MQTT 3.1.1 at level 4."""

    kind: ClassVar[Kind] = Kind.CONNACK
    reason: int = 0
    session_present: bool = False
    properties: Properties = NONE


class Publish(Struct, frozen=True, gc=False):
    """One message; `packet_id` is 0 at QoS 0."""

    kind: ClassVar[Kind] = Kind.PUBLISH
    topic: str
    body: bytes
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    dup: bool = False
    properties: Properties = NONE


class PubAck(Struct, frozen=True, gc=False):
    """The answer to a PUBLISH at QoS 1."""

    kind: ClassVar[Kind] = Kind.PUBACK
    packet_id: int
    reason: int = 0
    properties: Properties = NONE


class PubRec(PubAck, frozen=True, gc=False):
    """The first answer to a PUBLISH at QoS 2."""

    kind: ClassVar[Kind] = Kind.PUBREC


class PubRel(PubAck, frozen=True, gc=False):
    """The answer to a PUBREC."""

    kind: ClassVar[Kind] = Kind.PUBREL


class PubComp(PubAck, frozen=True, gc=False):
    """The answer to a PUBREL, the last of QoS 2."""

    kind: ClassVar[Kind] = Kind.PUBCOMP


class Filter(Struct, frozen=True, gc=False):
    """One topic filter of a SUBSCRIBE and how it wants to be served."""

    topic: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


class Subscribe(Struct, frozen=True, gc=False):
    """A wish to hear."""

    kind: ClassVar[Kind] = Kind.SUBSCRIBE
    packet_id: int
    filters: tuple[Filter, ...]
    properties: Properties = NONE


class SubAck(Struct, frozen=True, gc=False):
    """The answer to SUBSCRIBE: one granted QoS or failure a filter."""

    kind: ClassVar[Kind] = Kind.SUBACK
    packet_id: int
    reasons: tuple[int, ...]
    properties: Properties = NONE


class Unsubscribe(Struct, frozen=True, gc=False):
    """A wish to hear no more."""

    kind: ClassVar[Kind] = Kind.UNSUBSCRIBE
    packet_id: int
    topics: tuple[str, ...]
    properties: Properties = NONE


class UnsubAck(Struct, frozen=True, gc=False):
    """The answer to UNSUBSCRIBE; without reasons at level 4."""

    kind: ClassVar[Kind] = Kind.UNSUBACK
    packet_id: int
    reasons: tuple[int, ...] = ()
    properties: Properties = NONE


class PingReq(Struct, frozen=True, gc=False):
    """A sign of life."""

    kind: ClassVar[Kind] = Kind.PINGREQ


class PingResp(Struct, frozen=True, gc=False):
    """The answer to PINGREQ."""

    kind: ClassVar[Kind] = Kind.PINGRESP


class Disconnect(Struct, frozen=True, gc=False):
    """The end, and at level 5 why."""

    kind: ClassVar[Kind] = Kind.DISCONNECT
    reason: int = 0
    properties: Properties = NONE


class Auth(Struct, frozen=True, gc=False):
    """A step of an extended sign-in, which MQTT 5 alone has."""

    kind: ClassVar[Kind] = Kind.AUTH
    reason: int = 0
    properties: Properties = NONE


Packet = (
    Connect
    | ConnAck
    | Publish
    | PubAck
    | PubRec
    | PubRel
    | PubComp
    | Subscribe
    | SubAck
    | Unsubscribe
    | UnsubAck
    | PingReq
    | PingResp
    | Disconnect
    | Auth
)

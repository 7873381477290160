"""How a session of MQTT begins: what a CONNECT may ask, and what a CONNACK tells."""

from dataclasses import dataclass

from msgspec.structs import replace

from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.packets import ConnAck, Connect
from verger.edges.wire.mqtt.properties import NONE, Properties
from verger.edges.wire.mqtt.reasons import OLD_CONNECT_CODES, Reason, UnsupportedVersion

_DAY_S = 86_400
_ANY_CONNACK = 80  # bytes in which each fits that lets a client in
_ANY_ID = "-" * 36


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may use; MQTT 5 tells it in CONNACK."""

    packet_bytes: int = 65_536
    connect_s: float = 10.0
    keep_alive_s: int = 3_600  # the longest silence a client of MQTT 5 may ask for
    receive_maximum: int = 1_000  # messages a client may send before it waits
    sent_maximum: int = 100  # messages a client may owe us an answer for
    unanswered_s: float = 30.0  # how long a client may answer nothing while the inboxes of its tenant are full
    topic_alias_maximum: int = 16
    maximum_qos: int = 2
    client_id_length: int = 256
    subscriptions: int = 100
    filters: int = 1_000  # in one packet
    sessions: int = 16  # of one device or API key, connected or away
    away: int = 10_000  # sessions of one tenant
    session_s: int = 7 * _DAY_S  # how long a session is remembered without a connection


def fault(connect: Connect, limits: Limits) -> Reason:
    """Return why a CONNECT cannot be served, or SUCCESS."""
    nameless = connect.level == 4 and not connect.client_id and not connect.clean_start
    if nameless or len(connect.client_id) > limits.client_id_length:
        return Reason.CLIENT_IDENTIFIER_NOT_VALID
    if connect.properties.authentication_method is not None:
        return Reason.BAD_AUTHENTICATION_METHOD
    if connect.properties.authentication_data is not None:
        return Reason.PROTOCOL_ERROR
    if connect.will is not None and connect.will.qos > limits.maximum_qos:
        return Reason.QOS_NOT_SUPPORTED
    most = connect.properties.maximum_packet_size or _ANY_CONNACK
    if connect.level == 5 and most < _ANY_CONNACK:
        answer = welcome(connect, limits, present=False, client_id=connect.client_id or _ANY_ID)
        return Reason.PACKET_TOO_LARGE if len(encode(answer, 5)) > most else Reason.SUCCESS
    return Reason.SUCCESS


def keep_alive(connect: Connect, limits: Limits) -> int:
    """Return the seconds of silence agreed with a client, 0 for any."""
    asked = connect.keep_alive
    if connect.level == 5:
        return min(asked, limits.keep_alive_s) or limits.keep_alive_s
    return asked


def expiry(connect: Connect, limits: Limits) -> int:
    """Return the seconds for which a session is remembered without a connection."""
    if connect.level == 5:
        return min(connect.properties.session_expiry_interval or 0, limits.session_s)
    return 0 if connect.clean_start else limits.session_s


def welcome(connect: Connect, limits: Limits, *, present: bool, client_id: str, full: bool = False) -> ConnAck:
    """Return the CONNACK that lets a client in under a client id; `full`: it may use all that MQTT 5 has."""
    if connect.level == 4:
        return ConnAck(0, present)
    alive, remembered = keep_alive(connect, limits), expiry(connect, limits)
    asked = connect.properties.session_expiry_interval or 0
    return ConnAck(
        0,
        present,
        Properties(
            session_expiry_interval=remembered if remembered != asked else None,
            receive_maximum=limits.receive_maximum,
            maximum_qos=limits.maximum_qos if limits.maximum_qos < 2 else None,
            retain_available=1,
            maximum_packet_size=limits.packet_bytes,
            assigned_client_identifier=client_id if client_id != connect.client_id else None,
            topic_alias_maximum=limits.topic_alias_maximum,
            wildcard_subscription_available=1,
            subscription_identifier_available=int(full),
            shared_subscription_available=int(full),
            server_keep_alive=alive if alive != connect.keep_alive else None,
        ),
    )


def refusal(level: int, reason: Reason, sentence: str = "") -> ConnAck | None:
    """Return the CONNACK that refuses a client, or None where its version has no word for the reason."""
    if level == 5:
        return ConnAck(reason, properties=replace(NONE, reason_string=sentence) if sentence else NONE)
    code = OLD_CONNECT_CODES.get(reason)
    return None if code is None else ConnAck(code)


def refusal_of_version(error: UnsupportedVersion) -> tuple[ConnAck, int]:
    """Return the CONNACK for a client of another version, and the level at which to write it."""
    if 5 < error.level < 128:
        return ConnAck(Reason.UNSUPPORTED_PROTOCOL_VERSION), 5
    return ConnAck(OLD_CONNECT_CODES[Reason.UNSUPPORTED_PROTOCOL_VERSION]), 4

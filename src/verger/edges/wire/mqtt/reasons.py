"""Reason codes of MQTT 5, what MQTT 3.1.1 says instead, and the error of a peer that breaks the protocol."""

from enum import IntEnum


class Reason(IntEnum):
    """Why a packet says yes or no (MQTT 5, section 2.4)."""

    SUCCESS = 0x00
    GRANTED_QOS_1 = 0x01
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    PAYLOAD_FORMAT_INVALID = 0x99
    QOS_NOT_SUPPORTED = 0x9B
    MAXIMUM_CONNECT_TIME = 0xA0
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1


OUR_DOING = frozenset({Reason.NOT_AUTHORIZED, Reason.SERVER_SHUTTING_DOWN})
"""Ends that leave a client's will to whoever let it go."""

OLD_CONNECT_CODES = {
    Reason.SUCCESS: 0,
    Reason.UNSUPPORTED_PROTOCOL_VERSION: 1,
    Reason.CLIENT_IDENTIFIER_NOT_VALID: 2,
    Reason.SERVER_UNAVAILABLE: 3,
    Reason.QUOTA_EXCEEDED: 3,
    Reason.NOT_AUTHORIZED: 5,
}
"""What a CONNACK of MQTT 3.1.1 says for a reason; for any other the connection is closed without one."""


class ProtocolError(Exception):
    """The peer broke the protocol: `reason` is what MQTT 5 calls it, the text says how."""

    def __init__(self, sentence: str, reason: Reason = Reason.MALFORMED_PACKET) -> None:
        """Keep the reason; a packet that cannot be read is the usual one."""
        super().__init__(sentence)
        self.reason = reason


class UnsupportedVersion(ProtocolError):
    """A CONNECT of another version of MQTT, at protocol level `level`."""

    def __init__(self, level: int) -> None:
        """Keep the level, which decides the form of the answer."""
        super().__init__("MQTT 3.1.1 and 5 are spoken here.", Reason.UNSUPPORTED_PROTOCOL_VERSION)
        self.level = level

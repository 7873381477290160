"""A device with nothing but a socket: MQTT 3.1.1 and 5 byte by byte, so that no library hides what happens."""

import json
import socket
from dataclasses import dataclass, field
from typing import Any, Self

from tests.e2e.waiting import PATIENCE_S

TELEMETRY = "v1/devices/me/telemetry"
_CONNACK, _PUBACK, _PINGRESP, _DISCONNECT = 2, 4, 13, 14
_REASON_STRING, _USER_PROPERTY = 0x1F, 0x26


@dataclass(frozen=True)
class Answer:
    """A packet that came back: its type, code, packet id, and the words of MQTT 5 in it."""

    kind: int
    code: int
    packet_id: int = 0
    reason: str = ""
    properties: dict[str, str] = field(default_factory=dict)


class Silence(Exception):
    """Nothing came in the time given."""


class Device:
    """One connection of a device."""

    def __init__(self, port: int, level: int = 4, patience: float = PATIENCE_S) -> None:
        """Open a socket; `patience` is how many seconds an answer may take."""
        self._level, self._patience = level, patience
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up without a word."""
        self._socket.close()

    def connect(self, token: str, client_id: str = "") -> Answer:
        """Say who it is; return the CONNACK."""
        properties = b"\0" if self._level == 5 else b""
        head = _text("MQTT") + bytes([self._level, 0x82, 0, 60]) + properties
        self._send(0x10, head + _text(client_id) + _text(token))
        return self.hear()

    def publish(self, body: bytes, packet_id: int = 1, topic: str = TELEMETRY) -> None:
        """Say something at QoS 1, without waiting for its PUBACK."""
        properties = b"\0" if self._level == 5 else b""
        self._send(0x32, _text(topic) + packet_id.to_bytes(2) + properties + body)

    def begin_to_publish(self, packet_id: int) -> None:
        """Send the beginning of a message, and not the rest."""
        self._socket.sendall(b"\x32\x7f" + _text(TELEMETRY) + (packet_id % 65_535 + 1).to_bytes(2) + b'{"ts":')

    def say(self, told: Any, packet_id: int = 1, topic: str = TELEMETRY) -> Answer:
        """Say something as JSON at QoS 1 and return its PUBACK."""
        self.publish(told if isinstance(told, bytes) else json.dumps(told).encode(), packet_id, topic)
        return self.hear()

    def ping(self) -> Answer:
        """Ask whether the other side is there."""
        self._send(0xC0, b"")
        return self.hear()

    def hear(self, within: float | None = None) -> Answer:
        """Return the next packet; raise Silence when there is none in time, ConnectionError at the end."""
        self._socket.settimeout(within or self._patience)
        try:
            first = self._take(1)[0]
            length, shift = 0, 0
            while (byte := self._take(1)[0]) >= 0x80:
                length |= (byte & 0x7F) << shift
                shift += 7
            body = self._take(length | byte << shift)
        except TimeoutError:
            raise Silence from None
        return self._answer(first >> 4, body)

    def _take(self, length: int) -> bytes:
        raw = b""
        while len(raw) < length:
            more = self._socket.recv(length - len(raw))
            if not more:
                raise ConnectionResetError("closed")
            raw += more
        return raw

    def _answer(self, kind: int, body: bytes) -> Answer:
        if kind == _CONNACK:
            return Answer(kind, body[1])
        if kind == _PUBACK:
            code = body[2] if len(body) > 2 else 0
            return Answer(kind, code, int.from_bytes(body[:2]), *_words(body[3:]))
        if kind == _DISCONNECT and body:
            return Answer(kind, body[0], 0, *_words(body[1:]))
        return Answer(kind, 0)

    def _send(self, first: int, body: bytes) -> None:
        length, left = bytearray(), len(body)
        while True:
            left, low = left >> 7, left & 0x7F
            length.append(low | (0x80 if left else 0))
            if not left:
                break
        self._socket.sendall(bytes([first]) + length + body)


def _text(words: str) -> bytes:
    raw = words.encode()
    return len(raw).to_bytes(2) + raw


def _words(raw: bytes) -> tuple[str, dict[str, str]]:
    """Return reason string and user properties, the only ones that acknowledgements have here."""
    reason, properties = "", {}
    while raw[:1] >= b"\x80":  # the rest of the bytes is what the length says, however many bytes it takes
        raw = raw[1:]
    raw = raw[1:]
    while raw:
        kind, raw = raw[0], raw[1:]
        assert kind in (_REASON_STRING, _USER_PROPERTY), kind
        first, raw = _cut(raw)
        if kind == _REASON_STRING:
            reason = first
        else:
            properties[first], raw = _cut(raw)
    return reason, properties


def _cut(raw: bytes) -> tuple[str, bytes]:
    end = 2 + int.from_bytes(raw[:2])
    return raw[2:end].decode(), raw[end:]

"""What a session has to write, within what its client can take."""

from verger.edges.wire.mqtt import encode
from verger.edges.wire.mqtt.packets import Packet, PubAck, Publish
from verger.edges.wire.mqtt.properties import NONE, Properties


class Outgoing:
    """Bytes on their way to a client at protocol level `level` that asked for `wishes` in CONNECT."""

    def __init__(self, most: int) -> None:
        """Let at most `most` messages wait for the client's answer."""
        self.level, self.wishes = 4, NONE
        self._most = most
        self._waiting: list[bytes] = []
        self._sent: set[int] = set()
        self._last_id = 0

    def take(self) -> bytes:
        """Return what is to be written."""
        if not self._waiting:
            return b""
        waiting, self._waiting = self._waiting, []
        return waiting[0] if len(waiting) == 1 else b"".join(waiting)

    def put(self, raw: bytes) -> None:
        """Add a packet that is written already."""
        self._waiting.append(raw)

    def send(self, packet: Packet) -> None:
        """Add a packet."""
        self._waiting.append(encode.encode(packet, self.level))

    def explain(self, packet: PubAck, sentence: str, told: tuple[tuple[str, str], ...]) -> None:
        """Add an answer with its reason in words, if the client wants to know and can take it."""
        if self.level == 5 and self.wishes.request_problem_information != 0:
            said = Properties(reason_string=sentence, user_properties=told)
            raw = encode.encode(type(packet)(packet.packet_id, packet.reason, said), self.level)
            if len(raw) <= self._largest:
                self._waiting.append(raw)
                return
        self.send(packet)

    def publish(self, topic: str, body: bytes, qos: int) -> int | None:
        """Add a message; return its packet identifier (0 at QoS 0), or None when it cannot be sent now."""
        if qos and len(self._sent) >= min(self._most, self.wishes.receive_maximum or self._most):
            return None
        packet_id = self._next_id() if qos else 0
        raw = encode.publish(Publish(topic, body, qos, packet_id), self.level)
        if len(raw) > self._largest:
            return None
        if qos:
            self._sent.add(packet_id)
        self._waiting.append(raw)
        return packet_id

    def acknowledged(self, packet_id: int) -> bool:
        """Take the client's answer to a message; False when none waits for it."""
        known = packet_id in self._sent
        self._sent.discard(packet_id)
        return known

    @property
    def _largest(self) -> int:
        return self.wishes.maximum_packet_size or 268_435_460

    def _next_id(self) -> int:
        """Return a packet identifier that is not in use."""
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._sent:
                return self._last_id

"""What we tell a broker: messages that are not retained, within what it says that it takes."""

import asyncio
from collections.abc import Callable

from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.packets import PubAck, Publish
from verger.edges.wire.mqtt.properties import NONE, Properties

MOST = 100
"""Messages on their way at once; further ones wait where they come from."""
_MOST_UNREAD = 1 << 20
_LONGEST_TOPIC = 65_535
_LAST = 65_535

Told = Callable[[int], None]
"""Is told with which reason code the broker took a message; 0 is a plain yes."""


class Sending:
    """Publishes at QoS 1, where the broker has it, over one connection."""

    def __init__(self, level: int, out: asyncio.StreamWriter) -> None:
        """Write to a broker at a protocol level."""
        self._level, self._out = level, out
        self._qos, self._most, self._largest = 1, MOST, 0
        self._flying: dict[int, Told] = {}
        self._last = 0

    def greeted(self, said: Properties) -> None:
        """Learn what the broker takes."""
        self._qos = 1 if said.maximum_qos is None else min(1, said.maximum_qos)
        self._most = min(MOST, said.receive_maximum or MOST)
        self._largest = said.maximum_packet_size or 0

    def publish(self, topic: str, body: bytes, told: Told, lasts_s: int | None = None) -> bool:
        """Send a message; whether it is on its way, which it is not where the broker is behind or could not take it.

        One that lasts for so many seconds is kept by no broker for longer: before MQTT 5 it goes at QoS 0, for those
        who are there now.
        """
        if self._out.is_closing() or len(self._flying) >= self._most or not _is_topic(topic):
            return False
        if self._out.transport.get_write_buffer_size() > _MOST_UNREAD:
            return False
        qos = self._qos if lasts_s is None or self._level == 5 else 0
        packet_id = self._fresh() if qos else 0
        said = NONE if lasts_s is None else Properties(message_expiry_interval=lasts_s)
        raw = encode(Publish(topic, body, qos, packet_id, properties=said), self._level)
        if self._largest and len(raw) > self._largest:
            return False
        self._out.write(raw)
        if packet_id:
            self._flying[packet_id] = told
        else:
            told(0)
        return True

    def acknowledged(self, packet: PubAck) -> None:
        """Learn that the broker took a message, or why it did not."""
        if told := self._flying.pop(packet.packet_id, None):
            told(packet.reason)

    def _fresh(self) -> int:
        """Return a packet identifier that nothing on its way has."""
        while True:
            self._last = self._last % _LAST + 1
            if self._last not in self._flying:
                return self._last


def _is_topic(topic: str) -> bool:
    """Whether a broker would take a topic, and not end the connection for it."""
    return 0 < len(topic.encode()) <= _LONGEST_TOPIC and not set(topic) & set("+#\0")

"""Topic aliases of a client (MQTT 5, section 3.3.2.3.4): a number instead of a topic, for one connection."""

from msgspec.structs import replace

from verger.edges.wire.mqtt.packets import Publish
from verger.edges.wire.mqtt.reasons import ProtocolError, Reason


class Aliases:
    """Knows at most `most` aliases."""

    def __init__(self, most: int) -> None:
        """Know none yet."""
        self._most = most
        self._topics: dict[int, str] = {}

    def resolved(self, packet: Publish) -> Publish:
        """Return a message with the topic that its alias stands for."""
        if packet.properties.subscription_identifiers:
            raise ProtocolError("A client sent a subscription identifier.", Reason.PROTOCOL_ERROR)
        alias = packet.properties.topic_alias
        if alias is None:
            return packet
        if not 0 < alias <= self._most:
            raise ProtocolError("A topic alias is out of range.", Reason.TOPIC_ALIAS_INVALID)
        if packet.topic:
            self._topics[alias] = packet.topic
        elif alias not in self._topics:
            raise ProtocolError("A topic alias was never given.", Reason.PROTOCOL_ERROR)
        return replace(packet, topic=self._topics[alias], properties=replace(packet.properties, topic_alias=None))

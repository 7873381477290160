"""What a session has to write, within what its client can take; what exceeds that waits in order."""

from collections import deque

from verger.domain.messages.memory import Memory
from verger.domain.messages.model import NOTHING, Letter, Message
from verger.edges.wire.mqtt import encode
from verger.edges.wire.mqtt.packets import ConnAck, Disconnect, Packet, PubAck, PubComp, Publish, PubRec, PubRel
from verger.edges.wire.mqtt.properties import NONE, Properties
from verger.edges.wire.mqtt.reasons import Reason

_SECOND = 1_000_000


class Outgoing:
    """Bytes on their way to a client at protocol level `level` that asked for `wishes` in CONNECT.

    Of a session that is on disk, what may be said only once (QoS 2) waits until the disk has it. `now` is
    microseconds since 1970, and `since` when the client last had nothing to answer, or answered. `dropped` counts what
    it could not take or did not want any more.
    """

    def __init__(self, most: int) -> None:
        """Let at most `most` messages be on their way to the client at once."""
        self.level, self.wishes = 4, NONE
        self.now = self.since = self.dropped = 0
        self.memory = Memory()
        self._most = most
        self._waiting: list[bytes] = []
        self._held: deque[tuple[int, bytes]] = deque()
        self._queue: deque[Letter] = deque()
        self._flying: dict[int, Letter] = {}
        self._aliases: dict[str, int] = {}

    def take(self) -> bytes:
        """Return what is to be written."""
        if not self._waiting:
            return b""
        if len(self._waiting) == 1:
            return self._waiting.pop()
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)

    def put(self, raw: bytes) -> None:
        """Add a packet that is written already."""
        self._waiting.append(raw)

    def send(self, packet: Packet) -> None:
        """Add a packet; without the reason in words, or not at all, where it is larger than the client takes."""
        self._waiting.append(self._fitting(packet))

    def send_once_saved(self, packet: Packet) -> None:
        """Add a packet that tells of something which must outlive a crash."""
        self._put_once_saved(self._fitting(packet))

    def _fitting(self, packet: Packet) -> bytes:
        raw = encode.encode(packet, self.level)
        if len(raw) > self._largest and isinstance(packet, ConnAck | Disconnect):
            raw = encode.encode(type(packet)(packet.reason), self.level)
        return raw if len(raw) <= self._largest else b""

    def answer(self, packet: PubAck, sentence: str, told: tuple[tuple[str, str], ...]) -> None:
        """Add PUBACK or PUBREC, in words if there are any, the client wants to know and can take them."""
        raw = encode.encode(packet, self.level)
        if sentence and self.level == 5 and self.wishes.request_problem_information != 0:
            said = Properties(reason_string=sentence, user_properties=told)
            explained = encode.encode(type(packet)(packet.packet_id, packet.reason, said), self.level)
            raw = explained if len(explained) <= self._largest else raw
        if isinstance(packet, PubRec):
            self._put_once_saved(raw)
        else:
            self._waiting.append(raw)

    def _put_once_saved(self, raw: bytes) -> None:
        if self._held or self.memory.saved < self.memory.mark:
            self._held.append((self.memory.mark, raw))
        else:
            self._waiting.append(raw)

    # messages

    def begin(self, memory: Memory) -> None:
        """Go on with a session: what its client has not answered comes first, in the order it was sent."""
        self.memory = memory
        self._queue.extend(memory.letters.values())
        self.fill()

    def publish(self, message: Message, qos: int, *, wait: bool = True) -> int | None:
        """Send a message that ends with the connection; return its packet identifier, None when it cannot be sent."""
        if not qos:
            return 0 if self._write(Letter(0, message, 0)) else None
        if not wait and (self._queue or len(self._flying) >= self._window):
            return None
        letter = self.memory.add(message, qos, passing=True)
        if letter is None:
            return None
        self._queue.append(letter)
        self.fill()
        return letter.packet_id if letter.number in self.memory.letters else None

    def send_message(self, message: Message, qos: int, *, retain: bool, identifiers: tuple[int, ...]) -> None:
        """Send a message that stays in the session until the client has answered."""
        if not qos:
            self._write(Letter(0, message, 0, retain, identifiers))
        elif letter := self.memory.add(message, qos, retain=retain, identifiers=identifiers):
            self._queue.append(letter)
            self.fill()

    @property
    def owed(self) -> bool:
        """Whether the client has something to answer."""
        return bool(self._flying)

    @property
    def _window(self) -> int:
        return min(self._most, self.wishes.receive_maximum or self._most)

    def fill(self) -> None:
        """Send what waits, as far as the client takes it."""
        queue, flying, window = self._queue, self._flying, self._window
        while queue and len(flying) < window:
            letter = queue[0]
            if letter.number in self.memory.letters:
                if letter.packet_id in flying or (letter.qos == 2 and letter.mark > self.memory.saved):
                    return
                self._launch(letter)
            queue.popleft()

    def _launch(self, letter: Letter) -> None:
        if letter.released:
            self.send_once_saved(PubRel(letter.packet_id))
        elif not self._write(letter):
            self.memory.remove(letter)
            return
        letter.sent = True
        if not self._flying:
            self.since = self.now
        self._flying[letter.packet_id] = letter

    def _write(self, letter: Letter) -> bool:
        """Write a message unless it is too large or too late."""
        message, packet_id = letter.message, letter.packet_id if letter.qos else 0
        if message.expired(self.now) and not letter.sent:
            self.dropped += 1
            return False
        topic, said = message.topic, NONE
        if self.level == 5:
            topic, said = self._said(letter)
        dup = letter.sent and letter.qos > 0
        raw = encode.publish(Publish(topic, message.body, letter.qos, packet_id, letter.retain, dup, said), self.level)
        if len(raw) > self._largest:
            self.dropped += 1
            return False
        if topic and said.topic_alias:
            self._aliases[topic] = said.topic_alias
        self._waiting.append(raw)
        return True

    def _said(self, letter: Letter) -> tuple[str, Properties]:
        """Return the topic, or "" where its alias says it, and the properties of a message."""
        message, about = letter.message, letter.message.about
        alias, topic = None, message.topic
        most = self.wishes.topic_alias_maximum
        if most:
            alias = self._aliases.get(topic)
            if alias is not None:
                topic = ""
            elif len(self._aliases) < most:
                alias = len(self._aliases) + 1
        if alias is None and about is NOTHING and message.expires_at is None and not letter.identifiers:
            return topic, NONE
        left = None if message.expires_at is None else max(0, -((self.now - message.expires_at) // _SECOND))
        return topic, Properties(
            payload_format_indicator=about.payload_format,
            message_expiry_interval=left,
            content_type=about.content_type,
            response_topic=about.response_topic,
            correlation_data=about.correlation,
            subscription_identifiers=letter.identifiers,
            topic_alias=alias,
            user_properties=about.user,
        )

    # the client's answers

    def answered(self, packet: PubAck) -> bool:
        """Take an answer to a message, of which PUBREC and PUBCOMP have the same form; whether the message is done."""
        match packet:
            case PubRec():
                return self.received(packet)
            case PubComp():
                return self.completed(packet.packet_id)
            case _:
                return self.acknowledged(packet.packet_id)

    def acknowledged(self, packet_id: int) -> bool:
        """Take the answer to a message at QoS 1; False when none waits for it."""
        letter = self._flying.get(packet_id)
        if letter is None or letter.qos != 1:
            return False
        self._land(letter)
        return True

    def received(self, packet: PubRec) -> bool:
        """Take the first answer to a message at QoS 2 and let it go; False when none waits for it."""
        letter = self._flying.get(packet.packet_id)
        if letter is None or letter.qos != 2:
            self.send(PubRel(packet.packet_id, Reason.PACKET_IDENTIFIER_NOT_FOUND))
            return False
        if packet.reason >= Reason.UNSPECIFIED_ERROR and not letter.released:
            self._land(letter)
            return True
        self.since = self.now
        self.memory.release(letter)
        self.send_once_saved(PubRel(packet.packet_id))
        return False

    def completed(self, packet_id: int) -> bool:
        """Take the last answer to a message at QoS 2; False when none waits for it."""
        letter = self._flying.get(packet_id)
        if letter is None or not letter.released:
            return False
        self._land(letter)
        return True

    def _land(self, letter: Letter) -> None:
        del self._flying[letter.packet_id]
        self.since = self.now
        self.memory.remove(letter)
        self.fill()

    def saved(self) -> None:
        """Say what waited for the disk."""
        while self._held and self._held[0][0] <= self.memory.saved:
            self._waiting.append(self._held.popleft()[1])
        self.fill()

    @property
    def _largest(self) -> int:
        return self.wishes.maximum_packet_size or 268_435_460

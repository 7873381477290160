"""The server's end of one MQTT connection: a pure state machine without I/O and without a clock.

What it will not do: look at tokens, topics or bodies, keep anything, or wait. It turns bytes into happenings and
calls into bytes. Whoever owns it answers `Connect` with `welcome` or `refuse`, each `Publish` above QoS 0 with
`acknowledge` in the order they came, writes what `take` returns, and closes once it is `over`.
"""

from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Message
from verger.edges.wire.mqtt import encode, greeting
from verger.edges.wire.mqtt.aliases import Aliases
from verger.edges.wire.mqtt.granting import Manners, grant
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.happenings import Acknowledged, Ended, Happening, Repeated, State, Subscribed, Unsubscribed
from verger.edges.wire.mqtt.outgoing import Outgoing
from verger.edges.wire.mqtt.packets import (
    Connect,
    Disconnect,
    Packet,
    PingReq,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from verger.edges.wire.mqtt.properties import NONE, Properties
from verger.edges.wire.mqtt.reasons import OUR_DOING, ProtocolError, Reason, UnsupportedVersion
from verger.edges.wire.mqtt.stream import Stream

_OPEN = State.OPEN  # looking a member up costs, and this one is asked for with each packet


class Session:
    """One connection seen from the server; times are seconds of any steady clock, `epoch` its zero since 1970.

    `heard_at` is when its client was last heard. `unacknowledged` counts those at QoS 1 in MQTT 5.
    """

    def __init__(self, manners: Manners, now: float, limits: Limits | None = None, epoch: float = 0.0) -> None:
        """Wait for CONNECT; `manners` tell what is open to the client."""
        self.limits, self.manners = limits or Limits(), manners
        self.state = State.SILENT
        self.level = 4
        self.memory = Memory()
        self.connect = Connect("")
        self.expiry_s = 0
        self.unacknowledged = 0
        self.more = False
        self._epoch = epoch
        self._stream = Stream(largest=self.limits.packet_bytes)
        self._out = Outgoing(self.limits.sent_maximum)
        self.take = self._out.take  # returns what is to be written
        self.heard_at = now
        self._silence_s = self.limits.connect_s
        self._aliases = Aliases(self.limits.topic_alias_maximum)

    # bytes in, bytes out, time

    def hear(self, chunk: bytes, now: float, most: int = 1 << 30) -> list[Happening]:
        """Take bytes and return what happened in at most `most` packets; go on with no bytes while there is `more`."""
        if self.state is not _OPEN:
            return self._hear_connect(chunk)
        self.heard_at = now
        happenings: list[Happening] = []
        try:
            for packet in self._stream.feed(chunk, most):
                happened = self._on_publish(packet) if type(packet) is Publish else self._on(packet)
                if happened is not None:
                    happenings.append(happened)
            if self._stream.error is not None:
                raise self._stream.error
            self.more = self._stream.more
        except ProtocolError as error:
            happenings.append(self.end(error.reason, str(error), broken=True))
        return happenings

    def lend(self, chunk: bytes) -> bytes | None:
        """Return the bytes that come next, for a reader of PUBLISH packets that need no session; `hear` the rest.

        Those at QoS 1 that it takes count as `unacknowledged`. None: `hear` the chunk itself. Where such a reader took
        all that was lent, it may take the next chunk as it comes.
        """
        if self.state is not _OPEN:
            return None
        return self._stream.lend(chunk) if self._stream.held else chunk

    @property
    def over(self) -> bool:
        """Whether the connection is to be closed once everything is written."""
        return self.state is State.OVER

    @property
    def deadline(self) -> float | None:
        """The time at which `tick` must be called, or None."""
        if self.state in {State.SILENT, _OPEN} and self._silence_s:
            return self.heard_at + self._silence_s
        return None

    def tick(self, now: float) -> list[Happening]:
        """End the session if its client was silent for too long."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return []
        return [self.end(Reason.KEEP_ALIVE_TIMEOUT, "Nothing was heard for too long.")]

    # the beginning and the end

    def _hear_connect(self, chunk: bytes) -> list[Happening]:
        """Take bytes before the session is open; the first packet must be CONNECT."""
        packets = self._stream.feed(chunk, 1 if self.state is State.SILENT else 0)
        error = self._stream.error
        if isinstance(error, UnsupportedVersion):
            answer, level = greeting.refusal_of_version(error)
            self._out.put(encode.encode(answer, level))
        if error is not None:
            return [self.end(error.reason, str(error), broken=True)] if self.state is not State.OVER else []
        if not packets:
            return []
        if not isinstance(packets[0], Connect):
            return [self.end(Reason.PROTOCOL_ERROR, "The first packet is not CONNECT.", broken=True)]
        self.state, self.connect, self.level = State.ASKED, packets[0], packets[0].level
        self._out.level, self._out.wishes = self.level, self.connect.properties
        fault = greeting.fault(self.connect, self.limits)
        return [self.refuse(fault)] if fault else [self.connect]

    def bound(self, limits: Limits) -> None:
        """Hold a client to limits of its own, from its next packet on."""
        self.limits, self._stream.largest = limits, limits.packet_bytes

    def welcome(self, memory: Memory, client_id: str, now: float, *, present: bool) -> None:
        """Let the client in with what is remembered of it."""
        self.state, self.memory, self.heard_at = _OPEN, memory, now
        self._silence_s = 1.5 * greeting.keep_alive(self.connect, self.limits)
        self.expiry_s = greeting.expiry(self.connect, self.limits)
        full = self.manners.shared
        self._send(greeting.welcome(self.connect, self.limits, present=present, client_id=client_id, full=full))
        self._out.now = self._wall(now)
        self._out.begin(memory)
        self.more = True

    def refuse(self, reason: Reason, sentence: str = "") -> Ended:
        """Do not let the client in."""
        answer = greeting.refusal(self.level, reason, sentence)
        if answer is not None and self.state is State.ASKED:
            self._out.send(answer)
        self.state = State.OVER
        return Ended(reason, sentence)

    def end(self, reason: Reason, sentence: str = "", *, broken: bool = False) -> Ended:
        """End the session and, in MQTT 5, tell the client why."""
        if self.state is _OPEN and self.level == 5:
            self._send(Disconnect(reason, Properties(reason_string=sentence) if sentence else NONE))
        opened, self.state, self.more = self.state is _OPEN, State.OVER, False
        return Ended(reason, sentence, opened and reason not in OUR_DOING, broken)

    # what the client says

    def _on_publish(self, packet: Publish) -> Happening | None:
        """Prepare a message for its reader, who sees a whole topic."""
        if packet.properties is not NONE:
            packet = self._aliases.resolved(packet)
        if not packet.qos:
            return packet
        if packet.qos > self.limits.maximum_qos:
            raise ProtocolError("This quality of service is not spoken here.", Reason.QOS_NOT_SUPPORTED)
        if packet.qos == 2:
            if packet.packet_id in self.memory.received:
                self._out.send_once_saved(PubRec(packet.packet_id))
                return None
            if packet.packet_id in self.memory.arriving:
                return Repeated(packet.packet_id)
            self.memory.arrive(packet.packet_id)
            unanswered = len(self.memory.arriving) + len(self.memory.received)
        else:
            self.unacknowledged += self.level == 5
            unanswered = self.unacknowledged
        if unanswered > self.limits.receive_maximum and self.level == 5:
            raise ProtocolError("More messages than the receive maximum.", Reason.RECEIVE_MAXIMUM_EXCEEDED)
        return packet

    def _on(self, packet: Packet) -> Happening | None:
        """Answer any packet but PUBLISH."""
        self._out.now = self._wall(self.heard_at)
        match packet:
            case PubRel():
                self._on_pubrel(packet)
            case PubAck():
                return Acknowledged(packet.packet_id, packet.reason) if self._out.answered(packet) else None
            case PingReq():
                self._send(PingResp())
            case Subscribe():
                return self._on_subscribe(packet)
            case Unsubscribe():
                return self._on_unsubscribe(packet)
            case Disconnect():
                return self._on_disconnect(packet)
            case _:
                raise ProtocolError(f"A client may not send {packet.kind.name} now.", Reason.PROTOCOL_ERROR)
        return None

    def _on_pubrel(self, packet: PubRel) -> None:
        """Forget a message at QoS 2 that its sender has let go."""
        known = self.memory.let_go(packet.packet_id)
        self._out.send_once_saved(PubComp(packet.packet_id, 0 if known else Reason.PACKET_IDENTIFIER_NOT_FOUND))

    def _on_subscribe(self, packet: Subscribe) -> Subscribed:
        """Grant what the client may hear."""
        reasons, retained = grant(packet, self.memory, self.manners, self.limits)
        codes = reasons if self.level == 5 else [min(reason, Reason.UNSPECIFIED_ERROR) for reason in reasons]
        self._out.send_once_saved(SubAck(packet.packet_id, tuple(codes)))
        pairs = zip(packet.filters, reasons, strict=True)
        heard = [wish.topic for wish, reason in pairs if reason < Reason.UNSPECIFIED_ERROR]
        return Subscribed(tuple(dict.fromkeys(heard)), tuple(retained), len(reasons) - len(heard))

    def _on_unsubscribe(self, packet: Unsubscribe) -> Unsubscribed:
        """Take back topic filters."""
        known = [self.memory.unsubscribe(topic) for topic in packet.topics]
        reasons = tuple(0 if one else int(Reason.NO_SUBSCRIPTION_EXISTED) for one in known)
        self._out.send_once_saved(UnsubAck(packet.packet_id, reasons if self.level == 5 else ()))
        return Unsubscribed(tuple(topic for topic, one in zip(packet.topics, known, strict=True) if one))

    def _on_disconnect(self, packet: Disconnect) -> Ended:
        """End as the client wishes."""
        asked = packet.properties.session_expiry_interval
        if asked is not None:
            if asked and not self.connect.properties.session_expiry_interval:
                raise ProtocolError("A session that was to end cannot be kept.", Reason.PROTOCOL_ERROR)
            self.expiry_s = min(asked, self.limits.session_s)
        self.state, self.more = State.OVER, False
        return Ended(Reason.SUCCESS, with_will=packet.reason != Reason.SUCCESS)

    # what the client is told

    def acknowledge(
        self, packet_id: int, qos: int = 1, reason: int = 0, sentence: str = "", told: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Answer a message: kept, or why not; `told` goes along as user properties."""
        if qos == 1:
            self.unacknowledged -= self.level == 5
            if not sentence and not reason and self.state is _OPEN:
                self._out.put(encode.pubacks((packet_id,)))
                return
        elif self.level == 4 or reason < Reason.UNSPECIFIED_ERROR:
            self.memory.receive(packet_id)
        else:
            self.memory.arriving.pop(packet_id, None)
        if self.state is _OPEN:
            self._out.answer(PubAck(packet_id, reason) if qos == 1 else PubRec(packet_id, reason), sentence, told)

    def unkept(self, packet_id: int) -> None:
        """Forget a message at QoS 2 that could not be kept, so that it is heard anew when it comes again."""
        self.memory.arriving.pop(packet_id, None)

    def repeat(self, packet_id: int) -> None:
        """Answer a message that was `Repeated`, if its first copy was kept."""
        if packet_id in self.memory.received and self.state is _OPEN:
            self._out.send_once_saved(PubRec(packet_id))

    def publish(self, topic: str, body: bytes, qos: int = 0, *, wait: bool = True) -> int | None:
        """Send a message of this connection; return its packet identifier, 0 at QoS 0.

        None when it cannot be sent; what exceeds the client's window waits in order, or is not sent if it may not.
        """
        return self._out.publish(Message(topic, body), qos, wait=wait) if self.state is _OPEN else None

    def send(
        self, message: Message, qos: int, now: float, *, retain: bool = False, identifiers: tuple[int, ...] = ()
    ) -> None:
        """Send a message of a topic tree; at QoS 1 and 2 it stays in the session until it is answered."""
        self._out.now = self._wall(now)
        self._out.send_message(message, qos, retain=retain, identifiers=identifiers)

    def owes(self, now: float) -> float:
        """Return for how many seconds the client has answered none of the messages that it was sent."""
        return (self._wall(now) - self._out.since) / 1_000_000 if self._out.owed else 0.0

    def saved(self, now: float) -> None:
        """Say what had to wait until more of the session's memory was on disk, where it is kept."""
        if self.state is _OPEN:
            self._out.now = self._wall(now)
            self._out.saved()

    def _wall(self, now: float) -> int:
        return int((self._epoch + now) * 1_000_000)

    def _send(self, packet: Packet) -> None:
        if self.state is _OPEN:
            self._out.send(packet)

"""The client's end of an MQTT connection, as pure as the server's: it refuses whatever a server may not send."""

from verger.domain.messages.memory import Memory
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.happenings import Ended, Happening
from verger.edges.wire.mqtt.packets import (
    ConnAck,
    Connect,
    Disconnect,
    Filter,
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
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.session import Session
from verger.edges.wire.mqtt.stream import Stream


class Client:
    """Says things, and checks that every answer is one that it waits for."""

    def __init__(self, level: int) -> None:
        self.level = level
        self.got: list[Packet] = []
        self.waiting: list[tuple[type[Packet], int]] = []
        self.unreleased: set[int] = set()
        self.silent = False
        self._stream = Stream(level)
        self._out = b""

    def say(self, *packets: Packet) -> None:
        """Send packets and remember which answers they ask for."""
        for packet in packets:
            self._out += encode(packet, self.level)
            match packet:
                case Connect():
                    self.waiting.append((ConnAck, 0))
                case Publish(qos=1):
                    self.waiting.append((PubAck, packet.packet_id))
                case Publish(qos=2):
                    self.waiting.append((PubRec, packet.packet_id))
                case PubRel():
                    self.waiting.append((PubComp, packet.packet_id))
                case Subscribe():
                    self.waiting.append((SubAck, packet.packet_id))
                case Unsubscribe():
                    self.waiting.append((UnsubAck, packet.packet_id))
                case PingReq():
                    self.waiting.append((PingResp, 0))

    def take(self) -> bytes:
        """Return what is to be sent."""
        out, self._out = self._out, b""
        return out

    def hear(self, raw: bytes) -> list[Packet]:
        """Take what the server sent, and answer as a good client does."""
        heard = self._stream.feed(raw)
        assert self._stream.error is None
        for packet in heard:
            self._check(packet)
        self.got += heard
        return heard

    def _check(self, packet: Packet) -> None:
        match packet:
            case Publish():
                self._on_publish(packet)
            case PubRel() if packet.packet_id in self.unreleased:
                self.unreleased.discard(packet.packet_id)
                self._answer(PubComp(packet.packet_id))
            case Disconnect():
                assert self.level == 5, "a server of MQTT 3.1.1 sends no DISCONNECT"
            case _:
                number = getattr(packet, "packet_id", 0)
                assert (type(packet), number) in self.waiting, f"nobody asked for {packet}"
                self.waiting.remove((type(packet), number))

    def _on_publish(self, packet: Publish) -> None:
        """Answer a message as its quality of service asks; at QoS 2 it counts once."""
        if packet.qos == 1:
            self._answer(PubAck(packet.packet_id))
        elif packet.qos == 2:
            self.unreleased.add(packet.packet_id)
            self._answer(PubRec(packet.packet_id))

    def _answer(self, packet: Packet) -> None:
        if not self.silent:
            self._out += encode(packet, self.level)


class Pair:
    """A client and a session joined by bytes."""

    def __init__(self, client: Client, session: Session, now: float = 0.0) -> None:
        self.client, self.session, self.now = client, session, now

    def pump(self) -> list[Happening]:
        """Carry bytes both ways until nobody has anything to say; return what happened at the server."""
        happened: list[Happening] = []
        while True:
            there = self.client.take()
            happened += self.session.hear(there, self.now)
            back = self.session.take()
            self.client.hear(back)
            if not there and not back and not self.session.more:
                return happened

    def say(self, *packets: Packet) -> list[Happening]:
        """Let the client say something and carry it over."""
        self.client.say(*packets)
        return self.pump()

    def last(self) -> Packet:
        """Return what the client heard last."""
        return self.client.got[-1]


def subscribe(*topics: str, qos: int = 1, number: int = 1) -> Subscribe:
    """Return a wish to hear topics."""
    return Subscribe(number, tuple(Filter(topic, qos) for topic in topics))


def said(packet: Packet) -> Properties:
    """Return the properties of a packet."""
    assert not isinstance(packet, PingReq | PingResp)
    return packet.properties


MINE = Manners(lambda topic: topic.startswith("mine"))
ALL = Manners(bool, shared=True, identifiers=True, retained=True)
LIMITS = Limits(packet_bytes=1000, receive_maximum=3, sent_maximum=2, topic_alias_maximum=2)


def pair(level: int, limits: Limits = LIMITS) -> Pair:
    return Pair(Client(level), Session(MINE, 0.0, limits))


def opened(
    level: int,
    connect: Connect | None = None,
    memory: Memory | None = None,
    limits: Limits = LIMITS,
    manners: Manners = MINE,
    client: Client | None = None,
) -> Pair:
    joined = Pair(client or Client(level), Session(manners, 0.0, limits))
    asked = connect or Connect("c", level, username="token", keep_alive=10)
    assert joined.say(asked) == [asked]
    joined.session.welcome(
        Memory() if memory is None else memory, asked.client_id or "given", 0.0, present=memory is not None
    )
    assert joined.pump() == []
    return joined


def ended(joined: Pair, *packets: Packet) -> Reason:
    [*_, last] = joined.say(*packets)
    assert isinstance(last, Ended)
    assert joined.session.over
    return last.reason

"""Connections that break, and a server that is killed: at QoS 2 once, at QoS 1 at least once, always in order."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Letter, Message
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.packets import Connect, Packet, PubAck, PubComp, Publish, PubRec, PubRel
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.session import Session
from verger.edges.wire.mqtt.stream import Stream

STEPS = st.lists(st.sampled_from(["1", "2", "there", "back", "cut", "save", "kill"]), max_size=60)


@dataclass
class Disk:
    """What of one session would be read after a crash."""

    letters: dict[int, Letter] = field(default_factory=dict)

    def save(self, memory: Memory) -> None:
        changes = memory.changes()
        for number in changes.gone:
            self.letters.pop(number, None)
        for number, each in changes.fresh.items():
            self.letters[number] = Letter(number, each.message, each.qos, released=each.released)
        for number in changes.released & self.letters.keys():
            self.letters[number].released = True
        memory.saved = changes.mark

    def recalled(self, room_for: Memory) -> Memory:
        # whether the client has a letter nobody knows after a crash: it may
        letters = (Letter(e.number, e.message, e.qos, sent=True, released=e.released) for e in self.letters.values())
        room_for.recall(letters)
        return room_for


class Receiver:
    """A client that remembers, over its connections, what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[int, bytes]] = []
        self.unreleased: set[int] = set()

    def answer(self, packet: Packet) -> Packet | None:
        match packet:
            case Publish(qos=2):
                if packet.packet_id not in self.unreleased:
                    self.got.append((2, packet.body))
                self.unreleased.add(packet.packet_id)
                return PubRec(packet.packet_id)
            case Publish():
                self.got.append((1, packet.body))
                return PubAck(packet.packet_id)
            case PubRel():
                self.unreleased.discard(packet.packet_id)
                return PubComp(packet.packet_id)
        return None


class World:
    """A server, a client that comes again and again, and bytes under way between them."""

    def __init__(self, window: int, *, lasting: bool) -> None:
        self.lasting, self.window = lasting, window
        self.disk, self.receiver = Disk(), Receiver()
        self.memory = Memory(name="s" if lasting else "")
        self.posted: list[tuple[int, bytes]] = []
        self.connect()

    def connect(self) -> None:
        self.there = self.back = b""
        self.stream = Stream(5)
        self.session = Session(Manners(bool), 0.0, Limits(sent_maximum=50))
        wish = Connect("c", 5, clean_start=False, properties=Properties(receive_maximum=self.window))
        self.session.hear(encode(wish, 5), 0.0)
        self.session.welcome(self.memory, "c", 0.0, present=True)

    def step(self, what: str) -> None:
        match what:
            case "1" | "2":
                body = str(len(self.posted)).encode()
                self.posted.append((int(what), body))
                self.session.send(Message("t", body), int(what), 0.0)
            case "there":
                self.there += self.session.take()
                for packet in self.stream.feed(self.there):
                    if answer := self.receiver.answer(packet):
                        self.back += encode(answer, 5)
                self.there = b""
            case "back":
                self.session.hear(self.back, 0.0)
                self.back = b""
            case "cut":
                self.session.take()
                self.connect()
            case "save" if self.lasting:
                self.disk.save(self.memory)
                self.session.saved(0.0)
            case "kill" if self.lasting:
                self.memory = self.disk.recalled(Memory(name="s"))
                self.connect()

    def settle(self) -> None:
        self.step("cut")
        while self.memory.letters:
            for what in ("save", "there", "back"):
                self.step(what)


def firsts(got: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return list(dict.fromkeys(got))


@given(STEPS, st.integers(1, 4))
def test_over_broken_connections_everything_arrives_in_order_and_at_qos_2_once(steps: list[str], window: int) -> None:
    world = World(window, lasting=False)
    for step in steps:
        world.step(step)
    world.settle()
    assert firsts(world.receiver.got) == world.posted
    twos = [body for qos, body in world.receiver.got if qos == 2]
    assert len(twos) == len(set(twos))


@given(STEPS, st.integers(1, 4))
def test_over_kills_too_what_was_saved_arrives_in_order_and_at_qos_2_once(steps: list[str], window: int) -> None:
    world, kept = World(window, lasting=True), set[tuple[int, bytes]]()
    for step in steps:
        world.step(step)
        if step == "save":
            kept = set(world.posted)
        elif step == "kill":
            world.posted = [each for each in world.posted if each in kept or each in world.receiver.got]
    world.settle()
    got = firsts(world.receiver.got)
    assert got == [each for each in world.posted if each in got]
    assert kept <= set(got)
    twos = [body for qos, body in world.receiver.got if qos == 2]
    assert len(twos) == len(set(twos))

"""Random walks of a client and a session: whatever a good client does, neither machine refuses the other."""

from hypothesis import given
from hypothesis import strategies as st

from tests.edges.wire.mqtt.client import Client, Pair, subscribe
from tests.edges.wire.mqtt.strategies import packets
from verger.domain.messages.memory import Memory
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.happenings import Ended, Repeated
from verger.edges.wire.mqtt.packets import Connect, Packet, PingReq, Publish, PubRel, Unsubscribe
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.session import Session
from verger.edges.wire.mqtt.stream import Stream

LIMITS = Limits(receive_maximum=20, sent_maximum=5)
LEVELS = st.sampled_from([4, 5])

STEP = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 2), st.integers(1, 8)),
    st.tuples(st.just("answer"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("release"), st.just(0), st.integers(1, 8)),
    st.tuples(st.just("send"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("subscribe"), st.just(0), st.integers(1, 8)),
    st.tuples(st.just("ping"), st.just(0), st.just(0)),
)


class Walk(Pair):
    """A good client, and a server that answers its messages in order."""

    def __init__(self, level: int) -> None:
        super().__init__(Client(level), Session(Manners(bool), 0.0, LIMITS))
        self.say(Connect("c", level, username="t"))
        self.session.welcome(Memory(), "c", 0.0, present=False)
        self.pump()
        self.unanswered: list[tuple[int, int, bool]] = []

    def step(self, what: str, qos: int, number: int) -> None:
        """Go one step, and remember what the server owes."""
        match what:
            case "publish" if not qos or len(self.unanswered) < 10:
                self.say_message(Publish("t", b"x", qos, number if qos else 0))
            case "answer" if self.unanswered:
                self.answer(kept=number != 0)
            case "release":
                self.say(PubRel(number))
            case "send":
                self.session.publish("t", b"y", qos)
            case "subscribe":
                self.say(subscribe("t", "#/x", number=number), Unsubscribe(number, ("t",)))
            case "ping":
                self.say(PingReq())
        for happened in self.pump():
            assert not isinstance(happened, Ended)

    def say_message(self, message: Publish) -> None:
        for happened in self.say(message):
            assert not isinstance(happened, Ended)
            if isinstance(happened, Repeated):
                self.unanswered.append((happened.packet_id, 2, True))
            elif isinstance(happened, Publish) and happened.qos:
                self.unanswered.append((happened.packet_id, happened.qos, False))

    def answer(self, *, kept: bool) -> None:
        number, qos, repeated = self.unanswered.pop(0)
        if repeated:
            self.session.repeat(number)
        elif kept:
            self.session.acknowledge(number, qos)
        else:
            self.session.acknowledge(number, qos, Reason.PAYLOAD_FORMAT_INVALID, "No.", (("t", "No."),))


@given(LEVELS, st.lists(STEP, max_size=40))
def test_a_good_client_is_never_refused_and_never_hears_anything_wrong(
    level: int, steps: list[tuple[str, int, int]]
) -> None:
    walk = Walk(level)
    for step in steps:
        walk.step(*step)
    while walk.unanswered:
        walk.answer(kept=True)
    walk.pump()
    assert walk.session.unacknowledged == 0
    assert not walk.session.over


@given(LEVELS.flatmap(lambda level: st.tuples(st.just(level), st.lists(packets(level), max_size=8))))
def test_a_session_bears_any_packets_and_what_it_says_can_be_read(levelled: tuple[int, list[Packet]]) -> None:
    level, sent = levelled
    session, stream = Walk(level).session, Stream(level)
    for packet in sent:
        session.hear(encode(packet, level), 0.0)
        stream.feed(session.take())
    assert stream.error is None


@given(chunks=st.lists(st.binary(max_size=60), max_size=6), connected=st.booleans())
def test_a_session_bears_any_bytes(chunks: list[bytes], *, connected: bool) -> None:
    session = Walk(5).session if connected else Session(Manners(bool), 0.0, LIMITS)
    for chunk in chunks:
        session.hear(chunk, 0.0)
        session.take()

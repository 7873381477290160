"""The express lane does as session and dialect would, only sooner."""

import asyncio
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.conftest import FakeDisk, FakeMembers, Impatient, make_exchange
from verger.domain.telemetry.model import Garbled, Heard, Readings, Run, apart
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.shapes import Shape, shape_of
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt import encode, express
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import Connect, Disconnect, Packet, PingReq, Publish, PubRel
from verger.edges.wire.mqtt.properties import Properties

TOPIC = "v1/devices/me/telemetry"
SAME = [
    b'{"t":21.5,"h":40}',
    b'{"h":1,"t":2}',
    b'{"t":1,"h":2,"t":3}',
    b'{"t":"4","h":5}',
    b'{"t":1}',
    b'{"t":1,"h":2,"x":3}',
]
BODIES = [*SAME, b'{"ts":1731000000000,"values":{"t":1}}', b'[{"ts":1,"values":{"t":1}}]']
ODD_BODIES = [
    b"",
    b"{}",
    b"{",
    b'{"t":"on"}',
    b'{"t":1e999}',
    b'{"":1}',
    b"[]",
    b"\xff",
    b'{"t":' + b"1" * 20_000 + b"}",
]

_topics = st.sampled_from([TOPIC, TOPIC, "v2/t", "v1/devices/me/attributes", "v1/devices/me/events", "elsewhere"])
_bodies = st.sampled_from(BODIES * 3 + ODD_BODIES)
_properties = st.sampled_from([Properties(), Properties(topic_alias=1), Properties(user_properties=(("a", "b"),))])


def _published(qos: int, level: int) -> st.SearchStrategy[Publish]:
    ids = st.integers(1, 3) if qos else st.just(0)
    plain = st.just(Properties())
    seldom = st.integers(0, 9).map(lambda number: not number)
    repeated = seldom if qos else st.just(value=False)
    return st.builds(
        Publish, _topics, _bodies, st.just(qos), ids, seldom, repeated, _properties if level == 5 else plain
    )


def _packets(level: int) -> st.SearchStrategy[list[Packet]]:
    others: st.SearchStrategy[Packet] = st.sampled_from([PingReq(), PubRel(1)])
    return st.lists(st.one_of(*(_published(qos, level) for qos in (1, 0, 1, 2)), others), max_size=12)


class Lane:
    """A device on the express lane."""

    def __init__(self, level: int = 4, largest: int = 1 << 20, shape: Shape | None = None) -> None:
        self.owner, self.level, self.largest, self.shape = "d", level, largest, shape


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = False

    def write(self, raw: bytes) -> None:
        self.written += raw

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def get_extra_info(self, _name: str) -> None:
        return None

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


async def said(chunks: list[bytes], level: int) -> tuple[list[Heard], bytes, bool, Any]:
    """Return what was heard in these chunks, and what was answered."""
    inbound, house = FakeInbound(), FakeHouse()
    inlet = Inlet(inbound)
    running = asyncio.create_task(inlet.run())
    listener = Listener(house, inlet, make_exchange(FakeDisk()), FakeMembers(), Impatient(), Limits(receive_maximum=4))
    line, wire = listener.line(), Wire()
    line.connection_made(cast("asyncio.Transport", wire))
    line.data_received(encode.encode(Connect("c", level, username="token-d", keep_alive=60), level))
    for chunk in chunks:
        line.data_received(chunk)
        for _ in range(4):
            await asyncio.sleep(0)
    line.connection_lost(None)
    inlet.stop()
    await running
    return inbound.heard, bytes(wire.written), wire.closed, (house.remarks, listener.counts)


@pytest.mark.parametrize("level", [4, 5])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_it_changes_nothing_but_the_time_it_takes(
    level: int, data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = data.draw(_packets(level))
    raw = b"".join(encode.encode(packet, level) for packet in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    chunks = [raw[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    sooner = asyncio.run(said(chunks, level))
    with monkeypatch.context() as patch:
        patch.setattr(express, "read", lambda *_: (0, [], []))
        assert asyncio.run(said(chunks, level)) == sooner


def test_it_takes_what_is_usual_and_stops_where_something_else_begins() -> None:
    usual = [
        encode.encode(Publish(TOPIC, b'{"t":%d}' % number, number % 2, number % 2 * number), 4) for number in (1, 2, 3)
    ]
    other = encode.encode(Disconnect(), 4)
    raw = b"".join([*usual, other])
    heard = [Heard("d", (Readings({"t": float(number)}),)) for number in (1, 2, 3)]
    assert singly(express.read(raw, Lane(), 10)) == (len(raw) - len(other), heard, [1, 0, 3])
    assert singly(express.read(raw, Lane(), 1)) == (len(usual[0]), heard[:1], [1])
    assert singly(express.read(raw, Lane(largest=len(usual[0]) - 1), 10)) == (0, [], [])


def singly(read: tuple[int, Sequence[Heard | Run], list[int]]) -> tuple[int, list[Heard], list[int]]:
    done, heard, tickets = read
    return done, apart(heard), tickets


@pytest.mark.parametrize(
    "bodies",
    [
        [b'{"t":1},{"t":2}', b'{"t":3}'],
        [b'{"t":1', b'"t":2}', b'{"t":3},{"t":4}'],
        [b'{"t', b'":1}'],
        [b'{"t}', b'{":1}'],
        [b'{"t":1},{"u":2', b'"v":3}'],
        [b'{"t":1}', b"{}"],
        [b' {"t":1}', b'{"t":2}'],
    ],
)
def test_bodies_are_never_cut_in_other_places_than_between_them(bodies: list[bytes]) -> None:
    assert native.run("d", bodies) is None
    raw = b"".join(encode.encode(Publish(TOPIC, body, 1, number), 4) for number, body in enumerate(bodies, 1))
    whole = [_whole(body) for body in bodies]
    for lane in (Lane(), Lane(shape=shape_of(("t",))), Lane(shape=shape_of(("u", "v")))):
        assert singly(express.read(raw, lane, 10))[1] == list(takewhile(bool, whole))


def _whole(body: bytes) -> Heard | None:
    try:
        return native.telemetry("d", body)
    except Garbled:
        return None


def test_messages_of_other_metrics_are_heard_one_by_one() -> None:
    assert native.run("d", [b'{"t":1}', b'{"u":2}']) is None
    assert native.run("d", [b'{"t":1,"u":2}', b'{"t":3,"u":4}']) == Run("d", ("t", "u"), [1, 2, 3, 4])


@given(st.binary(max_size=60), st.sampled_from([4, 5]))
def test_no_bytes_are_too_strange_for_it(noise: bytes, level: int) -> None:
    usual = encode.encode(Publish(TOPIC, b'{"t":1}', 1, 7), level)
    done, heard, tickets = express.read(usual + noise, Lane(level), 1 << 30)
    assert len(usual) <= done <= len(usual + noise)
    assert len(apart(heard)) == len(tickets) >= 1

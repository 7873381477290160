"""What is retained goes to who comes to hear it in turns, and no faster than it is read."""

import asyncio
from collections.abc import Callable
from typing import cast

from tests.edges.wire.mqtt.client import ALL
from tests.edges.wire.mqtt.conftest import FakeDisk, Open, make_exchange
from tests.edges.wire.mqtt.device import Device
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.model import Message, Subscription
from verger.domain.messages.standing import Standing
from verger.edges.wire.mqtt.packets import Filter, PubAck, Publish, SubAck, Subscribe
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.reminding import Reminding
from verger.edges.wire.mqtt.session import Session
from verger.edges.wire.mqtt.speaker import Line


class FakeLine:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.session = Session(ALL, 0.0)
        self.blocked = False
        self.sent: list[bytes] = []
        self.later: list[Callable[[], None]] = []
        self.paced = 0

    def send(self, message: Message, qos: int, *, retain: bool, identifiers: tuple[int, ...]) -> None:
        assert (qos, retain, identifiers) == (0, True, ())
        self.sent.append(message.body[:1])

    def saved(self) -> None:
        raise AssertionError

    def when_read(self, act: Callable[[], None]) -> None:
        self.later.append(act)

    def pace(self) -> None:
        self.paced += 1


def scene(*topic_filters: str) -> tuple[Exchange, Standing, FakeLine, Reminding]:
    exchange, line, standing = make_exchange(FakeDisk()), FakeLine(), Standing("t", "key:1", "c")
    for number in range(4):
        exchange.retained.keep("t", Message(f"a/{number}", b"%d" % number * 40_000))
    standing.line = line
    for topic_filter in topic_filters:
        standing.memory.subscribe(topic_filter, Subscription())
    return exchange, standing, line, Reminding(exchange, cast("Line", line))


async def turn() -> None:
    """Let others have their turn once."""
    await asyncio.sleep(0)


async def test_others_have_their_turn_between() -> None:
    _, standing, line, reminding = scene("a/+", "a/0")
    reminding.ask(standing, ("a/+", "a/0"))
    assert line.sent == []
    await turn()
    assert (line.sent, reminding.busy, line.paced) == ([b"0", b"1"], True, 0)
    for _ in range(4):
        await turn()
    assert (line.sent, reminding.busy, line.paced) == ([b"0", b"1", b"2", b"3", b"0"], False, 1)


async def test_who_does_not_read_is_waited_for() -> None:
    _, standing, line, reminding = scene("#")
    reminding.ask(standing, ("#",))
    await turn()
    line.blocked = True
    await turn()
    await turn()
    assert (line.sent, reminding.busy, len(line.later)) == ([b"0", b"1"], True, 1)
    line.blocked = False
    line.later.pop()()
    await turn()
    assert line.sent == [b"0", b"1", b"2", b"3"]


async def test_what_comes_or_goes_meanwhile_is_heeded() -> None:
    exchange, standing, line, reminding = scene("#", "a/0")
    reminding.ask(standing, ("#", "a/0"))
    await turn()
    exchange.retained.keep("t", Message("a/2", b"new"))
    exchange.retained.keep("t", Message("a/3", b""))
    standing.memory.unsubscribe("a/0")
    for _ in range(4):
        await turn()
    assert (line.sent, reminding.busy) == ([b"0", b"1", b"n"], False)


async def test_a_filter_that_stands_many_times_in_a_packet_is_answered_once(open_listener: Open) -> None:
    listener, port = await open_listener()
    async with Device(port, 5, "vk_farm") as one:
        await one.begin()
        assert await one.ask(Publish("a", b"x", 1, 1, retain=True)) == PubAck(1)
        answer = await one.ask(Subscribe(2, (Filter("#", 0),) * 1_003))
        assert answer == SubAck(2, (0,) * 1_000 + (Reason.QUOTA_EXCEEDED,) * 3)
        assert await one.hear() == Publish("a", b"x", retain=True)
        assert await one.ask(Publish("b", b"y")) == Publish("b", b"y")
    assert listener.counts.unheard == 3

"""What waits for a device that is away, and what never does."""

import pytest

from tests.edges.wire.conftest import FakeHouse
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import FakeDisk, Open
from tests.edges.wire.mqtt.device import Device
from verger.base.clock import HeldClock
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.room import Room
from verger.edges.wire.dialects.native import Ask, Wanted
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import Connect, Disconnect, PingReq, PingResp, PubAck, Publish, SubAck
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason

WANTED, ASKED = "v1/devices/me/attributes", "v1/devices/me/rpc/request/+"


def lasting(level: int = 5, seconds: int = 600) -> Connect:
    said = Properties(session_expiry_interval=seconds) if level == 5 else Properties()
    return Connect("c", level, clean_start=False, username="token-d", keep_alive=60, properties=said)


async def left(port: int, level: int = 5, *words: Disconnect) -> None:
    """Let a device subscribe and go."""
    async with Device(port, level) as device:
        await device.begin(lasting(level))
        assert await device.ask(subscribe(WANTED, ASKED)) == SubAck(1, (1, 1))
        await device.say(*(words or (Disconnect(),)))
        assert await device.hear() is None


@pytest.mark.parametrize("level", [4, 5])
async def test_attributes_wait_for_a_device_that_is_away_and_commands_do_not(open_listener: Open, level: int) -> None:
    listener, port = await open_listener()
    await left(port, level)
    assert not listener.deliver("d", Wanted({"every_s": 5}))
    assert not listener.deliver("d", Ask(1, "reboot"))
    assert not listener.deliver("d", Wanted({"every_s": 6}))
    async with Device(port, level) as device:
        assert (await device.begin(lasting(level))).session_present
        assert await device.hear() == Publish(WANTED, b'{"every_s":5}', 1, 1)
        assert await device.hear() == Publish(WANTED, b'{"every_s":6}', 1, 2)
        assert await device.ask(PingReq()) == PingResp()
    async with Device(port, level) as device:
        assert (await device.begin(lasting(level))).session_present
        assert await device.ask(PingReq()) == PingResp()


async def test_a_device_without_a_lasting_session_costs_the_disk_nothing(open_listener: Open, disk: FakeDisk) -> None:
    listener, port = await open_listener()
    async with Device(port) as device:
        await device.begin()
        assert await device.ask(subscribe(WANTED)) == SubAck(1, (1,))
        assert listener.deliver("d", Wanted({"a": 1}))
        await device.hear()
        assert await device.ask(Publish("v1/devices/me/telemetry", b'{"t":1}', 1, 1)) == PubAck(1)
    assert disk.pages == []


async def test_a_goodbye_may_change_how_long_a_session_lasts(open_listener: Open) -> None:
    clock = HeldClock()
    listener, port = await open_listener(clock=clock)
    await left(port, 5, Disconnect(0, Properties(session_expiry_interval=0)))
    assert listener.sessions.standings("d") == []
    await left(port, 5, Disconnect(0, Properties(session_expiry_interval=10)))
    assert len(listener.sessions.standings("d")) == 1
    clock.advance(11)
    await listener.sessions.tidy()
    assert listener.sessions.standings("d") == []
    assert (listener.sessions.expired, listener.sessions.evicted) == (1, 0)


async def test_a_full_inbox_is_told_on_the_page_of_its_device(
    open_listener: Open, house: FakeHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    listener, port = await open_listener()
    await left(port)
    [standing] = listener.sessions.standings("d")
    standing.memory.room = Room(messages=1)
    for number in (1, 2):
        listener.deliver("d", Wanted({"n": number}))
    await listener.sessions.tidy()
    await listener.sessions.tidy()
    assert house.remarks == [("d", "inbox", "Its inbox was full, or those of all together: the oldest went.")]
    assert "an inbox was full" in capsys.readouterr().out
    assert isinstance(listener, Listener)


async def test_what_is_desired_of_a_device_that_does_not_read_just_now_waits_and_a_command_does_not(
    open_listener: Open,
) -> None:
    listener, port = await open_listener()
    async with Device(port) as device:
        await device.begin(lasting())
        assert await device.ask(subscribe(WANTED, ASKED)) == SubAck(1, (1, 1))
        [line] = listener.lines
        line.pause_writing()
        assert not listener.deliver("d", Ask(7, "on"))
        assert not listener.deliver("d", Wanted({"a": 1}), qos=0)
        assert listener.deliver("d", Wanted({"a": 2}))
        line.resume_writing()
        assert await device.hear() == Publish(WANTED, b'{"a":2}', 1, 1)
    assert listener.counts.unsent == 1


async def test_who_is_away_takes_no_room_from_who_is_here_and_it_is_told_whose_messages_went(
    open_listener: Open, house: FakeHouse, exchange: Exchange
) -> None:
    listener, port = await open_listener()
    await left(port)
    exchange.room("farm").together = 400
    for number in (1, 2):
        listener.deliver("d", Wanted({"n": number}))
    async with Device(port, 5, "vk_farm") as program:
        await program.begin()
        assert await program.ask(subscribe("t")) == SubAck(1, (1,))
        got = [await program.ask(Publish("t", b"x" * 150, 1, 1)), await program.hear()]
        assert Publish("t", b"x" * 150, 1, 1) in got
        assert PubAck(1) in got
        await listener.sessions.tidy()
    assert [owner for owner, _, _ in house.remarks] == ["d"]
    async with Device(port) as device:
        assert (await device.begin(lasting())).session_present
        assert await device.hear() == Publish(WANTED, b'{"n":2}', 1, 2)


@pytest.mark.parametrize("level", [4, 5])
async def test_what_a_device_hears_at_qos_0_is_told_so_and_does_not_wait_for_it(
    open_listener: Open, level: int
) -> None:
    listener, port = await open_listener()
    async with Device(port, level) as device:
        await device.begin(lasting(level))
        assert await device.ask(subscribe(WANTED, ASKED, qos=0)) == SubAck(1, (0, 0))
        assert listener.deliver("d", Wanted({"a": 1}))
        assert await device.hear() == Publish(WANTED, b'{"a":1}')
        assert listener.deliver("d", Ask(7, "on"))
        assert await device.hear() == Publish(ASKED.replace("+", "7"), b'{"method":"on","params":null}')
        await device.say(Disconnect())
        assert await device.hear() is None
    assert not listener.deliver("d", Wanted({"a": 2}))
    async with Device(port, level) as device:
        assert (await device.begin(lasting(level))).session_present
        assert await device.ask(PingReq()) == PingResp()


async def test_a_program_that_acknowledges_nothing_is_let_go_when_others_need_the_room(
    open_listener: Open, exchange: Exchange
) -> None:
    listener, port = await open_listener(limits=Limits(unanswered_s=0))
    exchange.room("farm").together = 2_000
    async with Device(port, 5, "vk_farm", "silent") as silent, Device(port, 5, "vk_farm", "other") as other:
        silent.client.silent = True
        await silent.begin()
        await other.begin()
        assert await silent.ask(subscribe("t")) == SubAck(1, (1,))
        assert await other.ask(subscribe("u")) == SubAck(1, (1,))
        async with Device(port, 5, "vk_farm", "writer") as writer:
            await writer.begin()
            for number in (1, 2):
                assert await writer.ask(Publish("t", b"a" * 700, 1, number)) == PubAck(number)
                assert isinstance(await silent.hear(), Publish)
            assert await writer.ask(Publish("u", b"b" * 400, 1, 3)) == PubAck(3)
            bye = await silent.hear()
            assert isinstance(bye, Disconnect)
            assert bye.reason == Reason.QUOTA_EXCEEDED
            assert await writer.ask(Publish("u", b"c" * 400, 1, 4)) == PubAck(4)
        heard = await other.hear()
        assert isinstance(heard, Publish)
        assert heard.body == b"c" * 400
    assert listener.counts.unanswering == 1


async def test_a_program_that_has_just_been_sent_much_has_time_to_acknowledge_it(
    open_listener: Open, exchange: Exchange
) -> None:
    listener, port = await open_listener()
    exchange.room("farm").together = 1_000
    async with Device(port, 5, "vk_farm", "slow") as slow, Device(port, 5, "vk_farm", "other") as other:
        slow.client.silent = True
        await slow.begin()
        await other.begin()
        assert await slow.ask(subscribe("t")) == SubAck(1, (1,))
        assert await other.ask(subscribe("u")) == SubAck(1, (1,))
        await other.say(Publish("t", b"a" * 700))
        await other.say(Publish("t", b"a" * 700, 1, 1))
        heard = [await slow.hear(), await slow.hear()]
        assert [each.qos for each in heard if isinstance(each, Publish)] == [0, 1]
        assert await other.ask(Publish("u", b"b" * 400, 1, 2)) == PubAck(1)
        assert await other.hear() == PubAck(2)
        assert await slow.ask(PingReq()) == PingResp()
    assert listener.counts.unanswering == 0

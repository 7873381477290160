"""Connections over their lifetime: silence, takeover, back-pressure, and the end."""

import asyncio

import pytest

from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import FakeMembers, Open
from tests.edges.wire.mqtt.device import Device
from verger.domain.messages.exchange import Exchange
from verger.domain.telemetry.model import Readings
from verger.edges.wire.dialects.native import Wanted
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt import connection, pipe
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import Connect, Disconnect, PubAck, Publish, SubAck, Will
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason

TELEMETRY = "v1/devices/me/telemetry"


def message(number: int) -> Publish:
    return Publish(TELEMETRY, b'{"t":%d}' % number, 1, number)


async def reason(device: Device) -> int:
    bye = await device.hear()
    assert isinstance(bye, Disconnect)
    assert await device.hear() is None
    return bye.reason


async def gone(listener: Listener) -> None:
    for line in list(listener.lines):
        await line.gone.wait()
    assert listener.counts.connections == 0


async def test_who_does_not_connect_in_time_is_let_go(open_listener: Open) -> None:
    listener, port = await open_listener(limits=Limits(connect_s=0.01))
    async with Device(port) as device:
        assert await device.hear() is None
    await gone(listener)
    assert listener.counts.refused == 1


async def test_a_silent_device_is_let_go(open_listener: Open, house: FakeHouse) -> None:
    listener, port = await open_listener(limits=Limits(keep_alive_s=1))
    async with Device(port) as device:
        assert (await device.begin()).properties.server_keep_alive == 1
        assert await reason(device) == Reason.KEEP_ALIVE_TIMEOUT
    await gone(listener)
    assert house.presence == ["d came", "d went"]


async def test_a_device_that_has_to_wait_for_the_log_is_not_taken_for_silent(
    open_listener: Open, inbound: FakeInbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_UNANSWERED", 1)
    monkeypatch.setattr(connection, "PAUSED_S", 0.001)
    _, port = await open_listener(limits=Limits(keep_alive_s=1))
    inbound.open.clear()
    async with Device(port) as device:
        await device.begin()
        await device.say(message(1))
        async with asyncio.timeout(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(device.hear(), 1.6)
        inbound.open.set()
        assert await device.hear() == PubAck(1)


async def test_a_later_connection_with_its_client_id_takes_over(port: int, house: FakeHouse) -> None:
    async with Device(port) as first, Device(port) as second, Device(port, client_id="other") as third:
        await first.begin()
        await third.begin()
        await second.begin()
        assert await reason(first) == Reason.SESSION_TAKEN_OVER
        assert await second.ask(message(1)) == PubAck(1)
        assert await third.ask(message(2)) == PubAck(2)
    assert house.presence == ["d came"]


async def test_a_session_is_remembered_as_agreed(port: int) -> None:
    lasting = Connect("c", 5, clean_start=False, username="token-d", properties=Properties(session_expiry_interval=60))
    async with Device(port) as device:
        await device.begin(lasting)
        assert await device.ask(subscribe("v1/devices/me/attributes")) == SubAck(1, (1,))
    async with Device(port) as device:
        assert (await device.begin(lasting)).session_present
    async with Device(port) as device:
        assert not (await device.begin()).session_present
    async with Device(port) as device:
        assert not (await device.begin(lasting)).session_present


async def test_a_device_has_only_so_many_sessions(open_listener: Open) -> None:
    listener, port = await open_listener(limits=Limits(sessions=1))
    async with Device(port, client_id="a") as first, Device(port, client_id="b") as second:
        await first.begin()
        await second.begin()
        assert await reason(first) == Reason.QUOTA_EXCEEDED
        assert await second.ask(message(1)) == PubAck(1)
    assert listener.sessions.evicted == 1


async def test_only_so_many_sessions_are_remembered_and_what_is_lost_with_one_is_told(
    open_listener: Open, house: FakeHouse
) -> None:
    listener, port = await open_listener(limits=Limits(away=1))
    for client_id, present in (("a", False), ("a", True), ("b", False), ("a", False)):
        async with Device(port, 4) as device:
            answer = await device.begin(Connect(client_id, 4, clean_start=False, username="token-d"))
            assert answer.session_present is present
            assert await device.ask(subscribe("v1/devices/me/attributes")) == SubAck(1, (1,))
            await device.say(Disconnect())
            assert await device.hear() is None
        if client_id == "b":
            listener.deliver("d", Wanted({"n": 1}))
    assert listener.sessions.evicted == 2
    assert house.remarks == [("d", "inbox", "A session of it was one too many, and 1 message in it.")]


async def test_sessions_of_one_tenant_take_no_room_from_those_of_another(
    open_listener: Open, house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, port = await open_listener(limits=Limits(away=1))
    monkeypatch.setattr(house, "tenant", lambda device: f"tenant of {device}")
    for token, present in (("token-d", False), ("token-e", False), ("token-d", True), ("token-e", True)):
        async with Device(port, 4) as device:
            answer = await device.begin(Connect("one", 4, clean_start=False, username=token))
            assert answer.session_present is present
            await device.say(Disconnect())
            assert await device.hear() is None


async def test_a_device_whose_credential_ends_is_told_and_forgotten(open_listener: Open, house: FakeHouse) -> None:
    listener, port = await open_listener()
    lasting = Connect("c", 5, clean_start=False, username="token-d", properties=Properties(session_expiry_interval=60))
    async with Device(port) as device:
        await device.begin(lasting)
        listener.drop("d")
        listener.drop("nobody")
        assert await reason(device) == Reason.NOT_AUTHORIZED
    await gone(listener)
    async with Device(port) as device:
        assert not (await device.begin(lasting)).session_present
    assert house.presence == ["d came", "d went", "d came"]


async def test_a_flood_is_read_only_as_fast_as_it_is_kept(
    house: FakeHouse, inbound: FakeInbound, exchange: Exchange, members: FakeMembers
) -> None:
    inlet = Inlet(inbound, most=3)
    running = asyncio.create_task(inlet.run())
    listener = Listener(house, inlet, exchange, members)
    port = await listener.listen("127.0.0.1", 0)
    async with Device(port, 4) as device:
        await device.begin()
        await device.say(*(message(number) for number in range(1, 2001)))
        assert [await device.hear() for _ in range(2000)] == [PubAck(number) for number in range(1, 2001)]
    assert max(len(batch) for batch in inbound.batches) <= connection.MOST_PACKETS + 3
    await listener.stop()
    inlet.stop()
    await running


async def test_one_device_does_not_fill_the_inlet(
    port: int, inlet: Inlet, inbound: FakeInbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_UNANSWERED", 5)
    monkeypatch.setattr(connection, "MOST_PACKETS", 5)
    async with Device(port, 4) as device, Device(port, username="token-other") as other:
        await device.begin()
        await other.begin()
        inbound.open.clear()
        await device.say(*(message(number) for number in range(1, 101)))
        await inbound.taking.wait()
        assert not inlet.full
        inbound.open.set()
        assert await other.ask(message(1)) == PubAck(1)
        assert [await device.hear() for _ in range(100)] == [PubAck(number) for number in range(1, 101)]
    assert max(len(batch) for batch in inbound.batches) <= 11


async def test_a_device_that_does_not_read_is_given_up(open_listener: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "SLOW_S", 0.01)
    monkeypatch.setattr(pipe, "MOST_UNREAD", 1000)
    listener, port = await open_listener()
    async with Device(port) as device:
        await device.begin()
        await device.ask(subscribe("v1/devices/me/attributes"))
        while listener.deliver("d", Wanted({"a": "x" * 60_000}), qos=0):
            pass
        await gone(listener)


async def test_stopping_acknowledges_what_is_kept_and_tells_everybody(
    open_listener: Open, inbound: FakeInbound, house: FakeHouse
) -> None:
    listener, port = await open_listener()
    inbound.open.clear()
    async with Device(port) as device, Device(port, 4, "token-old") as old, Device(port) as silent:
        await device.begin(Connect("c", 5, username="token-d", will=Will("v1/devices/me/telemetry", b'{"t":9}')))
        await old.begin()
        await device.say(message(1))
        await inbound.taking.wait()
        stopping = asyncio.create_task(listener.stop())
        inbound.open.set()
        assert await device.hear() == PubAck(1)
        assert await reason(device) == Reason.SERVER_SHUTTING_DOWN
        assert await old.hear() is None
        assert await silent.hear() is None
        for one in (device, old, silent):
            one.writer.close()
        await stopping
    assert listener.counts.connections == 0
    assert sorted(house.presence) == ["d came", "d went", "old came", "old went"]
    assert [each.said for each in inbound.heard if each.device] == [(Readings({"t": 1}),)]


async def test_stopping_does_not_wait_for_ever(open_listener: Open, inbound: FakeInbound) -> None:
    listener, port = await open_listener()
    async with Device(port) as device:
        await device.begin()
        inbound.open.clear()
        await listener.stop(grace_s=0.01)
        await gone(listener)
    inbound.open.set()

"""Wills while Verger runs: when they are heard, and by whom."""

from collections.abc import Awaitable, Callable

import pytest

from tests.edges.wire.conftest import FakeInbound
from tests.edges.wire.mqtt.conftest import FakeDisk, FakeMembers, Open
from tests.edges.wire.mqtt.device import Device
from tests.edges.wire.mqtt.leaving import ATTRIBUTES, body, heard_first, leaving, lost, on_disk, program, watching
from verger.base.clock import SECOND, HeldClock
from verger.base.errors import Busy
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.model import Message
from verger.domain.messages.wills import Wills
from verger.domain.telemetry.model import Heard
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import Connect, Disconnect, Filter, Subscribe, Will
from verger.edges.wire.mqtt.properties import NONE, Properties
from verger.edges.wire.mqtt.reasons import Reason

End = Callable[[Listener, Device, Device], Awaitable[None]]


async def break_off(listener: Listener, one: Device, _other: Device) -> None:
    await lost(listener, one)


def goodbye(reason: int = 0, said: Properties = NONE) -> End:
    async def say(_listener: Listener, one: Device, _other: Device) -> None:
        assert await one.ask(Disconnect(reason, said)) is None

    return say


def take_over(*, clean: bool) -> End:
    async def connect(_listener: Listener, _one: Device, other: Device) -> None:
        said = Properties(session_expiry_interval=600)
        answer = await other.begin(Connect("a", 5, clean, username="vk_farm", properties=said))
        assert answer.session_present is not clean

    return connect


@pytest.mark.parametrize(
    ("delay", "lasts", "end", "heard"),
    [
        (0, 0, break_off, True),
        (0, 600, break_off, True),
        (3_000, 0, break_off, True),  # its session is over, and does not wait
        (3_000, 600, break_off, False),
        (0, 600, goodbye(), False),
        (0, 600, goodbye(Reason.DISCONNECT_WITH_WILL), True),
        (0, 600, goodbye(Reason.UNSPECIFIED_ERROR), True),
        (3_000, 600, goodbye(Reason.DISCONNECT_WITH_WILL), False),
        (3_000, 600, goodbye(Reason.DISCONNECT_WITH_WILL, Properties(session_expiry_interval=0)), True),
        (0, 600, take_over(clean=False), True),
        (3_000, 600, take_over(clean=False), False),
        (3_000, 600, take_over(clean=True), True),
    ],
)
async def test_a_will_is_heard_at_once_where_the_standard_says_so(
    open_listener: Open, delay: int, lasts: int, end: End, *, heard: bool
) -> None:
    listener, port = await open_listener()
    async with program(port, "w") as watch, program(port, "a") as one, program(port, "a") as other:
        await watching(watch)
        await one.begin(leaving(delay=delay, lasts=lasts))
        await end(listener, one, other)
        assert await heard_first(watch) == (b"a" if heard else b"marker")
    assert listener.executor.heard == heard


async def test_a_will_that_waits_is_heard_when_its_session_is_over(open_listener: Open) -> None:
    clock = HeldClock()
    listener, port = await open_listener(clock=clock)
    async with program(port, "w") as watch, program(port, "a") as one:
        await watching(watch)
        await one.begin(leaving(delay=3_000, lasts=10))
        await lost(listener, one)
        clock.advance(11)
        await listener.sessions.tidy()
        assert await body(watch) == b"a"


async def test_a_retained_will_stays_and_says_for_how_long_it_is_worth_hearing_from_then_on(
    open_listener: Open, exchange: Exchange
) -> None:
    clock = HeldClock()
    listener, port = await open_listener(clock=clock)
    will = Will("gone", b"a", 1, retain=True, properties=Properties(message_expiry_interval=60))
    async with program(port, "a") as one:
        await one.begin(leaving(will=will))
        clock.advance(1_000)
        await lost(listener, one)
    message = exchange.retained.at("farm", "gone")
    assert message == Message("gone", b"a", 1, retain=True, expires_at=clock.now() + 60 * SECOND)


async def test_a_program_does_not_hear_its_own_will_where_it_said_so(open_listener: Open) -> None:
    listener, port = await open_listener()
    async with program(port, "a") as one:
        await one.begin(leaving(lasts=600))
        await one.ask(Subscribe(1, (Filter("gone", 1, no_local=True),)))
        await lost(listener, one)
    [standing] = listener.sessions.standings("key:farm")
    assert (listener.executor.heard, len(standing.memory.letters)) == (1, 0)


async def test_a_will_that_its_key_may_not_write_any_more_is_heard_by_nobody(
    open_listener: Open, members: FakeMembers
) -> None:
    listener, port = await open_listener()
    async with program(port, "w", "vk_farm-1") as watch, program(port, "a") as one, program(port, "b") as two:
        await watching(watch)
        await one.begin(leaving())
        await two.begin(leaving("b", b"b", delay=3_000, lasts=600))
        await lost(listener, two, "b")
        members.lesser.add("farm")
        await listener.review()
        await lost(listener, one)
        [standing] = listener.sessions.standings("key:farm")
        listener.executor.end(standing)
        assert await heard_first(watch) == b"marker"
    assert (listener.executor.barred, listener.executor.heard) == (2, 0)


@pytest.mark.parametrize("may", [True, False])
async def test_the_will_of_a_key_that_ends_is_heard_if_whoever_made_it_may_still_write(
    open_listener: Open, members: FakeMembers, disk: FakeDisk, *, may: bool
) -> None:
    listener, port = await open_listener()
    async with program(port, "w", "vk_farm-1") as watch, program(port, "a") as one:
        await watching(watch)
        await one.begin(leaving(delay=3_000, lasts=600))
        members.ended.add("farm")
        if not may:
            members.makers_gone.add("farm")
        await listener.review()
        bye = await one.hear()
        assert isinstance(bye, Disconnect)
        assert await heard_first(watch) == (b"a" if may else b"marker")
    await listener.kept()
    assert on_disk(disk) == []


async def test_the_will_of_a_device_whose_credential_ends_is_not_heard(
    open_listener: Open, inbound: FakeInbound, disk: FakeDisk
) -> None:
    listener, port = await open_listener()
    async with Device(port) as device:
        await device.begin(leaving(username="token-d", will=Will(ATTRIBUTES, b'{"state":"gone"}')))
        await listener.kept()
        assert [each.owner for each in on_disk(disk)] == ["d"]
        listener.drop("d")
        assert isinstance(await device.hear(), Disconnect)
    await listener.kept()
    assert (inbound.heard, on_disk(disk)) == ([], [])


async def test_a_device_whose_will_the_log_cannot_keep_now_leaves_it_on_disk(
    open_listener: Open, inlet: Inlet, inbound: FakeInbound, disk: FakeDisk
) -> None:
    listener, port = await open_listener()
    async with Device(port, client_id="a") as device:
        await device.begin(leaving(username="token-d", will=Will(ATTRIBUTES, b'{"state":"gone"}')))
        inbound.be_busy()
        await lost(listener, device)
        with pytest.raises(Busy):
            await inlet.put(Heard("d", ()))  # answers come in order
        await listener.kept()
    assert ([each.owner for each in on_disk(disk)], listener.executor.heard) == (["d"], 0)


async def test_of_an_organisation_only_so_many_bytes_are_on_disk_and_the_rest_is_heard_all_the_same(
    open_listener: Open, exchange: Exchange, disk: FakeDisk
) -> None:
    exchange.wills = Wills(exchange.keeper, size=250)
    listener, port = await open_listener()
    async with program(port, "w") as watch, program(port, "a") as one, program(port, "b") as two:
        await watching(watch)
        await two.begin(leaving("b", b"x" * 100))
        await one.begin(leaving())
        await listener.kept()
        assert ([each.client_id for each in on_disk(disk)], exchange.wills.unkept) == (["b"], 1)
        await lost(listener, one)
        assert await body(watch) == b"a"

"""Wills over the end of Verger: none is forgotten, and none is heard whose client is back in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.conftest import FakeDisk, FakeMembers, Impatient, Open, make_exchange
from tests.edges.wire.mqtt.device import Device
from tests.edges.wire.mqtt.leaving import ATTRIBUTES, body, heard_first, leaving, lost, on_disk, program, watching
from verger.base.clock import SECOND, HeldClock
from verger.domain.messages.bequest import Bequest, LastWill
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.model import Message
from verger.domain.messages.standing import Standing
from verger.domain.messages.store import Found
from verger.domain.telemetry.model import Attributes, Heard
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import Connect, Disconnect, Will

Restart = Callable[..., Awaitable[tuple[Listener, int]]]


@pytest_asyncio.fixture
async def restart(house: FakeHouse, inlet: Inlet, members: FakeMembers, disk: FakeDisk) -> AsyncIterator[Restart]:
    """Return a function that opens a listener on what is on disk, as after a crash."""
    running: list[asyncio.Task[None]] = []
    listeners: list[Listener] = []

    async def again(grace_s: float) -> tuple[Listener, int]:
        exchange = make_exchange(disk)
        running.append(asyncio.create_task(exchange.keeper.run()))
        listener = Listener(house, inlet, exchange, members, Impatient(), will_grace_s=grace_s)
        listeners.append(listener)
        listener.executor.restore(on_disk(disk))
        return listener, await listener.listen("127.0.0.1", 0)

    yield again
    for listener in listeners:
        await listener.stop()
    for each in running:
        each.cancel()


async def test_after_a_crash_the_wills_of_clients_are_heard_that_it_cut_off(
    open_listener: Open, restart: Restart, disk: FakeDisk, inbound: FakeInbound
) -> None:
    before, port = await open_listener()
    async with program(port, "a") as one, Device(port) as device:
        await one.begin(leaving(will=Will("gone", b"a", 1, retain=True)))
        await device.begin(leaving("c", username="token-d", will=Will(ATTRIBUTES, b'{"state":"gone"}')))
        await before.kept()
        after, fresh = await restart(0)
        async with program(fresh, "w") as watch:
            await watching(watch)
            assert await body(watch) == b"a"
            await inbound.taking.wait()
        assert inbound.heard == [Heard("d", (Attributes({"state": "gone"}),))]
        await after.kept()
        assert (after.executor.heard, on_disk(disk)) == (2, [])


@pytest.mark.parametrize("clean", [True, False])
async def test_after_a_crash_no_will_is_heard_of_a_client_that_is_back_in_time(
    open_listener: Open, restart: Restart, disk: FakeDisk, *, clean: bool
) -> None:
    before, port = await open_listener()
    async with program(port, "a") as one, program(port, "b") as two:
        await one.begin(leaving())
        await two.begin(leaving("b"))
        await before.kept()
        after, fresh = await restart(30)
        async with program(fresh, "a") as back:
            await back.begin(Connect("a", 5, clean, username="vk_farm"))
        await after.kept()
        assert (after.executor.spared, after.executor.heard) == (1, 0)
        assert [each.client_id for each in on_disk(disk)] == ["b"]


async def test_who_had_no_client_id_of_its_own_is_taken_for_back_when_its_key_comes_again(
    open_listener: Open, restart: Restart
) -> None:
    before, port = await open_listener()
    async with program(port, "") as one:
        await one.begin(leaving(""))
        await before.kept()
        after, fresh = await restart(30)
        async with program(fresh, "") as back:
            await back.begin(Connect("", 5, username="vk_farm"))
        assert after.executor.spared == 1


async def test_a_stop_lets_no_will_be_heard_and_leaves_those_of_all_who_are_here_or_wait(
    open_listener: Open, disk: FakeDisk, exchange: Exchange
) -> None:
    clock = HeldClock()
    listener, port = await open_listener(clock=clock)
    async with program(port, "w") as watch, program(port, "a") as one, program(port, "b") as two:
        await watching(watch)
        await two.begin(leaving("b", delay=60, lasts=600))
        await lost(listener, two, "b")
        await one.begin(leaving())
        stopping = asyncio.create_task(listener.stop())
        assert isinstance(await watch.hear(), Disconnect)
        for each in (watch, one, two):
            each.writer.close()
        await stopping
    await exchange.keeper.kept()
    left = {each.client_id: each.due_at for each in on_disk(disk)}
    assert left == {"a": None, "b": clock.now() + 60 * SECOND}


async def test_after_a_crash_the_will_of_a_key_that_has_ended_is_heard_by_nobody(
    open_listener: Open, restart: Restart, members: FakeMembers, disk: FakeDisk
) -> None:
    before, port = await open_listener()
    async with program(port, "a") as one:
        await one.begin(leaving())
        await before.kept()
        members.ended.add("farm")
        after, fresh = await restart(0)
        async with program(fresh, "w", "vk_farm-1") as watch:
            await watching(watch)
            await members.refused.wait()
            assert await heard_first(watch) == b"marker"
        await after.kept()
    assert on_disk(disk) == []


@pytest.mark.parametrize(
    ("delay", "lasts", "due_in", "left"),
    [
        (0, 0, None, 30),  # cut off by the crash: a moment to come back
        (0, 600, None, 30),
        (100, 600, None, 100),  # its delay begins at the start, for nobody knows when the crash was
        (100, 50, None, 50),  # but its session is over before
        (100, 0, None, 30),
        (100, 600, 70, 70),  # it waited before
        (100, 600, 10, 30),
        (100, 600, -500, 30),
        (100, 600, 100_000, 100),  # the clock was set back
    ],
)
async def test_after_a_start_clients_have_time_to_come_back(
    open_listener: Open, exchange: Exchange, delay: int, lasts: int, due_in: int | None, left: int
) -> None:
    clock = HeldClock()
    listener, _ = await open_listener(clock=clock, will_grace_s=30)
    standing, executor = Standing("farm", "key:k", "c", lasts, clock.now()), listener.executor
    executor.standing = lambda _owner, _client_id: standing if lasts else None
    due_at = None if due_in is None else clock.now() + due_in * SECOND
    executor.restore([Bequest("farm", "key:k", "c", LastWill(Message("t", b""), delay), due_at)])
    executor.start()
    [bequest] = exchange.wills.of("key:k")
    assert bequest.due_at == clock.now() + left * SECOND


async def test_a_session_of_before_has_its_will_of_before(open_listener: Open, exchange: Exchange) -> None:
    clock = HeldClock()
    waiting = Bequest("farm", "key:farm", "a", LastWill(Message("gone", b"a", 1), 3_000), clock.now())

    def restored(listener: Listener) -> None:
        standing = Standing("farm", "key:farm", "a", 600, clock.now())
        listener.sessions.restore([Found(standing, "name", {}, set(), [])])
        listener.executor.restore([waiting])

    listener, port = await open_listener(clock=clock)
    restored(listener)
    listener.executor.start()
    async with program(port, "w") as watch, program(port, "a") as one, program(port, "a") as again:
        await watching(watch)
        assert (await one.begin(leaving(lasts=600, will=None))).session_present
        assert (listener.executor.spared, exchange.wills.of("key:farm")) == (1, [])
        assert await one.ask(Disconnect()) is None
        listener.executor.restore([Bequest("farm", "key:farm", "a", waiting.will, clock.now())])
        listener.executor.start()
        await again.begin(Connect("a", 5, clean_start=True, username="vk_farm"))
        assert await body(watch) == b"a"  # a clean start ended its session

"""One simulated device: what it says, and what it keeps for later."""

import contextlib
import json

from tests.simulator.acceptor import Acceptor, accepting
from verger.base.clock import HOUR, MINUTE, SECOND, HeldClock
from verger.simulator.device import AT_ONCE, GRACE, Character, Device
from verger.simulator.history import in_reach, occurrences, readings
from verger.simulator.kinds import KINDS
from verger.simulator.mqtt import Link

SEED = 42
START = 1_795_000_000 * SECOND


def device(clock: HeldClock, port: int) -> Device:
    return Device(Character("vt_one", "ozone", SEED, 10), Link("127.0.0.1", port, "vt_one", "client"), clock)


def times(server: Acceptor) -> list[int]:
    told = [json.loads(body) for topic, body in server.heard if topic.endswith("telemetry")]
    return [one["ts"] * 1000 for some in told for one in (some if isinstance(some, list) else [some])]


def outage() -> int:
    """Return the middle of a span in which the device is out of reach."""
    away = next(at for at in range(START, START + 90 * HOUR, MINUTE) if not in_reach(SEED, at))
    return away + MINUTE // 2


def reachable_after(at: int) -> int:
    return next(later for later in range(at, at + HOUR, MINUTE) if in_reach(SEED, later))


async def test_it_introduces_itself_and_then_says_what_it_measures() -> None:
    clock = HeldClock(reachable_after(START))
    async with accepting(Acceptor()) as server:
        it = device(clock, server.port)
        began = clock.at
        for _ in range(3):
            clock.advance(10)
            it.measure(clock.at)
            await it.speak()
        await it.stop()
    assert server.topics()[0] == "v1/devices/me/attributes"
    assert times(server) == readings(KINDS["ozone"], SEED, began, clock.at + 1, 10).at.tolist()


async def test_what_it_measured_out_of_reach_comes_later_with_its_own_time() -> None:
    away = outage()
    born = away - GRACE - MINUTE
    clock = HeldClock(born)
    async with accepting(Acceptor()) as server:
        it = device(clock, server.port)
        clock.at = away
        it.measure(clock.at)
        await it.speak()
        assert server.heard == []
        clock.at = reachable_after(clock.at)
        it.measure(clock.at)
        await it.speak()
        await it.stop()
    assert times(server) == readings(KINDS["ozone"], SEED, born, clock.at + 1, 10).at.tolist()


async def test_whoever_starts_it_hears_it_at_first() -> None:
    clock = HeldClock(outage())
    async with accepting(Acceptor()) as server:
        it = device(clock, server.port)
        clock.advance(20)
        it.measure(clock.at)
        await it.speak()
        await it.stop()
    assert len(times(server)) == 2


async def test_what_was_not_acknowledged_is_said_again_with_the_same_time() -> None:
    clock = HeldClock(reachable_after(START))
    began = clock.at
    async with accepting(Acceptor(hangs_up_after=2)) as server:
        it = device(clock, server.port)
        clock.at = reachable_after(clock.at + (AT_ONCE + 5) * 10 * SECOND)
        it.measure(clock.at)
        await it.speak()
        assert len(times(server)) == AT_ONCE
        server.left = 1000
        await it.speak()
        await it.stop()
    assert times(server) == readings(KINDS["ozone"], SEED, began, clock.at + 1, 10).at.tolist()


async def test_events_are_told_with_their_time_and_id() -> None:
    clock = HeldClock(reachable_after(START))
    began = clock.at
    async with accepting(Acceptor()) as server:
        it = device(clock, server.port)
        clock.at = reachable_after(clock.at + 12 * HOUR)
        it.measure(clock.at)
        await it.speak()
        await it.stop()
    told = [json.loads(body) for topic, body in server.heard if topic.endswith("events")]
    happened = occurrences(KINDS["ozone"], SEED, began, clock.at + 1)
    assert [(one["kind"], one["id"], one["at"] * 1000) for one in told] == [
        (one.kind, one.id, one.at) for one in happened
    ]
    assert told


async def test_it_waits_until_it_measures_again() -> None:
    clock = HeldClock(reachable_after(START))
    waited: list[float] = []

    class Enough(Exception):
        pass

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) > 3:
            raise Enough
        clock.advance(seconds)

    async with accepting(Acceptor()) as server:
        with contextlib.suppress(Enough):
            await device(clock, server.port).live(wait)
    assert 0 < waited[0] <= 10.05
    assert all(9.9 < seconds < 10.1 for seconds in waited[1:])
    assert len(times(server)) == 3

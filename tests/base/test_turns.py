"""Many are served beside each other, and nobody takes more than a share."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest

from verger.base.bell import Bell
from verger.base.clock import SECOND, HeldClock
from verger.base.turns import Turns, Whose


class Desk:
    """Serves everybody until it is told to let somebody go."""

    def __init__(self, clock: HeldClock, at_once: int = 8, of_one: int = 3) -> None:
        self.bell = Bell()
        self.turns = Turns(clock, self.bell, at_once=at_once, of_one=of_one)
        self.served: list[Whose] = []
        self.doors: dict[Whose, asyncio.Event] = {}
        self.fault: Exception | None = None

    async def serve(self, owner: str, which: str) -> None:
        self.served.append((owner, which))
        if self.fault is not None:
            raise self.fault
        await self.doors.setdefault((owner, which), asyncio.Event()).wait()

    async def begin(self, *due: Whose) -> list[Whose]:
        """Return who is begun with."""
        before = len(self.served)
        count = self.turns.begin(due, self.serve)
        await asyncio.sleep(0)
        assert len(self.served) - before == count
        return self.served[before:]

    async def end(self, *some: Whose) -> None:
        for each in some:
            self.doors[each].set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def of(owner: str, count: int) -> list[Whose]:
    return [(owner, f"{owner}{number}") for number in range(count)]


async def test_an_owner_with_slow_ones_has_a_share_and_others_go_on(clock: HeldClock) -> None:
    desk = Desk(clock, at_once=20)
    assert await desk.begin(*of("slow", 9), *of("other", 1)) == [*of("slow", 3), *of("other", 1)]
    assert desk.turns.full == ["slow"]
    await desk.end(("other", "other0"))
    assert await desk.begin(*of("slow", 9)[3:], *of("other", 2)[1:]) == [("other", "other1")]
    await desk.turns.stop()


async def test_once_half_of_the_house_is_taken_those_come_who_have_none(clock: HeldClock) -> None:
    desk = Desk(clock)
    await desk.begin(*of("a", 3), *of("b", 3))
    assert Counter(owner for owner, _ in desk.served) == {"a": 3, "b": 1}
    assert await desk.begin(*of("b", 3)[1:], *of("c", 3), *of("d", 1)) == [("c", "c0"), ("d", "d0")]
    assert set(desk.turns.full) == {"a", "b", "c", "d"}
    assert await desk.begin(*of("e", 1), *of("f", 1), *of("g", 1)) == [("e", "e0"), ("f", "f0")]
    assert not desk.turns.room
    await desk.turns.stop()


async def test_each_is_served_once_at_a_time_and_the_bell_rings_at_the_end(clock: HeldClock) -> None:
    desk = Desk(clock)
    await desk.begin(("a", "x"), ("a", "x"))
    assert await desk.begin(("a", "x")) == []
    assert desk.turns.away == [("a", "x")]
    rung = asyncio.create_task(desk.bell.wait(60))
    await desk.end(("a", "x"))
    await rung
    assert (desk.turns.away, desk.turns.full) == ([], [])


async def test_whoever_cannot_be_served_rests_ever_longer_and_is_counted(clock: HeldClock) -> None:
    desk = Desk(clock)
    desk.fault = ValueError("This was not expected.")
    tried = []
    for _ in range(40):
        if await desk.begin(("a", "x"), ("b", "y")):
            tried.append(clock.now())
            await desk.turns.settled()
        clock.advance(10)
    waits = [(later - earlier) // (10 * SECOND) for earlier, later in pairwise(tried)]
    assert waits == [1, 2, 4, 8, 16]
    assert [rest.why for rest in desk.turns.rests.stubborn()] == ["ValueError: This was not expected."] * 2
    assert desk.turns.rests.failures == 12


@pytest.mark.parametrize("begun", [True, False])
async def test_a_turn_that_is_cut_short_is_over(clock: HeldClock, begun: bool) -> None:  # noqa: FBT001
    desk = Desk(clock)
    desk.turns.begin([("a", "x")], desk.serve)
    if begun:
        await asyncio.sleep(0)
    await desk.turns.stop()
    assert (desk.turns.away, desk.turns.rests.failures) == ([], 0)
    assert not await desk.turns.settled()

"""A bell wakes whoever sleeps, and no ring is lost."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from verger.base.bell import Bell, whenever
from verger.base.clock import HOUR, HeldClock
from verger.base.db import Database, rings


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  it is another's event
            await asyncio.sleep(0)


async def test_one_that_rang_while_nobody_slept_is_heard_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    await bell.wait(60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await bell.wait(60)


@pytest.mark.parametrize("turns", range(6))
async def test_work_that_comes_at_any_moment_of_a_look_is_seen(turns: int) -> None:
    """Work is added, and the bell rung, so many turns of the loop after the look began."""
    bell, there, seen, looks = Bell(), [1], [0], [0]

    async def look() -> None:
        looks[0] += 1
        found = len(there)
        for _ in range(3):
            await asyncio.sleep(0)
        seen[0] = found

    loop = asyncio.create_task(whenever(bell, look, HeldClock()))
    await until(lambda: looks[0] == 1)
    for _ in range(turns):
        await asyncio.sleep(0)
    there.append(2)
    bell.ring()
    await until(lambda: seen[0] == 2)
    loop.cancel()


async def test_what_is_due_at_a_time_is_done_then_though_nobody_rings(
    clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verger.base.bell._SHORTEST_S", 0)
    looked: list[int] = []

    async def look() -> int:
        clock.advance(1)
        looked.append(clock.now())
        return clock.now()

    loop = asyncio.create_task(whenever(Bell(), look, clock))
    await until(lambda: len(looked) == 3)
    loop.cancel()


async def test_a_clock_that_is_set_past_the_time_is_noticed_soon(
    clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verger.base.bell._LOOK_S", 0)
    looked: list[int] = []

    async def look() -> int:
        looked.append(clock.now())
        return clock.now() + HOUR

    loop = asyncio.create_task(whenever(Bell(), look, clock))
    await until(lambda: len(looked) == 1)
    clock.advance(3600)
    await until(lambda: len(looked) == 2)
    loop.cancel()


async def test_a_look_that_fails_is_taken_again(clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verger.base.bell._AGAIN_S", 0)
    looked: list[int] = []

    async def look() -> None:
        looked.append(1)
        raise OSError("The disk is gone.")

    loop = asyncio.create_task(whenever(Bell(), look, clock))
    await until(lambda: len(looked) == 3)
    loop.cancel()


async def test_every_bell_for_a_kind_of_work_rings_after_the_commit_and_never_without_one(db: Database) -> None:
    bells, other = [db.bell("letters"), db.bell("letters")], db.bell("parcels")
    rung = [asyncio.create_task(bell.wait(60)) for bell in bells]
    silent = asyncio.create_task(other.wait(60))

    async def put(*, fails: bool) -> None:
        async with db.writing() as connection:
            rings(connection, "letters")
            await asyncio.sleep(0)
            assert not any(task.done() for task in rung)
            if fails:
                raise OSError("The disk is gone.")

    with pytest.raises(OSError, match="gone"):
        await put(fails=True)
    await asyncio.sleep(0)
    assert not any(task.done() for task in rung)
    await put(fails=False)
    await until(lambda: all(task.done() for task in rung))
    assert not silent.done()
    silent.cancel()


async def test_a_bell_that_nobody_holds_is_forgotten(db: Database) -> None:
    made = partial(db.bell, "letters")
    for _ in range(100):
        made()
    assert len(db._bells["letters"]) <= 1  # noqa: SLF001

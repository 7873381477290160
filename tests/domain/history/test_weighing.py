"""How much a span of days holds, taking it away in the middle, and files that become smaller for it."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest_asyncio

from verger.base.clock import DAY, HOUR, SECOND, HeldClock
from verger.domain.history.history import History

TODAY = 1_800_000_000 * SECOND // DAY * DAY
FIRST = TODAY - 20 * DAY
EVERY = 20 * SECOND


@pytest_asyncio.fixture
async def history(tmp_path: Path, clock: HeldClock) -> AsyncIterator[History]:
    """Give a history of twenty days of two series, merged to days."""
    clock.at = TODAY + HOUR
    history = await History.open(tmp_path / "history", 1 << 20, clock)
    at = np.arange(FIRST, TODAY, EVERY, dtype=np.int64)
    noise = np.random.default_rng(1)
    for series in (1, 2):
        await history.load(np.full(len(at), series, np.uint32), at, noise.random(len(at)))
    await history.merge_days()
    yield history
    await history.close()


A_DAY = DAY // EVERY


async def test_what_would_go_is_told_before_it_goes(history: History) -> None:
    weight = await history.weigh([1], FIRST, FIRST + 5 * DAY + HOUR)
    assert (weight.readings, weight.oldest) == (5 * A_DAY, FIRST)
    assert 5 * A_DAY * 5 < weight.bytes < 5 * A_DAY * 10
    await history.thin([1], FIRST + 5 * DAY)
    assert (await history.weigh([1], FIRST, FIRST + 5 * DAY)).readings == 0
    assert (await history.weigh([1], FIRST, FIRST + 5 * DAY, thin=True)).readings == 5 * A_DAY
    assert (await history.weigh([3], FIRST, TODAY)).oldest is None


async def test_days_in_the_middle_go_and_those_around_stay(history: History) -> None:
    await history.thin([1], FIRST + 8 * DAY, FIRST + 5 * DAY + HOUR)
    assert len(await history.raw(1, FIRST + 5 * DAY, FIRST + 6 * DAY, 10_000)) == A_DAY
    assert len(await history.raw(1, FIRST + 6 * DAY, FIRST + 8 * DAY, 10_000)) == 0
    assert len(await history.raw(1, FIRST + 8 * DAY, FIRST + 9 * DAY, 10_000)) == A_DAY
    await history.drop([1], FIRST + 8 * DAY, FIRST + 6 * DAY)
    kept = await history.buckets(1, FIRST, TODAY, 20)
    assert kept.count.sum() == 18 * A_DAY
    assert history.latest([1]) != [None]


async def test_a_file_becomes_smaller_and_a_month_without_anything_goes(history: History, tmp_path: Path) -> None:
    size = months(tmp_path)
    await history.thin([1, 2], TODAY)
    assert months(tmp_path) < size / 5
    assert (await history.buckets(1, FIRST, TODAY, 20)).count.sum() == 20 * A_DAY
    await history.drop([1, 2], TODAY)
    assert months(tmp_path) == 0


async def test_rewritten_files_hold_nothing_of_what_was_deleted(history: History, tmp_path: Path) -> None:
    held = await history.holding([1])
    assert len(held) == 2
    pieces = [body[-16:] for body in bodies(tmp_path, 1)]
    assert len(pieces) == 19  # the last day is not over yet
    assert all(found(tmp_path, piece) for piece in pieces)
    await history.delete([1])
    await history.rewrite(held)
    assert [piece for piece in pieces if found(tmp_path, piece)] == []
    assert await history.holding([1]) == []
    assert len(await history.raw(2, FIRST, TODAY, 1_000_000)) == 20 * A_DAY


def months(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "history").glob("20*.db"))


def bodies(folder: Path, series: int) -> list[bytes]:
    every = []
    for path in (folder / "history").glob("20*.db"):
        with sqlite3.connect(path) as connection:
            rows = connection.execute("SELECT body FROM day WHERE id >> 16 & 0xFFFFFFFF = ?", (series,))
            every += [body for (body,) in rows]
        connection.close()
    return every


def found(folder: Path, piece: bytes) -> bool:
    return any(piece in path.read_bytes() for path in folder.rglob("*") if path.is_file())

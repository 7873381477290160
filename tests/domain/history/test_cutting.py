"""A span that begins and ends within days goes to the microsecond, and the rest of those days stays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.history.oracle import columns
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, HeldClock
from verger.domain.history.history import History

TODAY = 1_800_000_000 * SECOND // DAY * DAY
BEGIN = TODAY - 5 * DAY
EVERY = 10 * MINUTE
COUNT = (TODAY + 12 * HOUR - BEGIN) // EVERY


@pytest_asyncio.fixture
async def history(tmp_path: Path) -> AsyncIterator[History]:
    """Give a history of two series over days in one chunk each and a day in hours."""
    made = await _filled(tmp_path)
    yield made
    await made.close()


async def _filled(folder: Path) -> History:
    history = await History.open(folder, clock=HeldClock(TODAY + 12 * HOUR))
    history.take(1, *columns([(series, BEGIN + n * EVERY, float(n)) for series in (1, 2) for n in range(COUNT)]))
    await history.flush()
    await history.merge_days()
    return history


async def times(history: History, series: int) -> list[int]:
    return list((await history.raw(series, 0, 1 << 60)).at.tolist())


@pytest.mark.parametrize(
    ("start", "before"),
    [
        (BEGIN + DAY + 3 * HOUR, BEGIN + DAY + 5 * HOUR + 1),
        (BEGIN + 2 * HOUR + 1, BEGIN + 3 * DAY + 7 * HOUR),
        (BEGIN - 9 * HOUR, BEGIN + 1),
        (TODAY + 2 * HOUR, TODAY + 3 * HOUR),
        (TODAY - HOUR, 1 << 62),
        (0, BEGIN + DAY),
    ],
)
async def test_what_lies_in_the_span_goes_and_nothing_else(history: History, start: int, before: int) -> None:
    every = await times(history, 1)
    for _ in range(2):  # a crash repeats it
        await history.erase([1], before, start)
        assert await times(history, 1) == [at for at in every if not start <= at < before]
    assert await times(history, 2) == every
    left = await history.buckets(1, BEGIN, TODAY + DAY, 3)
    assert left.count.sum() == len(await times(history, 1))
    assert await history.verify() == ()


async def test_of_a_day_that_is_only_known_in_sum_all_goes(history: History) -> None:
    await history.thin([1, 2], BEGIN + 2 * DAY)
    await history.erase([1], BEGIN + DAY + 6 * HOUR, BEGIN + 20 * HOUR)
    counts = [(await history.buckets(series, BEGIN, BEGIN + 2 * DAY, 1)).count.sum() for series in (1, 2)]
    assert counts == [0, 288]


async def test_the_latest_reading_is_known_no_longer_if_it_went(history: History) -> None:
    await history.erase([1], 1 << 62, TODAY + HOUR)
    await history.erase([2], TODAY + HOUR, TODAY)
    assert [each is not None for each in history.latest([1, 2])] == [False, True]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, COUNT), st.integers(0, COUNT)), min_size=1, max_size=4))
async def test_any_spans_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]]
) -> None:
    history = await _filled(tmp_path_factory.mktemp("history"))
    try:
        left = await times(history, 1)
        for low, high in spans:
            start, before = BEGIN + low * EVERY + low % 3, BEGIN + high * EVERY + high % 2
            await history.erase([1], before, start)
            left = [at for at in left if not start <= at < before]
            assert await times(history, 1) == left
    finally:
        await history.close()

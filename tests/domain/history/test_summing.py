"""Several series are answered together as each would be alone, also where something is damaged."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from tests.domain.history.oracle import Oracle, assert_buckets, columns
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, HeldClock
from verger.domain.history.chunks import Month
from verger.domain.history.grain import Found, series_of
from verger.domain.history.history import History

NOW = 1_800_000_000 * SECOND // DAY * DAY
SERIES = [4, 1, 2, 1, 9, 3]


@pytest_asyncio.fixture
async def history(tmp_path: Path, clock: HeldClock) -> AsyncIterator[History]:
    history = await History.open(tmp_path, clock=clock)
    yield history
    await history.close()


async def _filled(history: History) -> Oracle:
    """Give series 1 to 4 six hours in chunks, and loose readings: within those of 1, after those of 2, none to 3."""
    oracle = Oracle()
    rows = [(each, NOW + n * MINUTE, each + n / 8) for each in (1, 2, 3, 4) for n in range(360)]
    loose = [(1, NOW + 90 * SECOND, 0.5), (1, NOW + MINUTE, 7.0), (2, NOW + 7 * HOUR, 0.25), (9, NOW + HOUR, 1.0)]
    for lot in (rows, loose):
        history.take(oracle.take(lot), *columns(lot))
        if lot is rows:
            await history.flush()
    return oracle


@pytest.mark.parametrize("span", [(NOW, NOW + DAY), (NOW + 90 * MINUTE + 1, NOW + 200 * MINUTE), (NOW, NOW)])
async def test_several_series_are_answered_in_the_order_asked_each_as_alone(
    history: History, span: tuple[int, int]
) -> None:
    oracle = await _filled(history)
    for points in (2, 24, 100):
        found = await history.buckets_of(SERIES, *span, points)
        for each, some in zip(SERIES, found, strict=True):
            assert_buckets(some, oracle.between(each, *span), points)


async def test_a_damaged_chunk_takes_nothing_from_the_other_series_of_its_lot(history: History, tmp_path: Path) -> None:
    oracle = await _filled(history)
    with closing(sqlite3.connect(tmp_path / "2027-01.db")) as file, file:
        file.execute("UPDATE chunk SET body = x'00' WHERE (id >> 16 & 0xFFFFFFFF) = 3")
    for each, found in zip(SERIES, await history.buckets_of(SERIES, NOW, NOW + DAY, 144), strict=True):
        assert_buckets(found, [] if each == 3 else oracle.between(each, NOW, NOW + DAY), 144)


async def test_a_damaged_page_takes_nothing_from_the_series_that_lie_elsewhere(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle, bodies = await _filled(history), Month.bodies

    def spoilt(file: Month, found: Found) -> list[bytes]:
        if np.isin(3, series_of(found.ids)):
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        return bodies(file, found)

    monkeypatch.setattr(Month, "bodies", spoilt)
    for each, found in zip(SERIES, await history.buckets_of(SERIES, NOW, NOW + DAY, 144), strict=True):
        assert_buckets(found, [] if each == 3 else oracle.between(each, NOW, NOW + DAY), 144)
    assert [damage.file for damage in (await history.stats()).damaged] == ["2027-01.db"]

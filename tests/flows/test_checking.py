"""What the disk has spoilt is found at the start, within a time, and the start goes on."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from tests.domain.telemetry.batches import batch
from verger.base.clock import DAY, SECOND, HeldClock
from verger.base.db import Database
from verger.base.errors import Refused
from verger.domain.history.history import History
from verger.domain.telemetry.log import Log
from verger.flows.checking import Checking, check_database

NOON = 1_800_000_000 * SECOND


@pytest_asyncio.fixture
async def checking(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Checking]:
    async with AsyncExitStack() as stack:
        history = await History.open(tmp_path / "history", clock=clock)
        stack.push_async_callback(history.close)
        log = await Log.open(tmp_path / "log")
        stack.push_async_callback(log.close)
        for month in range(3):
            at = np.array([NOON - month * 31 * DAY])
            await history.load(np.array([1], np.uint32), at, np.array([1.0]))
        ticks = count()
        yield Checking(None, history, log, now=lambda: float(next(ticks)))


async def test_the_newest_months_are_looked_through_first_and_the_others_later(checking: Checking) -> None:
    await checking.begin(budget_s=2)
    assert checking.left == checking.history.months()[:2]


async def test_a_damaged_record_of_the_log_is_told(checking: Checking, tmp_path: Path) -> None:
    for number in range(20):
        await checking.log.append(batch(number))
    assert not (await checking.all()).wrong
    [segment] = (tmp_path / "log").glob("*.log")
    with segment.open("r+b") as file:
        file.seek(segment.stat().st_size // 2)
        file.write(b"\xff\xff\xff")
    checked = await checking.all()
    assert len(checked.wrong) == 1
    assert "damaged" in checked.wrong[0]


async def test_a_spoilt_database_ends_the_start_with_what_to_do(tmp_path: Path, db: Database) -> None:
    await db.close()
    path = tmp_path / "verger.db"
    await check_database(path)
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    with pytest.raises(Refused, match="verger restore --replace"):
        await check_database(path)

"""A crash between any two steps of the writer is healed by the log."""

from pathlib import Path
from unittest.mock import patch

import pytest

from tests.domain.history.life import Killed, Life
from tests.domain.history.oracle import Oracle, assert_agrees, columns
from verger.base.clock import DAY, HOUR, SECOND
from verger.domain.history.chunks import Chunks
from verger.domain.history.history import History
from verger.domain.history.index import Index

NOW = 1_800_000_000 * SECOND // HOUR * HOUR
SERIES = (1, 2, 3)
SPANS = [(0, NOW + DAY), (NOW - HOUR, NOW + HOUR)]


def lot(first: int) -> list[tuple[int, int, float]]:
    """Return readings of some series, hours and months, every third of a time that others have too."""
    return [
        (series, NOW - (n % 3) * 20 * DAY + (n + first) // 2 * 600 * SECOND, float(first + n))
        for n in range(12)
        for series in SERIES
    ]


async def live(history: History, oracle: Oracle) -> None:
    """Go on with a life of a record, a deletion, and a record of the same times, each flushed."""
    if not oracle.records:
        history.take(oracle.take(lot(0)), *columns(lot(0)))
    await history.flush()
    if len(oracle.records) == 1:
        await history.delete([2])
        oracle.delete(2)
        history.take(oracle.take(lot(1)), *columns(lot(1)))
    await history.flush()


async def killed_in(folder: Path, oracle: Oracle, life: Life) -> bool:
    """Open, take the log again, go on; tell whether it was killed on the way."""
    history = await History.open(folder)
    try:
        with (
            patch.object(Chunks, "change", life.step(Chunks.change)),
            patch.object(Index, "save", life.step(Index.save)),
            patch.object(Index, "forget", life.step(Index.forget)),
        ):
            oracle.feed(history, history.position)
            await live(history, oracle)
    except Killed:
        return True
    finally:
        await history.close()
    return False


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("done", [False, True])
async def test_whatever_step_it_dies_at_the_next_life_has_all_and_nothing_twice(
    tmp_path: Path,
    done: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    steps, dies = 0, True
    while dies:
        steps += 1
        folder, oracle = tmp_path / str(steps), Oracle()
        dies = await killed_in(folder, oracle, Life(steps, done=done))
        assert not await killed_in(folder, oracle, Life(1000, done=done))
        history = await History.open(folder)
        await assert_agrees(history, oracle, SERIES, SPANS)
        assert (await history.stats()).readings == sum(map(len, oracle.held.values()))
        await history.close()
    assert steps > 12

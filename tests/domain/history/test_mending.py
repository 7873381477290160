"""A month's file that the disk has spoilt is put aside and told, and what of it can be read goes on."""

from pathlib import Path

import numpy as np

from verger.base.clock import HOUR, SECOND, HeldClock
from verger.domain.history.history import History

NOON = 1_800_000_000 * SECOND
SERIES = 40


async def fill(history: History) -> None:
    """Keep a day of noise of many series."""
    noise = np.random.default_rng(1)
    at = NOON // HOUR * HOUR + np.arange(0, 24 * 3600, 60) * SECOND
    for series in range(1, SERIES + 1):
        await history.load(np.full(len(at), series, np.uint32), at, noise.normal(size=len(at)))


def month_in(folder: Path) -> Path:
    [path] = folder.glob("????-??.db")
    return path


def aside_in(folder: Path) -> list[Path]:
    return [*folder.glob("*.damaged-?")]


def spoil(path: Path, share: float) -> None:
    """Write over one page of a file."""
    pages = path.stat().st_size // 8192
    with path.open("r+b") as file:
        file.seek(int(pages * share) * 8192)
        file.write(b"\xff" * 8192)


async def there(history: History) -> int:
    return sum([len(await history.raw(series, 0, 1 << 62, 1 << 20)) for series in range(1, SERIES + 1)])


async def test_a_sound_file_stays_as_it_is(tmp_path: Path, clock: HeldClock) -> None:
    history = await History.open(tmp_path, clock=clock)
    await fill(history)
    assert [await history.check(month) for month in history.months()] == [None] * len(history.months())
    assert await there(history) == SERIES * 24 * 60
    await history.close()


async def test_most_of_a_spoilt_file_goes_on_and_the_file_stays_beside_it(tmp_path: Path, clock: HeldClock) -> None:
    history = await History.open(tmp_path, clock=clock)
    await fill(history)
    await history.close()
    spoil(month_in(tmp_path), 0.5)
    history = await History.open(tmp_path, clock=clock)
    [month] = history.months()
    assert await history.check(month)
    assert aside_in(tmp_path)
    left = await there(history)
    assert SERIES * 24 * 60 * 0.7 < left < SERIES * 24 * 60
    stats = await history.stats()
    assert stats.readings == left
    assert [damage.file for damage in stats.damaged] == [path.name for path in aside_in(tmp_path)]
    assert await history.check(month) is None
    await fill(history)
    assert await there(history) == SERIES * 24 * 60
    await history.close()


async def test_a_file_that_is_no_database_any_more_is_told(tmp_path: Path, clock: HeldClock) -> None:
    history = await History.open(tmp_path, clock=clock)
    await fill(history)
    await history.close()
    month_in(tmp_path).write_bytes(b"nothing" * 10_000)
    history = await History.open(tmp_path, clock=clock)
    for month in history.months():
        await history.check(month)
    assert (await history.stats()).damaged
    assert await there(history) == 0
    await history.close()

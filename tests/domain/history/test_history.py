"""What the history promises to those that feed it and ask it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import pytest_asyncio

from tests.domain.history.oracle import columns, pairs
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, HeldClock
from verger.domain.history.chunks import Change, Chunks
from verger.domain.history.history import History

NOW = 1_800_000_000 * SECOND // HOUR * HOUR
EVER = (0, 2**55)


@pytest_asyncio.fixture
async def history(tmp_path: Path, clock: HeldClock) -> AsyncIterator[History]:
    history = await History.open(tmp_path / "history", clock=clock)
    yield history
    await history.close()


async def test_a_reading_is_there_as_soon_as_it_is_taken(history: History) -> None:
    history.take(1, *columns([(7, NOW, 21.5)]))
    assert pairs(await history.raw(7, *EVER)) == [(NOW, 21.5)]
    assert history.latest([7, 8]) == [(NOW, 21.5), None]


async def test_the_first_of_equal_times_stands_wherever_the_second_comes(history: History) -> None:
    history.take(1, *columns([(7, NOW, 1.0), (7, NOW, 2.0)]))
    history.take(2, *columns([(7, NOW, 3.0)]))
    await history.flush()
    history.take(3, *columns([(7, NOW, 4.0)]))
    assert pairs(await history.raw(7, *EVER)) == [(NOW, 1.0)]
    await history.flush()
    assert pairs(await history.raw(7, *EVER)) == [(NOW, 1.0)]
    assert history.latest([7]) == [(NOW, 1.0)]
    assert (await history.stats()).readings == 1


async def test_the_position_moves_only_when_readings_are_in_chunks(history: History) -> None:
    history.take(1, *columns([(7, NOW, 1.0)]))
    assert history.position == 0
    await history.flush()
    assert history.position == 1


async def test_records_without_readings_move_the_position_by_themselves(history: History) -> None:
    history.take(5, *columns([]))
    assert history.position == 5


async def test_an_hour_that_is_over_goes_to_chunks_at_the_next_record(history: History, clock: HeldClock) -> None:
    history.take(1, *columns([(7, NOW, 1.0)]))
    clock.advance(2 * HOUR / SECOND)
    history.take(2, *columns([(7, NOW + HOUR, 1.0)]))
    await history.flush()
    stats = await history.stats()
    assert (stats.flushes, stats.hot_readings, stats.position) == (1, 0, 2)


async def test_latest_readings_survive_a_restart_without_the_log(tmp_path: Path) -> None:
    history = await History.open(tmp_path)
    history.take(1, *columns([(7, NOW, 1.0), (9, NOW + 1, 2.0)]))
    await history.flush()
    await history.close()
    history = await History.open(tmp_path)
    assert (history.position, history.latest([7, 8, 9])) == (1, [(NOW, 1.0), None, (NOW + 1, 2.0)])
    await history.close()


async def test_readings_of_other_years_have_files_of_their_own(history: History, tmp_path: Path) -> None:
    year_2000 = 946_684_800 * SECOND
    history.take(1, *columns([(7, NOW, 1.0), (7, year_2000, 2.0)]))
    await history.flush()
    assert sorted(path.name for path in (tmp_path / "history").glob("2*.db")) == ["2000-01.db", "2027-01.db"]
    assert pairs(await history.raw(7, *EVER)) == [(year_2000, 2.0), (NOW, 1.0)]


async def test_as_many_readings_as_points_are_told_raw(history: History) -> None:
    history.take(1, *columns([(7, NOW + second * SECOND, float(second)) for second in range(60)]))
    exact = await history.buckets(7, NOW, NOW + MINUTE, 60)
    assert (exact.raw, exact.avg.tolist(), len(exact.count)) == (True, [float(n) for n in range(60)], 0)
    fewer = await history.buckets(7, NOW, NOW + MINUTE, 59)
    assert (fewer.raw, fewer.width_us, fewer.at.tolist()) == (
        False,
        2 * SECOND,
        [*range(NOW, NOW + MINUTE, 2 * SECOND)],
    )
    assert (fewer.avg[1], fewer.min[1], fewer.max[1], fewer.last[1], fewer.sum[1], fewer.count[1]) == (
        2.5,
        2,
        3,
        3,
        5,
        2,
    )


async def test_hours_tell_the_mean_of_each_hour_that_has_readings(history: History) -> None:
    history.take(1, *columns([(7, NOW, 1.0), (7, NOW + 1, 2.0), (7, NOW + 2 * HOUR, 5.0)]))
    assert await history.hours(7, NOW, NOW + 3 * HOUR) == {NOW: 1.5, NOW + 2 * HOUR: 5.0}


async def test_a_deleted_series_does_not_come_back_from_the_log(tmp_path: Path) -> None:
    records = [columns([(7, NOW, 1.0), (8, NOW, 1.0)]), columns([(7, NOW + 1, 2.0)]), columns([(7, NOW + 2, 3.0)])]
    history = await History.open(tmp_path)
    history.take(1, *records[0])
    await history.delete([7], upto=2)
    await history.close()
    history = await History.open(tmp_path)
    for sequence, record in enumerate(records, 1):
        history.take(sequence, *record)
    assert pairs(await history.raw(7, *EVER)) == [(NOW + 2, 3.0)]
    assert pairs(await history.raw(8, *EVER)) == [(NOW, 1.0)]
    assert history.latest([7, 8]) == [(NOW + 2, 3.0), (NOW, 1.0)]
    await history.close()


async def test_loaded_readings_are_in_chunks_and_latest_at_once(tmp_path: Path) -> None:
    history = await History.open(tmp_path)
    series = np.repeat(np.arange(1, 5, dtype=np.uint32), 8640)
    at = np.tile(NOW - DAY + np.arange(8640) * 10 * SECOND, 4)
    await history.load(series, at, at / HOUR)
    await history.close()
    history = await History.open(tmp_path)
    assert (await history.stats()).readings == 4 * 8640
    assert history.latest([4]) == [(int(at[-1]), at[-1] / HOUR)]
    assert (await history.raw(3, NOW - DAY, NOW, 10_000)).at.tolist() == at[:8640].tolist()
    await history.close()


@pytest.fixture
def held_back() -> "HeldBack":
    return HeldBack()


class HeldBack:
    """Lets some changes of chunks through, then holds the writer until it is let go."""

    def __init__(self, through: int = 0) -> None:
        self.arrived, self.go = threading.Event(), threading.Event()
        self._through = through

    def around(self, change: Callable[[Chunks, Change], None]) -> Callable[[Chunks, Change], None]:
        def changed(chunks: Chunks, what: Change) -> None:
            if self._through == 0:
                self.arrived.set()
                assert self.go.wait(30)
            self._through -= 1
            change(chunks, what)

        return changed


@pytest.mark.parametrize("through", [0, 1, 2])
@pytest.mark.usefixtures("small")
async def test_nothing_is_missing_or_doubled_while_a_flush_stands_still(history: History, through: int) -> None:
    rows = [(series, NOW + n * SECOND, float(n)) for n in range(10) for series in (1, 2, 3)]
    held = HeldBack(through)
    history.take(1, *columns(rows))
    with patch.object(Chunks, "change", held.around(Chunks.change)):
        flush = asyncio.create_task(history.flush())
        await asyncio.to_thread(held.arrived.wait, 30)
        history.take(2, *columns([*rows[::5], (1, NOW + 30 * SECOND, 30.0)]))
        for series in (1, 2, 3):
            wanted = [(at, value) for each, at, value in rows if each == series] + [(NOW + 30 * SECOND, 30.0)] * (
                series == 1
            )
            assert pairs(await history.raw(series, *EVER)) == wanted
            summed = await history.buckets(series, NOW, NOW + HOUR, 1)
            assert (summed.count.tolist(), summed.sum.tolist()) == ([len(wanted)], [sum(v for _, v in wanted)])
        held.go.set()
        await flush


async def test_both_buffers_full_make_the_follower_wait_and_never_exceed_the_bound(
    tmp_path: Path, clock: HeldClock
) -> None:
    bound = 20_000
    history = await History.open(tmp_path, hot_bytes=bound, clock=clock)
    held, waited = HeldBack(), 0
    with patch.object(Chunks, "change", held.around(Chunks.change)):
        for sequence in range(1, 200):
            room = asyncio.create_task(history.wait_for_room())
            await asyncio.wait([room], timeout=0)
            if not room.done():
                waited += 1
                held.go.set()
                await room
            history.take(sequence, *columns([(series, NOW + sequence, 1.0) for series in range(40)]))
            assert history.hot_bytes <= bound + 40 * 20
        await history.flush()
    assert waited > 0
    assert (await history.stats()).readings == 199 * 40
    await history.close()


async def test_a_damaged_chunk_is_named_and_the_others_still_answer(history: History, tmp_path: Path) -> None:
    history.take(1, *columns([(7, NOW + hour * HOUR, float(hour)) for hour in range(3)]))
    await history.flush()
    with closing(sqlite3.connect(tmp_path / "history" / "2027-01.db")) as file, file:
        file.execute("UPDATE chunk SET body = x'00' WHERE id = (SELECT id FROM chunk ORDER BY id LIMIT 1 OFFSET 1)")
    assert pairs(await history.raw(7, *EVER)) == [(NOW, 0.0), (NOW + 2 * HOUR, 2.0)]
    (damage,) = (await history.stats()).damaged
    assert (damage.file, damage.series, damage.hour) == ("2027-01.db", 7, NOW // HOUR + 1)


async def test_readings_for_the_hour_of_a_damaged_chunk_are_kept_beside_it(history: History, tmp_path: Path) -> None:
    history.take(1, *columns([(7, NOW, 0.0), (7, NOW + 9, 0.0)]))
    await history.flush()
    with closing(sqlite3.connect(tmp_path / "history" / "2027-01.db")) as file, file:
        file.execute("UPDATE chunk SET body = x'00'")
    history.take(2, *columns([(7, NOW + 5, 5.0)]))
    await history.flush()
    assert pairs(await history.raw(7, *EVER)) == [(NOW + 5, 5.0)]


async def test_a_damaged_file_is_named_set_aside_by_the_writer_and_the_others_still_answer(tmp_path: Path) -> None:
    history = await History.open(tmp_path)
    history.take(1, *columns([(7, NOW, 1.0), (7, NOW - 40 * DAY, 2.0)]))
    await history.flush()
    await history.close()
    (tmp_path / "2027-01.db").write_bytes(b"no database at all" * 1000)
    history = await History.open(tmp_path)
    assert pairs(await history.raw(7, *EVER)) == [(NOW - 40 * DAY, 2.0)]
    assert (await history.buckets(7, *EVER, 10)).avg.tolist() == [2.0]
    assert [damage.file for damage in (await history.stats()).damaged] == ["2027-01.db"]
    history.take(2, *columns([(7, NOW + 5, 5.0)]))
    await history.flush()
    assert pairs(await history.raw(7, *EVER)) == [(NOW - 40 * DAY, 2.0), (NOW + 5, 5.0)]
    await history.close()
    history = await History.open(tmp_path)
    assert [damage.file for damage in (await history.stats()).damaged] == ["2027-01.db.damaged-0"]
    await history.close()


async def test_deleting_goes_on_past_a_damaged_file(tmp_path: Path) -> None:
    history = await History.open(tmp_path)
    history.take(1, *columns([(7, NOW, 1.0), (7, NOW - 40 * DAY, 2.0)]))
    await history.flush()
    await history.close()
    (tmp_path / "2026-12.db").write_bytes(b"no database at all" * 1000)
    history = await History.open(tmp_path)
    await history.delete([7])
    assert pairs(await history.raw(7, *EVER)) == []
    await history.close()


async def test_a_flush_that_failed_is_told_and_loses_nothing(history: History) -> None:
    history.take(1, *columns([(7, NOW, 1.0)]))
    full = sqlite3.OperationalError("database or disk is full")
    with patch.object(Chunks, "change", side_effect=full), pytest.raises(sqlite3.OperationalError):
        await history.flush()
    assert pairs(await history.raw(7, *EVER)) == [(NOW, 1.0)]
    assert history.position == 0
    await history.flush()
    assert (history.position, (await history.stats()).trouble) == (1, None)

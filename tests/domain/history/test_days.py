"""A day that is over becomes one chunk for each series; old days may keep their summaries only, or go."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from tests.domain.history.oracle import Oracle, assert_agrees, columns, pairs
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, HeldClock
from verger.domain.history.history import History

TODAY = 1_800_000_000 * SECOND // DAY * DAY
EVER = (0, 2**55)
SPANS = [EVER, (TODAY + HOUR, TODAY + 5 * HOUR), (TODAY - 1, TODAY + DAY), (TODAY + 90 * MINUTE, TODAY + 2 * DAY)]
FIRST_VERSION = json.loads(Path(__file__).with_name("data").joinpath("first-version.json").read_text("utf-8"))


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(TODAY + 12 * HOUR)


@pytest_asyncio.fixture
async def history(tmp_path: Path, clock: HeldClock) -> AsyncIterator[History]:
    history = await History.open(tmp_path, clock=clock)
    yield history
    await history.close()


def lot(series: int, first: int, rows: int, every: int = MINUTE) -> list[tuple[int, int, float]]:
    return [(series, TODAY + first + n * every, float(n % 7)) for n in range(rows)]


def chunks(folder: Path, table: str) -> list[int]:
    with closing(sqlite3.connect(folder / "2027-01.db")) as file:
        return [each for (each,) in file.execute(f"SELECT id FROM {table} ORDER BY id")]  # noqa: S608


def months(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("2*.db")]


async def test_a_day_that_is_over_becomes_one_chunk_with_its_hours(
    history: History, clock: HeldClock, tmp_path: Path
) -> None:
    history.take(1, *columns([*lot(1, 0, 1440), *lot(2, 0, 20)]))
    await history.flush()
    assert (len(chunks(tmp_path, "chunk")), chunks(tmp_path, "day")) == (25, [])
    clock.advance(13 * 3600)
    await history.merge_days()
    assert len(chunks(tmp_path, "chunk")) == 25, "the last readings of a day are waited for"
    clock.advance(3600)
    await history.merge_days()
    assert (chunks(tmp_path, "chunk"), len(chunks(tmp_path, "day"))) == ([], 2)
    stats = await history.stats()
    assert (stats.chunks, stats.readings) == (2, 1460)
    with closing(sqlite3.connect(tmp_path / "2027-01.db")) as file:
        assert [hours is None for (hours,) in file.execute("SELECT hours FROM day ORDER BY id")] == [False, True]


async def test_an_hour_is_answered_from_its_summary(history: History, clock: HeldClock, tmp_path: Path) -> None:
    oracle = Oracle()
    history.take(oracle.take(lot(1, 0, 1440)), *columns(lot(1, 0, 1440)))
    await history.flush()
    clock.advance(2 * 86_400)
    await history.merge_days()
    with closing(sqlite3.connect(tmp_path / "2027-01.db")) as file, file:
        file.execute("UPDATE day SET body = x'00'")
    hours = await history.hours(1, TODAY, TODAY + DAY)
    assert hours == {TODAY + h * HOUR: sum((h * 60 + m) % 7 for m in range(60)) / 60 for h in range(24)}
    assert (await history.stats()).damaged == ()


@pytest.mark.usefixtures("small")
async def test_late_readings_join_a_day_in_whatever_grain_it_is(history: History, clock: HeldClock) -> None:
    oracle = Oracle()
    for days, rows in [(0, lot(1, 0, 30)), (2, lot(1, 15 * SECOND, 30)), (0, lot(1, 0, 60)), (0, lot(2, 0, 4))]:
        clock.advance(days * 86_400)
        history.take(oracle.take(rows), *columns(rows))
        await history.flush()
        await history.merge_days()
        await assert_agrees(history, oracle, [1, 2], SPANS)
    assert (await history.stats()).readings == sum(map(len, oracle.held.values()))


async def test_files_of_the_first_version_are_read_and_merged(tmp_path: Path, clock: HeldClock) -> None:
    with closing(sqlite3.connect(tmp_path / "2027-01.db")) as file, file:
        for statement in FIRST_VERSION["schema"]:
            file.execute(statement)
        rows = [(each, bytes.fromhex(head), bytes.fromhex(body)) for each, head, body in FIRST_VERSION["chunk"]]
        file.executemany("INSERT INTO chunk VALUES (?, ?, ?)", rows)
        file.execute("INSERT INTO total VALUES (?, ?, ?)", FIRST_VERSION["total"])
    series, at, value = FIRST_VERSION["readings"]
    oracle = Oracle()
    oracle.load(list(zip(series, at, map(float.fromhex, value), strict=True)))
    history = await History.open(tmp_path, clock=clock)
    late = [(1, TODAY + 5, 0.25), (3, TODAY + 7 * HOUR, 0.5)]
    history.take(oracle.take(late), *columns(late))
    for _ in range(2):
        for each in (1, 2, 3):
            assert pairs(await history.raw(each, *EVER)) == oracle.between(each, *EVER)
            hours = await history.hours(each, *EVER)
            assert len(hours) == 30
        clock.advance(86_400 * 2)
        await history.flush()
        await history.merge_days()
    assert (chunks(tmp_path, "chunk"), len(chunks(tmp_path, "day"))) == ([], 6)
    assert (await history.stats()).damaged == ()
    await history.close()


async def test_a_thinned_day_answers_from_its_hours_and_never_invents(
    history: History, clock: HeldClock, tmp_path: Path
) -> None:
    history.take(1, *columns([*lot(1, 0, 300), *lot(1, DAY, 10)]))
    await history.flush()
    clock.advance(2 * 86_400)
    await history.merge_days()
    size = (tmp_path / "2027-01.db").stat().st_size
    await history.thin([1], TODAY + DAY + 5 * HOUR)
    assert pairs(await history.raw(1, *EVER)) == [(at, value) for _, at, value in lot(1, DAY, 10)]
    found = await history.buckets(1, TODAY, TODAY + DAY, 1000)
    assert (found.raw, found.width_us, found.count.tolist()) == (False, HOUR, [60, 60, 60, 60, 60])
    assert found.sum.tolist() == [sum(n % 7 for n in range(h * 60, h * 60 + 60)) for h in range(5)]
    half = await history.buckets(1, TODAY + 30 * MINUTE, TODAY + 3 * HOUR + 1, 1000)
    assert half.at.tolist() == [TODAY + h * HOUR for h in (1, 2, 3)], "an hour belongs where it begins"
    assert (tmp_path / "2027-01.db").stat().st_size <= size


async def test_what_comes_late_for_an_hour_known_only_in_sum_is_not_kept(history: History, clock: HeldClock) -> None:
    history.take(1, *columns(lot(1, 0, 60)))
    await history.flush()
    clock.advance(2 * 86_400)
    await history.merge_days()
    await history.thin([1], TODAY + DAY)
    for _ in range(2):
        history.take(2, *columns([(1, TODAY + 5, 9.0), (1, TODAY + 2 * HOUR, 9.0), (2, TODAY, 1.0)]))
        assert pairs(await history.raw(1, *EVER)) == [(TODAY + 2 * HOUR, 9.0)]
        found = await history.buckets(1, TODAY, TODAY + DAY, 24)
        assert (found.count.tolist(), found.last.tolist()) == ([60, 1], [3.0, 9.0])
        await history.flush()
    assert ((await history.stats()).readings, (await history.stats()).late) == (62, 2)
    await history.thin([1], TODAY + DAY)
    assert (await history.buckets(1, TODAY, TODAY + DAY, 1)).count.tolist() == [61]


async def test_dropped_days_are_gone_and_their_file_with_the_last_of_them(
    history: History, clock: HeldClock, tmp_path: Path
) -> None:
    history.take(1, *columns([*lot(1, 0, 60), *lot(2, 0, 60), *lot(2, 31 * DAY, 1)]))
    await history.flush()
    clock.advance(2 * 86_400)
    await history.merge_days()
    await history.drop([1], TODAY + DAY)
    assert pairs(await history.raw(1, *EVER)) == []
    assert (history.latest([1]), len(await history.raw(2, *EVER))) == ([None], 61)
    await history.drop([2], TODAY + 2 * DAY)
    assert months(tmp_path) == ["2027-02.db"]
    assert history.latest([2]) == [(TODAY + 31 * DAY, 0.0)]


async def test_a_damaged_hour_is_put_apart_when_its_day_is_merged(tmp_path: Path, clock: HeldClock) -> None:
    history = await History.open(tmp_path, clock=clock)
    history.take(1, *columns(lot(1, 0, 180)))
    await history.flush()
    with closing(sqlite3.connect(tmp_path / "2027-01.db")) as file, file:
        file.execute("UPDATE chunk SET body = x'00' WHERE id = (SELECT id FROM chunk LIMIT 1 OFFSET 1)")
    clock.advance(2 * 86_400)
    await history.merge_days()
    assert len(await history.raw(1, *EVER)) == 120
    await history.close()
    history = await History.open(tmp_path, clock=clock)
    stats = await history.stats()
    assert ([each.hour for each in stats.damaged], stats.readings) == ([TODAY // HOUR + 1], 120)
    await history.close()


@pytest.mark.parametrize("table", ["chunk", "day"])
@pytest.mark.parametrize("what", ["head", "body"])
async def test_verifying_puts_what_is_damaged_apart_and_goes_on(
    history: History, clock: HeldClock, tmp_path: Path, table: str, what: str
) -> None:
    history.take(1, *columns([row for series in range(1, 6) for row in lot(series, 0, 30)]))
    await history.flush()
    if table == "day":
        clock.advance(2 * 86_400)
        await history.merge_days()
    with closing(sqlite3.connect(tmp_path / "2027-01.db")) as file, file:
        bad = f"CAST(substr({what}, 1, 20) || x'ff' || substr({what}, 22) AS BLOB)"
        file.execute(f"UPDATE {table} SET {what} = {bad} WHERE id = (SELECT id FROM {table} LIMIT 1 OFFSET 2)")  # noqa: S608
    (damage,) = await history.verify()
    assert (damage.series, damage.hour) == (3, TODAY // HOUR)
    assert (await history.stats()).readings == 4 * 30
    history.take(2, *columns(lot(3, 0, 30)))
    await history.flush()
    assert len(await history.raw(3, *EVER)) == 30


@pytest.mark.parametrize("size", [0, 100, 8192])
async def test_a_damaged_index_is_made_anew_from_chunks_and_log(tmp_path: Path, size: int) -> None:
    history = await History.open(tmp_path)
    history.take(1, *columns([*lot(1, 0, 3), *lot(2, 31 * DAY, 3)]))
    await history.flush()
    latest = history.latest([1, 2])
    await history.close()
    kept = (tmp_path / "index.db").read_bytes()
    (tmp_path / "index.db").write_bytes(kept[:size] + np.random.default_rng(1).bytes(len(kept) - size))
    history = await History.open(tmp_path)
    assert (history.position, history.latest([1, 2])) == (0, latest)
    assert [each.file for each in (await history.stats()).damaged] == ["index.db.damaged-0"]
    history.take(1, *columns([*lot(1, 0, 3), *lot(2, 31 * DAY, 3)]))
    await history.flush()
    assert (history.position, (await history.stats()).readings) == (1, 6)
    await history.close()


async def test_the_file_itself_holds_a_merged_day_and_no_more(history: History, clock: HeldClock) -> None:
    noise = np.random.default_rng(3)
    series = np.repeat(np.arange(40, dtype=np.uint32), 8640)
    at = TODAY + np.tile(np.arange(8640) * 10 * SECOND, 40) + noise.integers(0, 21, len(series)) * 1000
    value = np.round(21 + noise.normal(0, 0.05, len(series)), 2)
    history.take(1, series, at, value)
    await history.flush()
    clock.advance(2 * 86_400)
    await history.merge_days()
    assert (await history.stats()).disk_bytes < 3 * len(series)


async def test_infinities_that_meet_are_told_without_a_word(history: History) -> None:
    history.take(1, *columns([(1, TODAY + n, (-1.0) ** n * np.inf) for n in range(4)]))
    for _ in range(2):
        found = await history.buckets(1, TODAY, TODAY + HOUR, 1)
        assert (found.min[0], found.max[0], np.isnan(found.sum[0])) == (-np.inf, np.inf, True)
        await history.flush()

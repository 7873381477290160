"""Figures of the history by itself, beside rows in SQLite and DuckDB: `python3 dev.py bench history [PART …]`.

Parts: codec, taking, intake, life, slow, charts. Each figure is a line in `bench/results/history.jsonl`.
"""

import asyncio
import importlib.util
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

from bench.rig.figures import Figures, awaited, disk_bytes, times
from bench.rig.life import fleet_day, slow_month
from bench.rig.rows import DuckRows, SqliteRows, buckets_sql, day_sql, latest_sql, others
from bench.rig.storage import storage
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, HeldClock
from verger.domain.history.codec import decode, encode
from verger.domain.history.history import History

START = 1_780_000_000 * SECOND // DAY * DAY
CADENCE = 10 * SECOND
NOISE = np.random.default_rng(7)


def mix(series: int, rows: int, start: int = START) -> tuple[Any, Any, Any]:
    """Return `rows` readings of each series, series by series: 70 % sensors, 10 % counters, states, random floats."""
    at = start + np.arange(rows) * CADENCE + NOISE.integers(0, 21, (series, rows)) * (SECOND // 1000)
    value = np.empty((series, rows))
    for number in range(series):
        match number % 10:
            case 7:
                value[number] = np.cumsum(NOISE.integers(0, 3, rows))
            case 8:
                value[number] = np.cumsum(NOISE.random(rows) < 0.02) % 2
            case 9:
                value[number] = NOISE.random(rows) * 100
            case _:
                value[number] = np.round(21 + np.sin(at[number] / DAY * 6.28) * 3 + NOISE.normal(0, 0.05, rows), 2)
    return np.repeat(np.arange(1, series + 1, dtype=np.uint32), rows), at.ravel(), value.ravel()


def codec(figures: Figures) -> None:
    """Measure the codec on chunks of an hour and of a day."""
    for name, series, rows in (("hour", 180, 360), ("day", 10, 8640)):
        _, at, value = mix(series, rows)
        starts = np.arange(series) * rows
        heads, bodies = encode(at, value, starts)
        million = len(at) / 1e3
        encoding = times(lambda at=at, value=value, starts=starts: encode(at, value, starts))  # type: ignore[misc]
        decoding = times(lambda heads=heads, bodies=bodies: decode(heads, bodies))  # type: ignore[misc]
        figures.tell(f"encode, {name} chunks", "M rows/s", *(million / ms for ms in encoding))
        figures.tell(f"decode, {name} chunks", "M rows/s", *(million / ms for ms in decoding))
        one = times(lambda heads=heads, bodies=bodies: decode(heads[:1], bodies[:1]), 999)  # type: ignore[misc]
        figures.tell(f"decode one {name} chunk", "us", *sorted(ms * 1e3 for ms in one)[::111])
        figures.tell(f"size, {name} chunks", "B a reading", (sum(map(len, bodies)) + heads.nbytes) / len(at))


async def taking(figures: Figures, folder: Path) -> None:
    """Measure `take` alone, by size of the record."""
    history = await History.open(folder / "taking")
    for rows in (1, 3, 30, 1000, 20_000):
        series = (np.arange(rows) % 10_000 + 1).astype(np.uint32)
        at, value = np.full(rows, START), np.ones(rows)
        spent, records = 0.0, min(2000, 200_000 // rows)
        for sequence in range(records):
            await history.wait_for_room()
            began = time.perf_counter()
            history.take(sequence, series, at + sequence, value)
            spent += time.perf_counter() - began
        figures.tell(f"take a record of {rows} readings", "us", spent / records * 1e6)
    await history.close()


async def intake(figures: Figures, folder: Path, series: int, rounds: int, step: int) -> None:
    """Measure sustained intake: records of 10,000 readings as fast as room is made, then the merging of their day.

    Times are late by up to 20 ms, as those of a sensor are.
    """
    clock = HeldClock(START + DAY)
    history = await History.open(folder / f"intake-{series}", clock=clock)
    numbers = np.resize(np.arange(1, series + 1, dtype=np.uint32), 10_000)
    written, cpu, slowest = disk_bytes(), time.process_time(), 0.0
    began = time.perf_counter()
    for sequence in range(rounds):
        value = np.round(20 + NOISE.normal(0, 0.3, 10_000), 2)
        at = START + sequence * step + NOISE.integers(0, 21, 10_000) * 1000
        before = time.perf_counter()
        await history.wait_for_room()
        history.take(sequence + 1, numbers, at, value)
        slowest = max(slowest, time.perf_counter() - before)
        await asyncio.sleep(0)
    await history.flush()
    spent, rows = time.perf_counter() - began, rounds * 10_000
    name = f"intake, {series:,} series"
    figures.tell(f"{name}: wall", "M rows/s", rows / spent / 1e6)
    figures.tell(f"{name}: CPU", "s per M", (time.process_time() - cpu) / rows * 1e6)
    figures.tell(f"{name}: longest wait for room", "ms", slowest * 1000)
    clock.advance(2 * DAY / SECOND)
    await history.merge_days()
    stats = await history.stats()
    figures.tell(f"{name}: disk after the day", "B a reading", stats.disk_bytes / stats.readings)
    figures.tell(f"{name}: written over its life, log apart", "B a reading", (disk_bytes() - written) / rows)
    await history.close()


async def charts(figures: Figures, folder: Path) -> None:
    """Measure charts over a year of one series and a week of twenty, beside rows."""
    history, rows = await History.open(folder / "charts"), others(folder)
    await load(figures, history, rows)
    year, twenty = START + 365 * DAY, range(1, 21)
    week = year - 7 * DAY
    for what, begin, points in (
        ("chart of a day to 500", year - DAY, 500),
        ("year to 500", START, 500),
        ("year to 2,000", START, 2000),
        ("year to 20,000", START, 20_000),
    ):
        ours = await awaited(lambda begin=begin, points=points: history.buckets(1, begin, year, points))  # type: ignore[misc]
        figures.tell(what, "ms", *ours)
    figures.tell("all readings of a day", "ms", *await awaited(lambda: history.raw(1, year - DAY, year)))
    ours = await awaited(lambda: history.buckets_of(twenty, week, year, 1008))
    figures.tell("20 series x 7 days in 10 min", "ms", *ours)
    figures.tell("latest of 10,000", "ms", *times(lambda: history.latest(range(10_000))))
    asked = {
        "all readings of a day": day_sql(1, year - DAY, year),
        "chart of a day to 500": buckets_sql([1], year - DAY, year, 3 * MINUTE),
        "year to 500": buckets_sql([1], START, year, DAY),
        "year to 2,000": buckets_sql([1], START, year, 6 * HOUR),
        "20 series x 7 days in 10 min": buckets_sql(twenty, week, year, 10 * MINUTE),
        "latest of every series": latest_sql(),
    }
    for each in rows:
        for what, sql in asked.items():
            figures.tell(what, "ms", *times(lambda each=each, sql=sql: each.ask(sql), 5), subject=each.name)  # type: ignore[misc]
        each.close()
    await history.close()


async def load(figures: Figures, history: History, rows: Sequence[SqliteRows | DuckRows]) -> None:
    """Give all of them the same readings, a day at a time."""
    taken = dict.fromkeys(["verger", *(each.name for each in rows)], 0.0)
    readings = 0
    for day in range(365):
        lot = mix(1 if day < 358 else 20, DAY // CADENCE, START + day * DAY)
        readings += len(lot[0])
        began = time.perf_counter()
        await history.load(*lot)
        taken["verger"] += time.perf_counter() - began
        for each in rows:
            began = time.perf_counter()
            each.load(*lot)
            taken[each.name] += time.perf_counter() - began
    for name, spent in taken.items():
        figures.tell("load, a day at a time", "M rows/s", readings / spent / 1e6, subject=name)
    for each in rows:
        each.settle()


def main(words: Sequence[str]) -> None:
    """Tell every figure; arguments choose some parts."""
    wanted = words or ["codec", "taking", "intake", "life", "slow", "disk", "charts"]
    duck = importlib.util.find_spec("duckdb")
    figures = Figures(
        "history",
        numpy=np.__version__,
        zstandard=zstandard.__version__,
        sqlite=sqlite3.sqlite_version,
        duckdb=importlib.import_module("duckdb").__version__ if duck else "none",
    )
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as name:
        folder = Path(name)
        if "codec" in wanted:
            codec(figures)
        if "taking" in wanted:
            asyncio.run(taking(figures, folder))
        if "intake" in wanted:
            asyncio.run(intake(figures, folder, 3000, 600, HOUR // 9000))
            asyncio.run(intake(figures, folder, 10_000, 720, CADENCE))
        if "life" in wanted:
            asyncio.run(fleet_day(figures, folder / "life"))
        if "slow" in wanted:
            asyncio.run(slow_month(figures, folder / "slow"))
        if "disk" in wanted:
            asyncio.run(storage(figures, folder / "disk"))
        if "charts" in wanted:
            asyncio.run(charts(figures, folder))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Figures of the history by itself: codec, take, sustained intake with compaction, charts.

`python3 dev.py bench history [codec taking intake charts]`
"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np

from verger.base.clock import DAY, HOUR, SECOND
from verger.domain.history.codec import decode, encode
from verger.domain.history.compaction import PART_ROWS
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


def told(what: str, figure: float, unit: str) -> None:
    """Print one figure."""
    print(f"{what:<58} {figure:>12,.2f} {unit}", flush=True)


def median_s(work: Callable[[], object], times: int = 9) -> float:
    """Return the median seconds that some work takes."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


async def median_ms(work: Callable[[], Awaitable[object]], times: int = 9) -> float:
    """Return the median milliseconds that some awaited work takes, warm."""
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:]) * 1000


def codec() -> None:
    """Measure the codec on chunks of an hour and of a day."""
    chunks_of("hour", 180, 360)
    chunks_of("day", 10, 8640)


def chunks_of(name: str, series: int, rows: int) -> None:
    """Measure the codec on chunks of one size."""
    _, at, value = mix(series, rows)
    starts = np.arange(series) * rows
    heads, bodies = encode(at, value, starts)
    told(f"encode, {name} chunks", len(at) / median_s(lambda: encode(at, value, starts)) / 1e6, "M rows/s")
    told(f"decode, {name} chunks", len(at) / median_s(lambda: decode(heads, bodies)) / 1e6, "M rows/s")
    told(f"bytes a reading, {name} chunks", (sum(map(len, bodies)) + heads.nbytes) / len(at), "B")
    told(f"decode one {name} chunk", median_s(lambda: decode(heads[:1], bodies[:1]), 999) * 1e6, "us")


async def taking(folder: Path) -> None:
    """Measure `take` alone, by size of the record."""
    history = await History.open(folder / "taking")
    for rows in (1, 3, 30, 1000, 20_000):
        series = (np.arange(rows) % 10_000 + 1).astype(np.uint32)
        at, value = np.full(rows, START), np.ones(rows)
        spent, times = 0.0, min(2000, 200_000 // rows)
        for sequence in range(times):
            await history.wait_for_room()
            began = time.perf_counter()
            history.take(sequence, series, at + sequence, value)
            spent += time.perf_counter() - began
        told(f"take a record of {rows} readings", spent / times * 1e6, "us")
    await history.close()


async def intake(folder: Path, series: int, rounds: int, step: int) -> None:
    """Measure sustained intake: records of 10,000 readings, as fast as room is made, and what it costs."""
    history = await History.open(folder / f"intake-{series}")
    numbers = np.resize(np.arange(1, series + 1, dtype=np.uint32), 10_000)
    written, cpu, slowest = disk_bytes(), time.process_time(), 0.0
    began = time.perf_counter()
    for sequence in range(rounds):
        value = np.round(20 + NOISE.normal(0, 0.3, 10_000), 2)
        at = START + sequence * step + NOISE.integers(0, step // 1000, 10_000) * 1000
        before = time.perf_counter()
        await history.wait_for_room()
        history.take(sequence + 1, numbers, at, value)
        slowest = max(slowest, time.perf_counter() - before)
        await asyncio.sleep(0)
    await history.flush()
    spent, rows = time.perf_counter() - began, rounds * 10_000
    stats = await history.stats()
    name = f"intake of {rows / 1e6:g} M readings of {series:,} series"
    told(f"{name}: wall", rows / spent / 1e6, "M rows/s")
    told(f"{name}: CPU", (time.process_time() - cpu) / rows * 1e6, "s per M")
    told(f"{name}: longest wait", slowest * 1000, "ms")
    told(f"{name}: disk", stats.disk_bytes / stats.readings, "B a reading")
    told(f"{name}: written", (disk_bytes() - written) / rows, "B a reading")
    await history.close()


async def charts(folder: Path) -> None:
    """Measure charts over a year of one series and a week of twenty."""
    history = await History.open(folder / "charts")
    year = START + 365 * DAY
    began = time.perf_counter()
    rows = 0
    for day in range(365):
        series, at, value = mix(1 if day < 358 else 20, DAY // CADENCE, START + day * DAY)
        await history.load(series, at, value)
        rows += len(at)
    told("load, a day at a time", rows / (time.perf_counter() - began) / 1e6, "M rows/s")
    stats = await history.stats()
    told("loaded: disk", stats.disk_bytes / stats.readings, "B a reading")
    told("chart of a day to 500", await median_ms(lambda: history.buckets(1, year - DAY, year, 500)), "ms")
    told("all readings of a day", await median_ms(lambda: history.raw(1, year - DAY, year)), "ms")
    told("chart of a year to 500, from heads", await median_ms(lambda: history.buckets(1, START, year, 500)), "ms")
    told("chart of a year to 20,000", await median_ms(lambda: history.buckets(1, START, year, 20_000)), "ms")
    week = year - 7 * DAY
    twenty = range(1, 21)
    told("20 series x 7 days to 1,008", await median_ms(lambda: history.buckets_of(twenty, week, year, 1008)), "ms")
    told("latest of 10,000", median_s(lambda: history.latest(range(10_000))) * 1000, "ms")
    await history.close()


def disk_bytes() -> int:
    """Return the bytes this process has had written to disk."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("write_bytes")))


def main() -> None:
    """Print every figure; arguments choose some: codec, taking, intake, charts."""
    wanted = sys.argv[1:] or ["codec", "taking", "intake", "charts"]
    told("memory before", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")
    print(f"numpy {np.__version__}, parts of up to {PART_ROWS} readings")
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        if "codec" in wanted:
            codec()
        if "taking" in wanted:
            asyncio.run(taking(folder))
        if "intake" in wanted:
            asyncio.run(intake(folder, 3000, 600, HOUR // 9000))
            asyncio.run(intake(folder, 10_000, 720, CADENCE))
        if "charts" in wanted:
            asyncio.run(charts(folder))
    told("most memory used", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


if __name__ == "__main__":
    main()

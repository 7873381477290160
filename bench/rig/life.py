"""A whole day of a fleet, told in fast motion: what its readings cost on disk and in memory, and who had to wait."""

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable
from pathlib import Path

import numpy as np

from bench.rig.figures import Figures, disk_bytes
from verger.base.clock import DAY, MINUTE, SECOND, HeldClock
from verger.domain.history.history import History

START = 1_780_000_000 * SECOND // DAY * DAY
NOISE = np.random.default_rng(11)
SERIES = 10_000
HOURS = 2


async def fleet_day(figures: Figures, folder: Path) -> None:
    """Take some hours of 10,000 sensors at 10 s, as their clock goes, and merge their day when it is over."""
    sys.setswitchinterval(0.001)  # as the server does
    clock = HeldClock(START)
    history = await History.open(folder, clock=clock)
    numbers = np.arange(1, SERIES + 1, dtype=np.uint32)
    base, written = 21 + NOISE.random(SERIES), disk_bytes()
    rounds = HOURS * 360

    async def lives() -> None:
        for sequence in range(1, rounds + 1):
            await history.wait_for_room()
            clock.at = START + sequence * 10 * SECOND
            at = clock.at + NOISE.integers(0, 21, SERIES) * 1000
            history.take(sequence, numbers, at, np.round(base + NOISE.normal(0, 0.05, SERIES), 2))
            await asyncio.sleep(0.01)
        await history.flush()

    name = f"{SERIES:,} series at 10 s"
    await _watched(figures, f"{name}: taking and compacting", lives())
    clock.at = START + 2 * DAY
    await _watched(figures, f"{name}: merging the day", history.merge_days())
    stats = await history.stats()
    figures.tell(f"{name}: disk after the day", "B a reading", stats.disk_bytes / stats.readings)
    figures.tell(f"{name}: written over its life, log apart", "B a reading", (disk_bytes() - written) / stats.readings)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures.tell(f"{name}: largest memory of this process", "MB", peak)
    await history.close()


async def slow_month(figures: Figures, folder: Path) -> None:
    """Keep a month of 200 sensors at 10 min."""
    clock = HeldClock(START)
    history = await History.open(folder, clock=clock)
    numbers = np.arange(1, 201, dtype=np.uint32)
    written = disk_bytes()
    for sequence in range(1, 30 * 144 + 1):
        clock.at = START + sequence * 10 * MINUTE
        at = clock.at + NOISE.integers(0, 21, 200) * 1000
        await history.wait_for_room()
        history.take(sequence, numbers, at, np.round(21 + NOISE.normal(0, 0.2, 200), 2))
        if sequence % 144 == 20:
            await history.flush()
            await history.merge_days()
    await history.flush()
    clock.at += 2 * DAY
    await history.merge_days()
    stats = await history.stats()
    figures.tell("200 series at 10 min: disk", "B a reading", stats.disk_bytes / stats.readings)
    figures.tell("200 series at 10 min: written, log apart", "B a reading", (disk_bytes() - written) / stats.readings)
    await history.close()


async def _watched(figures: Figures, what: str, work: Awaitable[None]) -> None:
    """Tell how long the event loop was kept from what it had to do: all of it, and without the waits for a core."""
    stopped, late = asyncio.Event(), list[tuple[float, float]]()

    async def probe() -> None:
        while not stopped.is_set():
            queued, began = _queued_s(), time.perf_counter()
            await asyncio.sleep(0.001)
            delay = time.perf_counter() - began - 0.001
            late.append((delay * 1000, max(0.0, delay - (_queued_s() - queued)) * 1000))

    probing, cpu, began = asyncio.create_task(probe()), time.process_time(), time.perf_counter()
    await work
    stopped.set()
    await probing
    every, by_us = np.array(late).T
    figures.tell(f"{what}: wall", "s", time.perf_counter() - began)
    figures.tell(f"{what}: CPU", "s", time.process_time() - cpu)
    for name, delays in (("loop late", every), ("loop late, waits for a core apart", by_us)):
        figures.tell(f"{what}: {name}, p99.9", "ms", float(np.quantile(delays, 0.999)))
        figures.tell(f"{what}: {name}, longest", "ms", float(delays.max()))


def _queued_s() -> float:
    """Return how long this thread was ready to run and had no core."""
    return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1]) / 1e9

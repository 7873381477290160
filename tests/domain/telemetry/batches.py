"""Batches to keep, and ways to see whether they were kept."""

from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

import numpy as np

from verger.domain.telemetry.disk import Disk, RealDisk
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Attributes, Batch, Event, Told
from verger.domain.telemetry.reader import Place, read_piece
from verger.domain.telemetry.recovery import recover

AT = 1_800_000_000_000_000


def batch(seed: int, rows: int = 3, told: int = 0) -> Batch:
    """Return a batch like no other: its contents follow from its seed."""
    random = np.random.default_rng(seed)
    return Batch(
        received_at=AT + seed,
        series=random.integers(0, 1 << 32, rows, np.uint32),
        at=AT + random.integers(0, 1 << 40, rows, np.int64),
        value=random.normal(20, 5, rows),
        told=tuple(_told(seed, each) for each in range(told)),
    )


def _told(seed: int, each: int) -> Told:
    said = Event("treatment.done", {"seconds": seed}, AT) if each % 2 else Attributes({"fw": f"1.{seed}"}, AT)
    return Told("tenant", f"device-{each}", said)


def contents(each: Batch) -> tuple[object, ...]:
    """Return what a batch says, comparable to the last bit."""
    return (each.received_at, each.series.tobytes(), each.at.tobytes(), each.value.tobytes(), each.told)


def same(some: Iterable[Batch], others: Iterable[Batch]) -> bool:
    """Return whether batches say the same in the same order."""
    return [contents(each) for each in some] == [contents(each) for each in others]


def sequences(some: Iterable[Batch]) -> list[int]:
    """Return the sequences of batches."""
    return [each.sequence for each in some]


def files(folder: Path) -> list[Path]:
    """Return the segments in a folder, in order."""
    return sorted(folder.glob("*.log"))


async def kept(log: Log, after: int = 0) -> list[Batch]:
    """Return what a log holds behind a sequence."""
    found: list[Batch] = []
    if log.last <= after:
        return found
    async with aclosing(log.read(after)) as reading:
        async for each in reading:
            found.append(each)
            if each.sequence >= log.last:
                break
    return found


def on_disk(folder: Path, disk: Disk | None = None) -> list[Batch]:
    """Return what a fresh start would find."""
    disk = disk or RealDisk()
    found = recover(disk, folder)
    batches: list[Batch] = []
    place = Place(0)
    while piece := read_piece(disk, folder, found.segments, place):
        batches += piece.batches
        place = piece.place
    return batches

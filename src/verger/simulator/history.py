"""What a simulated device measured and saw over a span: the same whether asked for at once or bit by bit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verger.base.clock import DAY, HOUR, MINUTE, SECOND
from verger.simulator import curves
from verger.simulator.curves import Times, Values
from verger.simulator.kinds import Happening, Kind, seed_of

OUTAGE = 4 * MINUTE
MOST_MINUTES_APART = 15


@dataclass(frozen=True)
class Columns:
    """Readings of one device: `at` in microseconds, ascending, and by metric as many values."""

    at: Times
    values: dict[str, Values]


@dataclass(frozen=True)
class Occurrence:
    """Something that happened, with an id by which it can be told again and still be one."""

    kind: str
    at: int
    id: str
    data: dict[str, object] | None = None


def readings(kind: Kind, seed: int, start: int, end: int, every_s: float) -> Columns:
    """Return what a device measures from `start` to before `end` (microseconds since 1970), each `every_s` seconds."""
    at = curves.ticks(seed, start, end, round(every_s * SECOND))
    values = {
        name: np.round(metric.curve(seed_of(seed, metric.beside or name), at), metric.decimals)
        for name, metric in kind.metrics.items()
    }
    return Columns(at, values)


def occurrences(kind: Kind, seed: int, start: int, end: int) -> list[Occurrence]:
    """Return what happens to a device from `start` to before `end`, in order of time."""
    every = [one for happening in kind.happenings for one in _of(happening, seed, start, end)]
    return sorted(every, key=lambda one: one.at)


def _of(happening: Happening, seed: int, start: int, end: int) -> Iterator[Occurrence]:
    slot_length = MOST_MINUTES_APART * MINUTE
    mine = seed_of(seed, happening.kind)
    slots = np.arange(start // slot_length, end // slot_length + 1, dtype=np.int64)
    first, last = happening.hours
    open_slots = (last - first) * HOUR / slot_length
    hour = slots * slot_length % DAY // HOUR
    happens = (curves.uniform(mine, slots) < happening.a_day / open_slots) & (hour >= first) & (hour < last)
    for slot in slots[happens]:
        share = curves.uniform(mine + 1, slot.reshape(1))[0]
        at = int((slot + share) * slot_length) // 1000 * 1000
        if start <= at < end:
            data = dict(happening.data) if happening.data else None
            yield Occurrence(happening.kind, at, f"{happening.kind}-{slot}", data)


def in_reach(seed: int, at: int) -> bool:
    """Whether the device can reach us at a time: now and then it cannot, for some minutes."""
    return not curves.bursts(seed_of(seed, "outage"), np.array([at]), HOUR, OUTAGE, 0.25)[0]

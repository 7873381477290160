"""What the history holds and answers: readings, buckets, and the width of a bucket."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import count

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from verger.base.clock import DAY, HOUR, MINUTE, SECOND

Series = NDArray[np.uint32]
Times = NDArray[np.int64]
Values = NDArray[np.float64]
Counts = NDArray[np.int64]

_MILLISECOND = SECOND // 1000
_FINE = (
    *(n * _MILLISECOND for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * SECOND for n in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(n * MINUTE for n in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(n * HOUR for n in (1, 2, 3, 4, 6, 8, 12)),
)


class Readings(Struct, frozen=True, eq=False):
    """Readings of one series: `at` int64 microseconds, ascending and distinct, `value` float64, of equal length."""

    at: Times
    value: Values

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.at)


class Buckets(Struct, frozen=True, eq=False):
    """Readings summed up by spans of `width_us` that begin at its multiples; empty ones are left out.

    `at` int64 microseconds, begin of each bucket. When `raw`, each reading stands alone: `at` and `avg` are the
    readings, `width_us` is 0 and the other columns are empty. Sums are added in float64, one chunk after the
    other, so they are right to about count * 1.1e-16 of the sum of magnitudes; all other columns are exact.
    """

    raw: bool
    width_us: int
    at: Times
    avg: Values
    min: Values
    max: Values
    last: Values
    sum: Values
    count: Counts


class Damage(Struct, frozen=True):
    """A chunk of so many `hours` from `hour` on, or a whole file when that is None, that cannot be read, and why."""

    file: str
    reason: str
    series: int | None = None
    hour: int | None = None
    part: int | None = None
    hours: int = 1

    def __str__(self) -> str:
        """Return a sentence that names it."""
        if self.hour is None:
            return f"A file of the history cannot be read ({self.file}): {self.reason}."
        span = "hour" if self.hours == 1 else "day from hour"
        where = f"{self.file}, series {self.series}, {span} {self.hour}, part {self.part}"
        return f"A chunk of the history cannot be read ({where}): {self.reason}."


class Stats(Struct, frozen=True):
    """Figures of the history: bytes in memory and on disk, readings hot and kept, chunks, and what is wrong.

    `late` counts readings since the start that came for hours which are only known in sum, and so are not kept.
    """

    hot_bytes: int
    hot_readings: int
    latest_bytes: int
    readings: int
    chunks: int
    disk_bytes: int
    flushes: int
    flush_s: float
    late: int
    position: int
    trouble: str | None
    damaged: tuple[Damage, ...]


def alone(readings: Readings) -> Buckets:
    """Return readings as they are, each for itself."""
    nothing = np.empty(0, np.float64)
    none = np.empty(0, np.int64)
    return Buckets(
        raw=True,
        width_us=0,
        at=readings.at,
        avg=readings.value,
        min=nothing,
        max=nothing,
        last=nothing,
        sum=nothing,
        count=none,
    )


def width_for(start: int, end: int, points: int, least: int = 1) -> int:
    """Return the bucket width, `least` or more, that cuts [start, end) into at most `points` at its multiples.

    Widths are round for a person: from 1 ms up to whole days, so that whole hours lie inside the wide ones.
    """
    least = max(least, -(-(end - start) // max(points, 1)))
    return next(width for width in _widths(least) if (end - 1) // width - start // width < max(points, 1))


def _widths(least: int) -> Iterator[int]:
    yield from _FINE[bisect_left(_FINE, least) :]
    days = max(1, -(-least // DAY))
    for step in count():
        yield days * DAY
        # Narrow steps first; later doubling, as a few multiples may all fall between start and end.
        days += 1 if step < 8 else days

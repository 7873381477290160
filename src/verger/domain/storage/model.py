"""The size of the data folder over time, and what follows from it.

The folder grows in saw-teeth: the log is released, a month is rewritten, the daily retention takes some away. So only
the least size of each hour counts (of each day, once three are known), and the rate is the median of the slopes
between every two of those (Theil 1950, Sen 1968), which a jump of a whole file moves little.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from msgspec import Struct

from verger.base.clock import DAY, HOUR

LOOKS_BACK = 7 * DAY
_LEAST = 6 * HOUR
_BY_DAY = 3 * DAY


class Sample(Struct, frozen=True):
    """The least size of the data folder in the hour that begins at `at`, in microseconds and bytes."""

    at: int
    size: int


class Forecast(Struct, frozen=True):
    """How fast the data folder grows, and when the disk is full at that rate; None while it does not grow."""

    bytes_per_day: float
    full_at: datetime | None


def growth(samples: Sequence[Sample], now: int) -> float | None:
    """Return the bytes a day that the folder grows by, None while less than six hours are known."""
    known = [sample for sample in samples if sample.at > now - LOOKS_BACK]
    if not known or now - min(sample.at for sample in known) < _LEAST:
        return None
    span = now - min(sample.at for sample in known)
    at, size = _least(known, now, DAY if span >= _BY_DAY else HOUR)
    if len(at) < 2:
        return None
    later, earlier = np.triu_indices(len(at), 1)[::-1]
    slopes = (size[later] - size[earlier]) / (at[later] - at[earlier])
    return float(np.median(slopes)) * DAY


def _least(
    samples: Sequence[Sample], now: int, width: int
) -> tuple["np.ndarray[tuple[int], np.dtype[np.float64]]", ...]:
    """Return times and sizes of the least sample in each span of this width, counted back from now."""
    best: dict[int, Sample] = {}
    for sample in samples:
        block = (now - sample.at) // width
        if block not in best or sample.size < best[block].size:
            best[block] = sample
    found = sorted(best.values(), key=lambda sample: sample.at)
    return np.array([s.at for s in found], np.float64), np.array([s.size for s in found], np.float64)

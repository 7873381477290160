"""The hours of a day in one small column: what is known of each without opening the readings.

A row for each hour of the day, empty ones with a count of zero; byte planes, zstd-packed. A chunk carries it only
where its hours hold many readings: few are as quickly read themselves. Once readings are thinned it stands for them.
"""

from collections.abc import Sequence

import numpy as np
import zstandard
from numpy.typing import NDArray

from verger.base.clock import DAY, HOUR
from verger.domain.history.model import Times, Values

FEWEST = 60
HOURLY = np.dtype([("n", "<u4"), ("vmin", "<f8"), ("vmax", "<f8"), ("vsum", "<f8"), ("vlast", "<f8")])
Hours = NDArray[np.void]


def summaries(at: Times, value: Values, starts: NDArray[np.intp], *, fewest: int | None = None) -> list[bytes | None]:
    """Return the hours of the chunks that begin at `starts`, each of one day; None where they hold few readings."""
    fewest = FEWEST if fewest is None else fewest
    hours = at // HOUR
    begins = np.flatnonzero(np.append(True, hours[1:] != hours[:-1]))
    begins = np.union1d(begins, starts)
    ends = np.append(begins[1:], len(at))
    rows = np.zeros(len(begins), HOURLY)
    rows["n"] = ends - begins
    with np.errstate(all="ignore"):
        rows["vmin"], rows["vmax"] = np.minimum.reduceat(value, begins), np.maximum.reduceat(value, begins)
        rows["vsum"], rows["vlast"] = np.add.reduceat(value, begins), value[ends - 1]
    places = hours[begins] % 24
    first = np.searchsorted(begins, starts)
    return [
        _packed(rows[a:b], places[a:b]) if rows["n"][a:b].sum() >= fewest * (b - a) else None
        for a, b in zip(first, np.append(first[1:], len(begins)), strict=True)
    ]


def unpacked(packed: Sequence[bytes]) -> Hours:
    """Return the 24 hours of each summary, a row each."""
    size = 24 * HOURLY.itemsize
    plain = b"".join([zstandard.decompress(each, max_output_size=size) for each in packed])
    planes = np.frombuffer(plain, np.uint8).reshape(len(packed), HOURLY.itemsize, 24)
    hours: Hours = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(HOURLY)[..., 0]
    return hours


def begins_of(days: Times) -> Times:
    """Return when the 24 hours of each day begin, a row each."""
    return days[:, None] * DAY + np.arange(24) * HOUR


def _packed(rows: Hours, places: NDArray[np.int64]) -> bytes:
    hours = np.zeros(24, HOURLY)
    hours[places] = rows
    planes = hours.view(np.uint8).reshape(24, HOURLY.itemsize).T
    return zstandard.compress(planes.tobytes(), 3)

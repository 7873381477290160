"""Pieces: what is known of a span of readings of one series, and how pieces add up to buckets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import DAY, HOUR
from verger.domain.history.grain import Found
from verger.domain.history.hourly import begins_of, unpacked
from verger.domain.history.model import Buckets, Counts, Readings, Times, Values

_FEW = 5  # the power of two of the readings in a bucket


class Pieces(NamedTuple):
    """Columns of equal length; `at` is the time of each one's last reading; no reading is in two."""

    at: Times
    low: Values
    high: Values
    last: Values
    total: Values
    size: Counts


def of_readings(readings: Readings, width: int) -> Pieces:
    """Return readings, in order of time, as a piece for each bucket of this width that is not empty."""
    at, value = readings.at, readings.value
    starts = _begins(at, width)
    ends = np.append(starts[1:], len(at))[: len(starts)]
    return Pieces(
        at[ends - 1],
        np.minimum.reduceat(value, starts),
        np.maximum.reduceat(value, starts),
        value[ends - 1],
        _added(value, starts),
        ends - starts,
    )


def of_heads(found: Found) -> Pieces:
    """Return each chunk as a piece, from its head alone."""
    heads = found.heads
    low, high, last, total = (heads[name].astype(np.float64) for name in ("vmin", "vmax", "vlast", "vsum"))
    return Pieces(heads["tmax"].astype(np.int64), low, high, last, total, heads["n"].astype(np.int64))


def of_hours(found: Found, start: int, end: int) -> Pieces:
    """Return the hours of chunks of days that begin at start <= time < end, from their summaries alone."""
    rows = unpacked(found.hours.tolist())
    begins = begins_of(found.heads["tmin"] // DAY)
    # An hour begins with its chunk and ends with it, where that begins or ends amid the hour.
    first, last = (
        np.maximum(begins, found.heads["tmin"][:, None]),
        np.minimum(begins + HOUR - 1, found.heads["tmax"][:, None]),
    )
    wanted = (rows["n"] > 0) & (first >= start) & (first < end)
    rows = rows[wanted]
    low, high, at_last, total = (rows[name].astype(np.float64) for name in ("vmin", "vmax", "vlast", "vsum"))
    return Pieces(last[wanted], low, high, at_last, total, rows["n"].astype(np.int64))


def summed(many: Sequence[Pieces], width: int) -> Pieces:
    """Return a piece for each bucket of this width that is not empty, in order; none may span two of them."""
    some = [each for each in many if len(each.at)] or many[:1]
    pieces = some[0] if len(some) == 1 else _columns([np.concatenate(column) for column in zip(*some, strict=True)])
    if not (pieces.at[1:] >= pieces.at[:-1]).all():
        order = np.argsort(pieces.at, kind="stable")
        pieces = _columns([column[order] for column in pieces])
    starts = _begins(pieces.at, width)
    if len(starts) == len(pieces.at):
        return pieces
    ends = np.append(starts[1:], len(pieces.at))[: len(starts)]
    return Pieces(
        pieces.at[ends - 1],
        np.minimum.reduceat(pieces.low, starts),
        np.maximum.reduceat(pieces.high, starts),
        pieces.last[ends - 1],
        _added(pieces.total, starts),
        np.add.reduceat(pieces.size, starts),
    )


def buckets_of(many: Sequence[Pieces], width: int) -> Buckets:
    """Return pieces as buckets of this width."""
    at, low, high, last, total, size = summed(many, width)
    return Buckets(
        raw=False,
        width_us=width,
        at=at // width * width,
        avg=total / size,
        min=low,
        max=high,
        last=last,
        sum=total,
        count=size,
    )


def _begins(at: Times, width: int) -> NDArray[np.intp]:
    """Return where each bucket begins among times in order."""
    if len(at) and (buckets := int(at[-1]) // width - (first := int(at[0]) // width)) < len(at) >> _FEW:
        # Few buckets are found by bisection more quickly than every time is divided.
        starts = np.zeros(buckets + 1, np.intp)
        starts[1:] = at.searchsorted((first + 1 + np.arange(buckets)) * width)
        new = starts[1:] != starts[:-1]
        return starts if new.all() else starts[np.append(np.True_, new)]
    bucket = at // width
    return np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1]))[: len(at)]


def _columns(columns: Sequence[NDArray[Any]]) -> Pieces:
    return Pieces(*columns)


def _added(value: Values, starts: NDArray[np.intp]) -> Values:
    # Infinities may meet, and sums may overflow: both are told as they are.
    with np.errstate(all="ignore"):
        total: Values = np.add.reduceat(value, starts)
    return total

"""How the values of each chunk are told as whole numbers: by which power of ten, or not at all."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from verger.domain.history.columns import spread
from verger.domain.history.model import Values

DELTA, PLAIN, BITS = 0, 1, 2
MOST_DECIMALS = 9
POWERS: Values = 10.0 ** np.arange(MOST_DECIMALS + 1, dtype=np.float64)
_WHOLE = 2.0**53


class Shapes(NamedTuple):
    """By chunk: the way and the decimals; by row: the whole numbers (zero in BITS chunks); `least` of each chunk."""

    way: NDArray[np.uint8]
    decimals: NDArray[np.uint8]
    whole: NDArray[np.int64]
    least: NDArray[np.int64]


def shapes(value: Values, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> Shapes:
    """Return how each chunk is best told; decimals only where they give back every bit, the sign of zero included."""
    decimals, whole, fits = _scaled(value, starts, lengths)
    least = np.minimum.reduceat(whole, starts)
    way = np.full(len(starts), BITS, np.uint8)
    way[fits] = np.where(_calmer_apart(whole, least, starts, lengths), PLAIN, DELTA)[fits]
    return Shapes(way, decimals, whole, least)


def _scaled(
    value: Values, starts: NDArray[np.intp], lengths: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    decimals = _guess(value, starts, lengths)
    whole = np.zeros(len(value), np.int64)
    fits = np.zeros(len(starts), np.bool_)
    open_ = decimals <= MOST_DECIMALS
    while open_.any():
        rows = np.flatnonzero(np.repeat(open_, lengths)) if not open_.all() else slice(None)
        some = lengths[open_]
        tried, exact = _tried(value[rows], spread(POWERS[decimals[open_]], some))
        good = np.logical_and.reduceat(exact, np.cumsum(some) - some)
        which = np.flatnonzero(open_)
        fits[which[good]] = True
        whole[rows] = np.where(np.repeat(good, some), tried, 0)
        decimals[which[~good]] += 1
        open_ = ~fits & (decimals <= MOST_DECIMALS)
    decimals[~fits] = 0
    return decimals.astype(np.uint8), whole, fits


def _guess(value: Values, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    # A few values of each chunk tell nearly always how many decimals it needs, so the whole is tried but once.
    steps = np.arange(6) * (lengths[:, None] - 1) // 5
    sample = value[starts[:, None] + steps]
    needed = np.full(sample.shape, MOST_DECIMALS + 1, np.intp)
    for decimals in range(MOST_DECIMALS, -1, -1):
        needed[_tried(sample, POWERS[decimals : decimals + 1])[1]] = decimals
    most: NDArray[np.intp] = needed.max(axis=1)
    return most


def _tried(value: Values, powers: Values) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    scaled = np.rint(value * powers)
    whole = np.where(np.abs(scaled) < _WHOLE, scaled, 0.0).astype(np.int64)
    return whole, (whole / powers).view(np.int64) == value.view(np.int64)


def _calmer_apart(
    whole: NDArray[np.int64], least: NDArray[np.int64], starts: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.bool_]:
    height = (whole - spread(least, lengths)).astype(np.float64)
    steps = np.diff(height, prepend=0.0)
    steps[starts] = 0
    return _variance(height, starts, lengths) < _variance(steps, starts, lengths)


def _variance(column: Values, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> Values:
    mean = np.add.reduceat(column, starts) / lengths
    spreading: Values = np.add.reduceat(column * column, starts) / lengths - mean * mean
    return spreading

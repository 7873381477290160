"""Bounds: which readings no rule has to see, so that values inside all bands cost next to nothing."""

from array import array
from math import inf

import numpy as np
from numpy.typing import NDArray

from verger.domain.rules.compiled import Compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.levels import same_values
from verger.domain.rules.memory import Leaf, Memory

Band = tuple[float, float]
EVERY: Band = (-inf, inf)
NONE: Band = (inf, -inf)

_FEW = 24  # rows: below, plain Python is quicker than numpy
_NOTHING = np.empty(0, np.intp)


def still(
    rule: Compiled, memory: Memory, device: str, metric: str, *, only_runs: bool = False, noted: bool = False
) -> Band:
    """Return between which values (both included) a reading of a series changes nothing; `NONE` where each may.

    With `only_runs` it does not matter how often the condition of an open alert is seen. With `noted` somebody else
    takes note of what rises and falls are measured from, and sees when those change.
    """
    low, high = EVERY
    settled = _settled(rule, memory, again=bool(rule.rule.alerts) and not only_runs)
    for at, (condition, leaf) in enumerate(zip(rule.leaves, memory.leaves, strict=True)):
        if condition.metric == metric and (condition.device or memory.device) == device:
            shown = leaf.holds is (at not in rule.denied) and at < rule.whens and not settled
            low, high = meet((low, high), NONE if shown else _of(condition, leaf, noted=noted))
    return low, high


def meet(one: Band, other: Band) -> Band:
    """Return what lies in both of two bands."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else NONE


def _settled(rule: Compiled, memory: Memory, *, again: bool) -> bool:
    """Tell whether a rule has fired and cannot before its condition ends: until then no value of it is shown."""
    rested = bool(rule.rest) and memory.rest_at is None
    moments = any(condition.momentary for condition in rule.leaves[: rule.whens])
    return memory.held and not (memory.wanted or rested or again or moments)


def _of(condition: Condition, leaf: Leaf, *, noted: bool) -> Band:
    if leaf.holds is None or leaf.stale or (leaf.holds and not leaf.ripe):
        return NONE
    if condition.within_s is not None:
        return EVERY if noted else NONE
    return same_values(condition, held=leaf.holds) or NONE


class Bounds:
    """The bands of every series, by number, and the time of its last reading that was judged or did not have to be."""

    def __init__(self) -> None:
        """Watch no series: every value lies inside."""
        self._size = 0
        self._low = self._high = np.empty(0)
        self._last = np.empty(0, np.int64)
        self._grow(1024)

    def watch(self, series: int, band: Band) -> None:
        """Let readings of a series through that lie outside of a band."""
        if series >= self._size:
            self._grow(series + 1)
        self._lows[series], self._highs[series] = band

    def sift(self, series: NDArray[np.uint32], at: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return which rows have to be judged, in order; of a series that has one in it, all.

        The others are taken note of. Each row that is returned is to be asked for with `newer`.
        """
        if len(series) < _FEW:
            return self._sift_few(series.tolist(), at.tolist(), value.tolist())
        if int(series.max()) >= self._size:
            self._grow(int(series.max()) + 1)
        out = (value < self._low[series]) | (value > self._high[series])
        if not out.any():
            np.maximum.at(self._last, series, at)
            return _NOTHING
        judged = np.isin(series, np.unique(series[out]))
        inside = ~judged
        np.maximum.at(self._last, series[inside], at[inside])
        return np.flatnonzero(judged)

    def newer(self, series: int, at: int) -> bool:
        """Tell whether a reading is newer than the last one of its series, which it is from now on."""
        if series >= self._size:
            self._grow(series + 1)
        if at <= self._lasts[series]:
            return False
        self._lasts[series] = at
        return True

    def last(self, series: int) -> int:
        """Return when the last reading of a series was, in microseconds, 0 if there was none."""
        return self._lasts[series] if series < self._size else 0

    def times(self, series: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return the times of the last readings of some series, for `turn_back`."""
        if len(series) and (most := int(series.max())) >= self._size:
            self._grow(most + 1)
        found: NDArray[np.int64] = self._last[series]
        return found

    def turn_back(self, series: NDArray[np.uint32], times: NDArray[np.int64]) -> None:
        """Know again what was known of some series before: what came since is to be judged once more."""
        self._last[series] = times

    def newest(self) -> int:
        """Return when the newest of all last readings was, in microseconds, 0 if there was none."""
        return int(self._last.max())

    def all_before(self, now: int) -> None:
        """Know no reading that is not from before now: the clock was put back, and what comes is to be judged."""
        np.minimum(self._last, now - 1, out=self._last)

    def saved(self) -> bytes:
        """Return the times of all last readings, to be kept."""
        return self._lasts.tobytes()

    def load(self, saved: bytes) -> None:
        """Know the times of all last readings that were kept."""
        lasts = array("q")
        lasts.frombytes(saved)
        self._grow(len(lasts))
        self._last[: len(lasts)] = lasts

    def _sift_few(self, series: list[int], at: list[int], value: list[float]) -> NDArray[np.intp]:
        if series and (most := max(series)) >= self._size:
            self._grow(most + 1)
        lows, highs, lasts = self._lows, self._highs, self._lasts
        judged = {each for each, number in zip(series, value, strict=True) if not lows[each] <= number <= highs[each]}
        for each, when in zip(series, at, strict=True):
            if when > lasts[each] and each not in judged:
                lasts[each] = when
        if not judged:
            return _NOTHING
        return np.array([row for row, each in enumerate(series) if each in judged], np.intp)

    def _grow(self, size: int) -> None:
        """Hold at least so many series; the arrays are seen by plain Python and by numpy alike."""
        size = max(size, self._size * 2)
        lows, highs, lasts = array("d", [-inf]) * size, array("d", [inf]) * size, array("q", [0]) * size
        low, high, last = np.frombuffer(lows), np.frombuffer(highs), np.frombuffer(lasts, np.int64)
        low[: self._size], high[: self._size], last[: self._size] = self._low, self._high, self._last
        self._lows, self._highs, self._lasts = lows, highs, lasts
        self._low, self._high, self._last = low, high, last
        self._size = size

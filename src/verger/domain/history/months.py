"""Months of UTC, counted since January 1970, and the hours and days in them, counted since 1970."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import HOUR


class Span(NamedTuple):
    """A span of time, start <= time < before, in microseconds."""

    start: int
    before: int


EVER = Span(-(1 << 62), 1 << 62)


def hours_of(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the hour that each time, in microseconds, lies in."""
    return at // HOUR


def months_of(hours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the month that each hour lies in."""
    return hours.astype("datetime64[h]").astype("datetime64[M]").astype(np.int64)


def month_of(at: int) -> int:
    """Return the month that a time, in microseconds, lies in."""
    return int(months_of(np.array([at // HOUR]))[0])


@lru_cache(4096)
def first_hour(month: int) -> int:
    """Return the hour with which a month begins."""
    return int(np.datetime64(month, "M").astype("datetime64[h]").astype(np.int64))


def span_of(month: int) -> tuple[int, int]:
    """Return when a month begins and when the next one does, in microseconds."""
    return first_hour(month) * HOUR, first_hour(month + 1) * HOUR


@lru_cache(4096)
def name_of(month: int) -> str:
    """Return a month as 2026-11."""
    return str(np.datetime64(month, "M"))


def month_named(name: str) -> int:
    """Return the month of a name like 2026-11; raises ValueError for anything else."""
    return int(np.datetime64(name, "M").astype(np.int64))

"""The two grains of chunks: of an hour while its day goes on, of a day once that is over; ids, and a few found ones.

The id of a chunk is (hour or day in its month, series, part), so chunks of one hour or day lie together, in order of
series. Of equal times in both grains that of the day stands: it was there before.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import DAY, HOUR
from verger.domain.history.codec import HEAD, Heads, heads_of
from verger.domain.history.months import first_hour

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Summaries = NDArray[np.object_]

PART_BITS = 16
SPAN_BITS = 48
PARTS = (1 << PART_BITS) - 1


class Grain(NamedTuple):
    """The table of the chunks of one width, in microseconds, and which columns it has beside id, head and body."""

    table: str
    width: int
    hours: str
    thin: str

    @property
    def listed(self) -> str:
        """Return the columns of a chunk without its body."""
        return f"{self.table}.id, {self.table}.head, {self.hours}, {self.thin}"

    def first(self, month: int) -> int:
        """Return the first hour or day of a month."""
        return first_hour(month) * HOUR // self.width

    def keys(self, spans: NDArray[np.int64], series: NDArray[np.uint32], month: int) -> Ids:
        """Return the ids of part 0 of each (hour or day, series), all of one month."""
        return (spans - self.first(month)) << SPAN_BITS | series.astype(np.int64) << PART_BITS

    def spans(self, ids: Ids, month: int) -> NDArray[np.int64]:
        """Return the hour or day of each id."""
        return (ids >> SPAN_BITS) + self.first(month)


HOURS = Grain("chunk", HOUR, "NULL", "0")
DAYS = Grain("day", DAY, "day.hours", "day.body IS NULL")


def key_of(ids: Ids) -> Ids:
    """Return the ids of part 0 of the same (hour or day, series)."""
    return ids >> PART_BITS << PART_BITS


def series_of(ids: Ids) -> NDArray[np.int64]:
    """Return the series of each id."""
    return ids >> PART_BITS & 0xFFFF_FFFF


def lots_of(found: "Found", most: int) -> Iterator["Found"]:
    """Cut chunks into lots of no more rows than some, or of one chunk that has more."""
    rows = np.cumsum(found.heads["n"].astype(np.int64))
    begin, before = 0, 0
    while begin < len(rows):
        end = max(begin + 1, int(np.searchsorted(rows, before + most, side="right")))
        yield found.pick(slice(begin, end))
        begin, before = end, int(rows[end - 1])


class Found(NamedTuple):
    """Chunks in a file, without their bodies; of equal length. `thin` ones have none: only summaries are left."""

    ids: Ids
    heads: Heads
    hours: Summaries
    thin: Mask
    daily: Mask

    @staticmethod
    def of(rows: Sequence[tuple[int, bytes, bytes | None, int]], grain: Grain) -> "Found":
        """Return rows of `Grain.listed` as chunks."""
        hours = np.empty(len(rows), np.object_)
        hours[:] = [row[2] for row in rows]
        return Found(
            np.array([row[0] for row in rows], np.int64),
            heads_of([row[1] for row in rows]) if rows else np.empty(0, HEAD),
            hours,
            np.array([row[3] for row in rows], np.bool_),
            np.full(len(rows), grain is DAYS),
        )

    def pick(self, which: Mask | NDArray[np.intp] | slice) -> "Found":
        """Return some of them."""
        ids, heads, hours, thin, daily = self
        return Found(ids[which], heads[which], hours[which], thin[which], daily[which])

    def also(self, others: "Found") -> "Found":
        """Return these and the others."""
        if not len(others.ids):
            return self
        return all_of((self, others))

    def touching(self, start: int, end: int) -> "Found":
        """Return those that touch start <= time < end, in order of time."""
        tmin, tmax = self.heads["tmin"], self.heads["tmax"]
        inside = (tmax >= start) & (tmin < end)
        found = self if inside.all() else self.pick(inside)
        tmin = found.heads["tmin"]
        return found if (tmin[1:] > tmin[:-1]).all() else found.pick(np.argsort(tmin, kind="stable"))

    def by_series(self, series: Sequence[int]) -> "list[Found]":
        """Return those of each series, ascending, when they stand series by series."""
        of = series_of(self.ids)
        begins, ends = (np.searchsorted(of, series, side).tolist() for side in ("left", "right"))
        return [self.pick(slice(begin, end)) for begin, end in zip(begins, ends, strict=True)]

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Give each series and where its readings begin and end, when they stand series by series."""
        of = series_of(self.ids)
        last = np.flatnonzero(np.append(of[1:] != of[:-1], np.True_))
        ends = np.cumsum(self.heads["n"].astype(np.int64))[last].tolist()
        return zip(of[last].tolist(), [0, *ends[:-1]], ends, strict=True)


def all_of(lots: Sequence[Found]) -> Found:
    """Return the chunks of one or more lots as one."""
    return lots[0] if len(lots) == 1 else Found(*(np.concatenate(columns) for columns in zip(*lots, strict=True)))

"""Answers from the history: chunks and hot buffers as one, each reading once.

A query looks at the hot buffers first and reads chunks afterwards, so what moves from one to the other meanwhile is
seen twice, never missed; of equal times the chunk's reading stands, for it arrived first. A chunk is answered from its
head only where no hot reading lies in its span, else a reading that is in both would count twice.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from verger.base.clock import HOUR
from verger.domain.history.chunks import Chunks, Found, Month
from verger.domain.history.codec import Damaged, decode
from verger.domain.history.files import is_damage
from verger.domain.history.hot import View
from verger.domain.history.model import Buckets, Damage, Readings, Times, alone, width_for
from verger.domain.history.months import first_hour, name_of
from verger.domain.history.order import cut, joined, united
from verger.domain.history.pieces import Pieces, buckets_of, of_heads, of_readings

CHUNKS_AT_ONCE = 64
_NONE = Readings(np.empty(0, np.int64), np.empty(0, np.float64))


class Source(Struct, frozen=True):
    """Where one query reads: the hot buffers as they were at one moment, oldest first, and the chunks."""

    chunks: Chunks
    hot: tuple[View, ...]
    report: Callable[[Damage], None]
    hidden: frozenset[int] = frozenset()

    def months(self, series: int, start: int, end: int) -> list[int]:
        """Return the months whose files to read; none for a series that is being deleted."""
        return [] if series in self.hidden else self.chunks.files.months(start, end)

    @contextmanager
    def unless_damaged(self, month: int) -> Iterator[None]:
        """Give up what is done with the file of a month, and report it, when that is damaged."""
        try:
            yield
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self.report(Damage(f"{name_of(month)}.db", str(error)))

    def heated(self, series: int, start: int, end: int) -> Readings:
        """Return the hot readings of a series with start <= time < end, in order of time, each time once."""
        found = [view.of(series) for view in self.hot]
        if not any(map(len, found)):
            return _NONE
        every = Readings(np.concatenate([r.at for r in found]), np.concatenate([r.value for r in found]))
        inside = cut(every, start, end)
        return united(inside.at, inside.value)


def raw(source: Source, series: int, start: int, end: int, limit: int) -> Readings:
    """Return the first `limit` readings with start <= time < end."""
    hot = source.heated(series, start, end)
    lots: list[Readings] = []
    for lot in _kept(source, series, start, end):
        lots.append(lot)
        if sum(map(len, lots)) >= limit:
            hot = cut(hot, start, int(lot.at[-1]) + 1)
            break
    found = joined(_chained(lots), hot)
    return Readings(found.at[:limit], found.value[:limit])


def newest(source: Source, series: int, start: int, end: int, limit: int) -> Readings:
    """Return the last `limit` readings with start <= time < end, in order of time."""
    hot = source.heated(series, start, end)
    lots: list[Readings] = []
    for lot in _kept(source, series, start, end, backwards=True):
        lots.append(lot)
        if sum(map(len, lots)) >= limit:
            hot = cut(hot, int(lot.at[0]), end)
            break
    found = joined(_chained(lots[::-1]), hot)
    first = max(0, len(found) - limit)
    return Readings(found.at[first:], found.value[first:])


def buckets(source: Source, series: int, start: int, end: int, points: int) -> Buckets:
    """Return the readings with start <= time < end alone if there are no more than `points`, else in buckets."""
    if not _surely_more(source, series, start, end, points):
        readings = raw(source, series, start, end, points + 1)
        if len(readings) <= points:
            return alone(readings)
    return sums(source, series, start, end, width_for(start, end, points))


def sums(source: Source, series: int, start: int, end: int, width: int) -> Buckets:
    """Return the readings with start <= time < end in buckets of one width."""
    hot = source.heated(series, start, end)
    many: list[Pieces] = []
    for month in source.months(series, start, end):
        first, past = (first_hour(each) * HOUR for each in (month, month + 1))
        here = cut(hot, first, past)
        hot = joined(cut(hot, start, first), cut(hot, past, end))
        part = [of_readings(here, width)]
        with source.unless_damaged(month), source.chunks.reading(month) as file:
            found = file.found(series, start, end)
            whole = _answered_by_head(found, start, end, width, here.at)
            lots = _opened(source, file, found.pick(~whole), start, end)
            if len(here):
                lots = iter([joined(_chained(list(lots)), here)])
            part = [of_heads(found.pick(whole)), *(of_readings(lot, width) for lot in lots)]
        many += part
    return buckets_of([*many, of_readings(hot, width)], width)


def totals(source: Source) -> tuple[int, int]:
    """Return how many chunks and readings the files hold."""
    chunks = readings = 0
    for month in source.chunks.files.all_months():
        with source.unless_damaged(month):
            more = source.chunks.totals(month)
            chunks, readings = chunks + more[0], readings + more[1]
    return chunks, readings


def _surely_more(source: Source, series: int, start: int, end: int, points: int) -> bool:
    """Tell whether the heads alone show more readings than `points`."""
    for month in reversed(source.months(series, start, end)):
        with source.unless_damaged(month), source.chunks.reading(month) as file:
            heads = file.found(series, start, end).heads
            inside = (heads["tmin"] >= start) & (heads["tmax"] < end)
            points -= int(heads["n"][inside].sum())
        if points < 0:
            return True
    return False


def _answered_by_head(found: Found, start: int, end: int, width: int, hot: Times) -> NDArray[np.bool_]:
    """Tell which chunks lie wholly in the span and in one bucket, with no hot reading between their ends."""
    tmin, tmax = found.heads["tmin"], found.heads["tmax"]
    inside = (tmin >= start) & (tmax < end) & (tmin // width == tmax // width)
    untouched: NDArray[np.bool_] = inside & (np.searchsorted(hot, tmin) == np.searchsorted(hot, tmax, side="right"))
    return untouched


def _kept(source: Source, series: int, start: int, end: int, *, backwards: bool = False) -> Iterator[Readings]:
    """Give what the chunks hold of start <= time < end, some chunks at a time, none empty."""
    months = source.months(series, start, end)
    for month in reversed(months) if backwards else months:
        with source.unless_damaged(month), source.chunks.reading(month) as file:
            found = file.found(series, start, end)
            yield from _opened(source, file, found, start, end, backwards=backwards)


def _opened(
    source: Source, file: Month, found: Found, start: int, end: int, *, backwards: bool = False
) -> Iterator[Readings]:
    begins = range(0, len(found.ids), CHUNKS_AT_ONCE)
    for begin in reversed(begins) if backwards else begins:
        some = found.pick(np.arange(begin, min(begin + CHUNKS_AT_ONCE, len(found.ids))))
        lot = cut(_decoded(source, file, some), start, end)
        if len(lot):
            yield lot


def _decoded(source: Source, file: Month, found: Found) -> Readings:
    """Return what is in some chunks; a damaged one is reported and left out."""
    if not len(found.ids):
        return _NONE
    try:
        return decode(found.heads, file.bodies(found.ids))
    except Damaged as damaged:
        source.report(file.damage(int(found.ids[damaged.which]), damaged.reason))
        return _decoded(source, file, found.pick(np.arange(len(found.ids)) != damaged.which))


def _chained(lots: Sequence[Readings]) -> Readings:
    if not lots:
        return _NONE
    if len(lots) == 1:
        return lots[0]
    return Readings(np.concatenate([lot.at for lot in lots]), np.concatenate([lot.value for lot in lots]))

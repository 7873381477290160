"""Answers from the history: chunks and hot buffers as one, each reading once.

A query looks at the hot buffers first and reads chunks afterwards, so what moves from one to the other meanwhile is
seen twice, never missed; of equal times the chunk's reading stands, for it arrived first. So it is with chunks of
hours that reach into those of days: their readings are taken as the hot ones are, and called loose with them.
A bucket is answered from the coarsest summary that fits: the head of a chunk, the hours of a day, readings. A summary
serves only where no loose reading lies in its span, else a reading that is in both would count twice. Where readings
were thinned only summaries are left, of hours at the finest; each hour then belongs where it begins.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from verger.base.clock import DAY, HOUR
from verger.domain.history.chunks import Chunks, Month
from verger.domain.history.codec import Damaged, decode
from verger.domain.history.grain import Found, Mask, lots_of
from verger.domain.history.hot import View
from verger.domain.history.hourly import begins_of, unpacked
from verger.domain.history.model import Buckets, Readings, Times, alone, width_for
from verger.domain.history.months import span_of
from verger.domain.history.order import cut, joined, united
from verger.domain.history.pieces import Pieces, buckets_of, of_heads, of_hours, of_readings

ROWS_AT_ONCE = 65_536
_NONE = Readings(np.empty(0, np.int64), np.empty(0, np.float64))


class Source(Struct, frozen=True):
    """Where one query reads: the hot buffers as they were at one moment, oldest first, and the chunks."""

    chunks: Chunks
    hot: tuple[View, ...]
    hidden: frozenset[int] = frozenset()

    def months(self, series: int, start: int, end: int) -> list[int]:
        """Return the months whose files to read; none for a series that is being deleted."""
        return [] if series in self.hidden else self.chunks.files.months(start, end)

    def heated(self, series: int, start: int, end: int) -> Readings:
        """Return the hot readings of a series with start <= time < end, in order of time, each time once."""
        found = [view.of(series) for view in self.hot]
        if not any(map(len, found)):
            return _NONE
        every = Readings(np.concatenate([r.at for r in found]), np.concatenate([r.value for r in found]))
        inside = cut(every, start, end)
        return united(inside.at, inside.value)


def raw(source: Source, series: int, start: int, end: int, limit: int, *, backwards: bool = False) -> Readings:
    """Return the first `limit` readings with start <= time < end, or `backwards` the last, in order of time."""
    loose, lots, left = source.heated(series, start, end), list[Readings](), limit
    months = source.months(series, start, end)
    for month in reversed(months) if backwards else months:
        with source.chunks.unless_damaged(month), source.chunks.reading(month) as file:
            found, loose = _laid_out(source, file, series, (start, end), loose)
            for lot in _opened(source, file, found.pick(~found.thin), start, end, backwards=backwards):
                lots.append(lot)
                left -= len(lot)
                if left <= 0:
                    break
        if left <= 0:
            reach = (int(lots[-1].at[0]), end) if backwards else (start, int(lots[-1].at[-1]) + 1)
            loose = cut(loose, *reach)
            break
    every = joined(_chained(lots[::-1] if backwards else lots), loose)
    page = slice(max(0, len(every) - limit), None) if backwards else slice(limit)
    return Readings(every.at[page], every.value[page])


def buckets(source: Source, series: int, start: int, end: int, points: int) -> Buckets:
    """Return the readings with start <= time < end alone if there are no more than `points`, else in buckets."""
    width = width_for(start, end, points) if start < end else HOUR
    pieces, thin = _pieces(source, series, start, end, width)
    if pieces is None:
        return sums(source, series, start, end, width_for(start, end, points, HOUR))
    # Summing up is quicker than counting first, and where few are found, reading them again is quick too.
    if not thin and sum(int(each.size.sum()) for each in pieces) <= points:
        readings = raw(source, series, start, end, points + 1)
        if len(readings) <= points:
            return alone(readings)
    return buckets_of(pieces, width)


def sums(source: Source, series: int, start: int, end: int, width: int) -> Buckets:
    """Return the readings with start <= time < end in buckets of one width, of whole hours."""
    pieces, _ = _pieces(source, series, start, end, width)
    return buckets_of(pieces or [], width)


def totals(source: Source) -> tuple[int, int]:
    """Return how many chunks and readings the files hold."""
    chunks = readings = 0
    for month in source.chunks.files.all_months():
        with source.chunks.unless_damaged(month):
            more = source.chunks.totals(month)
            chunks, readings = chunks + more[0], readings + more[1]
    return chunks, readings


def _pieces(source: Source, series: int, start: int, end: int, width: int) -> tuple[list[Pieces] | None, bool]:
    """Return pieces for buckets of a width, and whether any stand for readings that were thinned.

    None where those are too coarse for the width.
    """
    loose = source.heated(series, start, end)
    many, thin = [of_readings(_NONE, width)], False
    for month in source.months(series, start, end):
        first, past = span_of(month)
        here = cut(loose, first, past)
        loose = joined(cut(loose, start, first), cut(loose, past, end))
        part = [of_readings(here, width)] if len(here) else []
        with source.chunks.unless_damaged(month), source.chunks.reading(month) as file:
            found, here = _laid_out(source, file, series, (start, end), here)
            thin = thin or bool(found.thin.any())
            if thin and width % HOUR:
                return None, thin
            by_head, by_hours, rest = _tiers(found, start, end, width, here.at)
            lots = _opened(source, file, found.pick(rest), start, end)
            if len(here):
                lots = iter([joined(_chained(list(lots)), here)])
            part = [of_readings(lot, width) for lot in lots]
            if by_head.any():
                part.append(of_heads(found.pick(by_head)))
            if by_hours.any():
                part.append(of_hours(found.pick(by_hours), start, end))
        many += part
    return [*many, of_readings(loose, width)] if len(loose) else many, thin


def _laid_out(
    source: Source, file: Month, series: int, span: tuple[int, int], loose: Readings
) -> tuple[Found, Readings]:
    """Return the chunks of a month, in order of time, and what is loose: with chunks of hours that reach into days."""
    days, hours = file.found(series, *span)
    if len(days.ids) and len(hours.ids):
        (low, high), (tmin, tmax) = ([each.heads[name] for name in ("tmin", "tmax")] for each in (days, hours))
        reaching: Mask = np.logical_or.reduce((low[:, None] <= tmax) & (high[:, None] >= tmin))
        if reaching.any():
            loose = joined(cut(_decoded(source, file, hours.pick(reaching)), *span), loose)
            hours = hours.pick(~reaching)
    if days.thin.any():
        thin = days.pick(days.thin)
        known = begins_of(thin.heads["tmin"] // DAY)[unpacked(thin.hours.tolist())["n"] > 0]
        fresh = ~np.isin(loose.at // HOUR * HOUR, known)
        loose = Readings(loose.at[fresh], loose.value[fresh])
    return days.also(hours).touching(*span), loose


def _tiers(found: Found, start: int, end: int, width: int, loose: Times) -> tuple[Mask, Mask, Mask]:
    """Tell which chunks are answered from their heads, which from their hours, and which have to be opened."""
    tmin, tmax = found.heads["tmin"], found.heads["tmax"]
    untouched = np.searchsorted(loose, tmin) == np.searchsorted(loose, tmax, side="right")
    untouched |= found.thin
    inside = (tmin >= start) & (tmax < end)
    by_head = untouched & inside & (tmin // width == tmax // width)
    if width % HOUR:
        return by_head, np.zeros_like(by_head), ~by_head
    told = np.array([hours is not None for hours in found.hours], np.bool_)
    by_hours = untouched & ~by_head & told & (inside | found.thin)
    return by_head, by_hours, ~by_head & ~by_hours


def _opened(
    source: Source, file: Month, found: Found, start: int, end: int, *, backwards: bool = False
) -> Iterator[Readings]:
    lots = list(lots_of(found, ROWS_AT_ONCE))
    for some in reversed(lots) if backwards else lots:
        lot = cut(_decoded(source, file, some), start, end)
        if len(lot):
            yield lot


def _decoded(source: Source, file: Month, found: Found) -> Readings:
    """Return what is in some chunks; a damaged one is reported and left out."""
    if not len(found.ids):
        return _NONE
    try:
        return decode(found.heads, file.bodies(found))
    except Damaged as damaged:
        source.chunks.report(file.damage(found, damaged.which, damaged.reason))
        return _decoded(source, file, found.pick(np.arange(len(found.ids)) != damaged.which))


def _chained(lots: Sequence[Readings]) -> Readings:
    if not lots:
        return _NONE
    if len(lots) == 1:
        return lots[0]
    return Readings(np.concatenate([lot.at for lot in lots]), np.concatenate([lot.value for lot in lots]))

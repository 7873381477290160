"""Answers from the history: chunks and hot buffers as one, each reading once.

A query looks at the hot buffers first and reads chunks afterwards, so what moves from one to the other meanwhile is
seen twice, never missed; of equal times the chunk's reading stands, for it arrived first. So it is with chunks of
hours that reach into those of days: their readings are taken as the hot ones are, and called loose with them.
Buckets are summed up in `summing`, from what is found here.
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
from verger.domain.history.model import Readings, Times
from verger.domain.history.months import Span
from verger.domain.history.order import between, cut, joined, united

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
            found, loose = laid_out(source, file, *file.found([series], start, end), Span(start, end), loose)
            for lot in opened(source, file, found.pick(~found.thin), start, end, backwards=backwards):
                lots.append(lot)
                left -= len(lot)
                if left <= 0:
                    break
        if left <= 0:
            reach = (int(lots[-1].at[0]), end) if backwards else (start, int(lots[-1].at[-1]) + 1)
            loose = cut(loose, *reach)
            break
    every = joined(chained(lots[::-1] if backwards else lots), loose)
    page = slice(max(0, len(every) - limit), None) if backwards else slice(limit)
    return Readings(every.at[page], every.value[page])


def totals(source: Source) -> tuple[int, int]:
    """Return how many chunks and readings the files hold."""
    chunks = readings = 0
    for month in source.chunks.files.all_months():
        with source.chunks.unless_damaged(month):
            more = source.chunks.totals(month)
            chunks, readings = chunks + more[0], readings + more[1]
    return chunks, readings


def laid_out(
    source: Source, file: Month, days: Found, hours: Found, span: Span, loose: Readings
) -> tuple[Found, Readings]:
    """Return the chunks of one series, in order of time, and what is loose: with hours that reach into days."""
    days, hours = days.touching(*span), hours.touching(*span)
    if len(days.ids) and len(hours.ids):
        (low, high), (tmin, tmax) = ([each.heads[name] for name in ("tmin", "tmax")] for each in (days, hours))
        reaching: Mask = np.logical_or.reduce((low[:, None] <= tmax) & (high[:, None] >= tmin))
        if reaching.any():
            loose = joined(cut(proved(source, file, hours.pick(reaching))[1], *span), loose)
            hours = hours.pick(~reaching)
    if days.thin.any():
        fresh = ~np.isin(loose.at // HOUR * HOUR, _in_sum(days))
        loose = Readings(loose.at[fresh], loose.value[fresh])
    return (days.also(hours).touching(*span) if len(hours.ids) else days), loose


def summed(source: Source, series: int, start: int, end: int) -> Times:
    """Return when those hours of a series begin, on days that touch start <= time < end, that are only known in sum."""
    found = [np.empty(0, np.int64)]
    for month in source.months(series, start, end):
        with source.chunks.unless_damaged(month), source.chunks.reading(month) as file:
            days, _ = file.found([series], start, end)
            if days.thin.any():
                found.append(_in_sum(days))
    return np.concatenate(found)


def _in_sum(days: Found) -> Times:
    """Return when the hours begin of which only summaries are left; some of the days must be thin."""
    thin = days.pick(days.thin)
    hours: Times = begins_of(thin.heads["tmin"] // DAY)[unpacked(thin.hours.tolist())["n"] > 0]
    return hours


def opened(
    source: Source, file: Month, found: Found, start: int, end: int, *, backwards: bool = False
) -> Iterator[Readings]:
    """Give the readings with start <= time < end of chunks of one series in lots, each in order of time."""
    lots = list(lots_of(found, ROWS_AT_ONCE))
    for some in reversed(lots) if backwards else lots:
        lot = between(proved(source, file, some)[1], start, end)
        if len(lot):
            yield lot


def proved(source: Source, file: Month, found: Found) -> tuple[Found, Readings]:
    """Return some chunks and what is in them; a damaged one is reported and left out."""
    if not len(found.ids):
        return found, _NONE
    try:
        return found, decode(found.heads, file.bodies(found))
    except Damaged as damaged:
        source.chunks.report(file.damage(found, damaged.which, damaged.reason))
        return proved(source, file, found.pick(np.arange(len(found.ids)) != damaged.which))


def chained(lots: Sequence[Readings]) -> Readings:
    """Return lots of readings as one."""
    if not lots:
        return _NONE
    if len(lots) == 1:
        return lots[0]
    return Readings(np.concatenate([lot.at for lot in lots]), np.concatenate([lot.value for lot in lots]))

"""Summing up: buckets of several series at once, each from the coarsest of what is known that fits.

The head of a chunk serves a bucket that holds all of it, the hours of a day serve buckets of whole hours, readings the
rest. A summary serves only where no loose reading lies in its span, else a reading that is in both would count twice;
there the chunk is opened and the loose ones join it. All other chunks are opened in lots across the series: of each
lot the readings stand series by series, in order of time. Where readings were thinned only summaries are left, of
hours at the finest; each hour then belongs where it begins.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from verger.base.clock import HOUR
from verger.domain.history.chunks import Month
from verger.domain.history.grain import Found, Mask, all_of, lots_of
from verger.domain.history.model import Buckets, Readings, Times, alone, width_for
from verger.domain.history.months import EVER, Span, span_of
from verger.domain.history.order import between, joined
from verger.domain.history.pieces import Pieces, buckets_of, of_heads, of_hours, of_readings
from verger.domain.history.query import ROWS_AT_ONCE, Source, chained, laid_out, opened, proved, raw


class Sum(Struct):
    """What is known of one series so far: its pieces, whether readings were thinned, and the loose ones to come.

    When it is `coarse`, its pieces are too coarse for the width that was asked, and of no use.
    """

    series: int
    loose: Readings
    pieces: list[Pieces]
    thin: bool = False
    coarse: bool = False

    def of_month(self, month: int) -> "Sum":
        """Return a sum for a month alone, with its loose readings, which leave this one."""
        first, past = span_of(month)
        here = between(self.loose, first, past)
        if len(here):
            self.loose = joined(between(self.loose, EVER.start, first), between(self.loose, past, EVER.before))
        return Sum(self.series, here, [])


def buckets(source: Source, series: Sequence[int], start: int, end: int, points: int) -> list[Buckets]:
    """Return of each series the readings with start <= time < end alone if no more than `points`, else in buckets."""
    width = width_for(start, end, points) if start < end else HOUR
    known = _summed_up(source, series, Span(start, end), width)
    return [_told(source, known[each], Span(start, end), width, points) for each in series]


def sums(source: Source, series: int, start: int, end: int, width: int) -> Buckets:
    """Return the readings with start <= time < end in buckets of one width, of hours where only those are known."""
    known = _summed_up(source, [series], Span(start, end), width)[series]
    return sums(source, series, start, end, HOUR) if known.coarse else buckets_of(known.pieces, width)


def _told(source: Source, known: Sum, span: Span, width: int, points: int) -> Buckets:
    if known.coarse:
        return sums(source, known.series, *span, width_for(*span, points, HOUR))
    # Summing up is quicker than counting first, and where few are found, reading them again is quick too.
    if not known.thin and sum(int(each.size.sum()) for each in known.pieces) <= points:
        readings = raw(source, known.series, *span, points + 1)
        if len(readings) <= points:
            return alone(readings)
    return buckets_of(known.pieces, width)


def _summed_up(source: Source, series: Sequence[int], span: Span, width: int) -> dict[int, Sum]:
    every = {each: Sum(each, source.heated(each, *span), []) for each in sorted(set(series))}
    for month in source.chunks.files.months(*span):
        some = [each for each in every.values() if each.series not in source.hidden and not each.coarse]
        _add(source, month, [(each, each.of_month(month)) for each in some], span, width)
    for each in every.values():
        if len(each.loose) or not each.pieces:
            each.pieces.append(of_readings(each.loose, width))
    return every


def _add(source: Source, month: int, some: Sequence[tuple[Sum, Sum]], span: Span, width: int) -> None:
    """Add to each what is known of a month; where its file is damaged, to each what can still be read of it."""
    with source.chunks.unless_damaged(month):
        if some:
            _read(source, month, [part for _, part in some], span, width)
        for whole, part in some:
            whole.pieces += part.pieces
            whole.thin, whole.coarse = whole.thin or part.thin, part.coarse
        return
    for whole, part in some:
        if len(some) == 1:
            whole.pieces.append(of_readings(part.loose, width))
            whole.thin = whole.thin or part.thin
        else:
            _add(source, month, [(whole, Sum(part.series, part.loose, []))], span, width)


def _read(source: Source, month: int, parts: Sequence[Sum], span: Span, width: int) -> None:
    by_series = {part.series: part for part in parts}
    with source.chunks.reading(month) as file:
        days, hours = (each.by_series(list(by_series)) for each in file.found(list(by_series), *span))
        rest = [_unopened(source, file, *each, span, width) for each in zip(parts, days, hours, strict=True)]
        for lot in lots_of(all_of(rest), ROWS_AT_ONCE):
            kept, readings = proved(source, file, lot)
            for series, begin, end in kept.runs():
                run = between(Readings(readings.at[begin:end], readings.value[begin:end]), *span)
                if len(run):
                    by_series[series].pieces.append(of_readings(run, width))


def _unopened(source: Source, file: Month, part: Sum, days: Found, hours: Found, span: Span, width: int) -> Found:
    """Add what is known without opening chunks, and all that loose readings touch; return the chunks still to open."""
    found, loose = laid_out(source, file, days, hours, span, part.loose)
    part.thin = bool(found.thin.any())
    part.coarse = part.thin and width % HOUR != 0
    if part.coarse:
        return found.pick(slice(0))
    by_head, by_hours, touched, rest = _tiers(found, *span, width, loose.at)
    if by_head.any():
        part.pieces.append(of_heads(found.pick(by_head)))
    if by_hours.any():
        part.pieces.append(of_hours(found.pick(by_hours), *span))
    if len(loose):
        lots = list(opened(source, file, found.pick(touched), *span))
        part.pieces.append(of_readings(joined(chained(lots), loose), width))
    return found.pick(rest)


def _tiers(found: Found, start: int, end: int, width: int, loose: Times) -> tuple[Mask, Mask, Mask, Mask]:
    """Tell which chunks are answered from their heads, which from their hours, which touch loose ones, and the rest."""
    tmin, tmax = found.heads["tmin"], found.heads["tmax"]
    untouched = np.searchsorted(loose, tmin) == np.searchsorted(loose, tmax, side="right")
    untouched |= found.thin
    inside = (tmin >= start) & (tmax < end)
    by_head = untouched & inside & (tmin // width == tmax // width)
    if width % HOUR:
        return by_head, np.zeros_like(by_head), ~untouched, untouched & ~by_head
    told = np.array([hours is not None for hours in found.hours], np.bool_)
    by_hours = untouched & ~by_head & told & (inside | found.thin)
    return by_head, by_hours, ~untouched, untouched & ~by_head & ~by_hours

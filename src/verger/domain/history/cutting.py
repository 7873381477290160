"""Cutting: readings of a time within a day go, and the rest of the day stays. Done by the writer, unit by unit."""

from collections.abc import Iterator, Sequence

import numpy as np

from verger.base.clock import DAY
from verger.domain.history.chunks import Change, Chunks
from verger.domain.history.codec import encode, seal
from verger.domain.history.compaction import GoOn, opened
from verger.domain.history.grain import DAYS, HOURS, Found, Grain
from verger.domain.history.hourly import summaries
from verger.domain.history.months import Span, span_of
from verger.domain.history.upkeep import days_within


def cut(chunks: Chunks, month: int, series: Sequence[int], span: Span, go_on: GoOn) -> bool:
    """Take the readings of a span out of the days that it begins and ends within; return whether there were any.

    Of such a day that is only known in sum all goes, for what is in a sum cannot be taken out of it.
    """
    gone = False
    for day in _edges(month, span):
        for grain in (DAYS, HOURS):
            for found in days_within(chunks, month, series, Span(day, day + DAY), grain):
                touched = (found.heads["tmax"] >= span.start) & (found.heads["tmin"] < span.before)
                for some in _apart(found.pick(touched)):
                    go_on()
                    gone = _cut(chunks, month, some, grain, span) or gone
    return gone


def _edges(month: int, span: Span) -> list[int]:
    """Return when those days of a month begin that a span covers in part."""
    begin, past = span_of(month)
    days = {at // DAY * DAY for at in span if at % DAY}
    return sorted(day for day in days if begin <= day < past)


def _apart(found: Found) -> Iterator[Found]:
    """Give those chunks that can be opened and those that are only known in sum."""
    for some in (found.pick(~found.thin), found.pick(found.thin)):
        if len(some.ids):
            yield some


def _cut(chunks: Chunks, month: int, some: Found, grain: Grain, span: Span) -> bool:
    if some.thin.any():
        chunks.change(Change(month, some, grain, some.ids[:0], some.heads[:0], [], []))
        return True
    taken, readings = opened(chunks, month, some)
    lot = np.repeat(np.arange(len(taken.ids)), taken.heads["n"])
    stays = (readings.at < span.start) | (readings.at >= span.before)
    touched = np.bincount(lot[~stays], minlength=len(taken.ids)) > 0
    if not touched.any():
        return False
    rows = stays & touched[lot]
    left, starts = np.unique(lot[rows], return_index=True)
    gone, ids = taken.pick(touched), taken.ids[left]
    if not len(ids):
        chunks.change(Change(month, gone, grain, ids, gone.heads[:0], [], []))
        return True
    at, value = readings.at[rows], readings.value[rows]
    heads, bodies = encode(at, value, starts)
    hours = summaries(at, value, starts) if grain is DAYS else [None] * len(starts)
    seal(heads, hours)
    chunks.change(Change(month, gone, grain, ids, heads, hours, bodies))
    return True

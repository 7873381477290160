"""Upkeep: slow work on what is kept, unit by unit, each one transaction: a crash between two leaves nothing half done.

A day that is over is merged: its chunks of hours become chunks of days. Old readings are thinned, leaving summaries,
or dropped, and their room is given back to the disk.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from verger.base.clock import DAY
from verger.domain.history.chunks import Change, Chunks
from verger.domain.history.codec import seal
from verger.domain.history.compaction import SLICE_ROWS, GoOn, Slice, distinct, is_over, merge, opened
from verger.domain.history.grain import DAYS, HOURS, PART_BITS, SPAN_BITS, Found, Grain, series_of
from verger.domain.history.hourly import summaries
from verger.domain.history.latest import Latest
from verger.domain.history.months import Span, first_hour, span_of

UNIT_SERIES = 128
UNIT_ROWS = 1 << 20
HEAVY_ROWS = 1 << 18
MOST_OF_HOUR = 1024
UNIT_IDS = 2048
SLICE_CHUNKS = 64
SHRINK_PAGES = 128
_LAST = (1 << 63) - 1


def due(chunks: Chunks, now: int) -> list[tuple[int, int]]:
    """Return (month, day) of the days that are over and have chunks of hours, the newest first."""
    months = reversed(chunks.files.all_months())
    return [
        (month, day) for month in months for day in sorted(chunks.open_days(month), reverse=True) if is_over(day, now)
    ]


def merge_some(chunks: Chunks, month: int, day: int, go_on: GoOn) -> bool:
    """Merge the chunks of hours of the next few series of a day; tell whether there may be more.

    Any of them may be merged by themselves, for what is there of the day already is joined.
    """
    found = _some_of(chunks, month, day)
    if not len(found.ids):
        chunks.merged(month, day)
        return False
    comes: list[Change] = []
    gone = []
    for some in _lots(found):
        go_on()
        taken, readings = opened(chunks, month, some)
        gone.append(taken)
        if len(taken.ids):
            series, lot = np.unique(np.repeat(series_of(taken.ids), taken.heads["n"]), return_inverse=True)
            keys = DAYS.keys(np.full(len(series), day), series.astype(np.uint32), month)
            comes += merge(chunks, Slice(month, DAYS, keys, *distinct(lot, readings.at, readings.value)))
    go_on()
    chunks.change(_together(month, comes, gone))
    return True


def _some_of(chunks: Chunks, month: int, day: int) -> Found:
    """Return chunks of hours of the first few series of a day, in order of (series, hour), as many as a unit has."""
    bases = [(day * 24 + hour - first_hour(month)) << SPAN_BITS for hour in range(24)]
    found = Found.of([], HOURS)
    with chunks.reading(month) as file:
        firsts = [file.after(HOURS, base, base + (1 << SPAN_BITS) - 1, 1) for base in bases]
        if begins := [int(series_of(first.ids)[0]) for first in firsts if len(first.ids)]:
            low, high = min(begins) << PART_BITS, ((min(begins) + UNIT_SERIES) << PART_BITS) - 1
            for base in bases:
                found = file.after(HOURS, base + low, base + high, MOST_OF_HOUR).also(found)
    for damage in file.wrong:
        chunks.put_apart(month, damage)
    if file.wrong:
        return _some_of(chunks, month, day)
    found = found.pick(np.lexsort((found.ids, series_of(found.ids))))
    return found.pick(slice(0, _fitting(found)))


def _fitting(found: Found) -> int:
    """Return how many chunks are a unit: whole series while they fit, a part of one only if it is heavy by itself."""
    rows = np.cumsum(found.heads["n"].astype(np.int64))
    if not len(rows) or rows[-1] <= UNIT_ROWS:
        return len(rows)
    series = series_of(found.ids)
    fits = int(np.searchsorted(rows, UNIT_ROWS, side="right"))
    whole = int(np.searchsorted(series, series[fits]))
    return whole or max(1, int(np.searchsorted(rows, HEAVY_ROWS, side="right")))


def _lots(found: Found) -> Iterator[Found]:
    """Cut chunks into lots of whole series, of about a slice each."""
    series = series_of(found.ids)
    bounds = np.append(np.flatnonzero(np.append(True, series[1:] != series[:-1])), len(series))
    rows = np.append(0, np.cumsum(found.heads["n"].astype(np.int64)))[bounds]
    begin = 0
    while begin < len(bounds) - 1:
        end = max(begin + 1, int(np.searchsorted(rows, rows[begin] + SLICE_ROWS, side="right")) - 1)
        yield found.pick(slice(bounds[begin], bounds[end]))
        begin = end


def _together(month: int, comes: Sequence[Change], gone: Sequence[Found]) -> Change:
    every = Found.of([], DAYS)
    for some in (*(change.gone for change in comes), *gone):
        every = some.also(every)
    if not comes:
        heads = every.heads[:0]
        return Change(month, every, DAYS, every.ids[:0], heads, [], [])
    return Change(
        month,
        every,
        DAYS,
        np.concatenate([change.ids for change in comes]),
        np.concatenate([change.heads for change in comes]),
        [hours for change in comes for hours in change.hours],
        [body for change in comes for body in change.bodies],
    )


def thin(chunks: Chunks, month: int, series: Sequence[int], span: Span, go_on: GoOn) -> bool:
    """Take the readings of the whole days of a span out of a month; an hour keeps its summary, a day its head.

    Return whether there were any.
    """
    gone = False
    for found in days_within(chunks, month, series, span):
        for some in _lots(found.pick(~found.thin)):
            go_on()
            taken, readings = opened(chunks, month, some)
            if not len(taken.ids):
                continue
            ends = np.cumsum(taken.heads["n"].astype(np.intp))
            hours = summaries(readings.at, readings.value, ends - taken.heads["n"], fewest=1)
            heads = taken.heads.copy()
            seal(heads, hours)
            chunks.thin(month, taken.ids, heads, hours)
            gone = True
    return gone


def drop(chunks: Chunks, month: int, series: Sequence[int], span: Span, go_on: GoOn) -> bool:
    """Remove the whole days of a span, summaries too, of some series from a month; return whether there were any."""
    gone = False
    for grain in (DAYS, HOURS):
        for found in days_within(chunks, month, series, span, grain):
            go_on()
            if len(found.ids):
                chunks.change(_together(month, [], [found]))
                gone = True
    return gone


def days_within(chunks: Chunks, month: int, series: Sequence[int], span: Span, grain: Grain = DAYS) -> Iterator[Found]:
    """Give the chunks of one grain of some series that lie in the whole days of a span and in a month."""
    begin, past = span_of(month)
    begin, end = max(-(-span.start // DAY) * DAY, begin), min(span.before // DAY * DAY, past)
    spans = np.arange(begin, end, grain.width) // grain.width
    if grain is HOURS:
        spans = spans[np.isin(spans // 24, list(chunks.open_days(month)))]
    step = max(1, UNIT_IDS // max(len(spans), 1))
    for first in range(0, len(series) if len(spans) else 0, step):
        some = np.array(series[first : first + step], np.uint32)
        keys = grain.keys(np.repeat(spans, len(some)), np.tile(some, len(spans)), month)
        with chunks.reading(month) as file:
            found = file.among(grain, keys)
        for damage in file.wrong:
            chunks.put_apart(month, damage)
        # In order of series, so that the chunks of one lie together.
        yield found.pick(np.lexsort((found.ids, series_of(found.ids))))


def verify(chunks: Chunks, month: int, go_on: GoOn) -> None:
    """Open every chunk of a month; those that are damaged are put apart and reported."""
    for grain in (DAYS, HOURS):
        first, more = 0, True
        while more:
            go_on()
            with chunks.reading(month) as file:
                found = file.after(grain, first, _LAST, SLICE_CHUNKS)
            for damage in file.wrong:
                chunks.put_apart(month, damage)
            opened(chunks, month, found.pick(~found.thin))
            more = bool(len(found.ids) or file.wrong)
            first = int(found.ids[-1]) + 1 if len(found.ids) else first


def latest_of(chunks: Chunks, month: int, latest: Latest) -> None:
    """Give the last reading of every chunk of a month."""
    for grain in (DAYS, HOURS):
        first = 0
        with chunks.reading(month) as file:
            while len((found := file.after(grain, first, _LAST, UNIT_IDS)).ids):
                first = int(found.ids[-1]) + 1
                at, value = (found.heads[name] for name in ("tmax", "vlast"))
                latest.take(series_of(found.ids).astype(np.uint32), at.astype(np.int64), value.astype(np.float64))


def shrink(chunks: Chunks, month: int, go_on: GoOn, *, most_free: float = 0.0) -> None:
    """Give the free pages of a month's file back to the disk, if more than a share, and a file that holds nothing."""
    with chunks.reading(month) as file:
        empty = file.totals() == (0, 0) and not file.apart()
    if empty:
        chunks.files.remove(month)
        return
    if not most_free or chunks.files.free_share(month) > most_free:
        while chunks.files.shrink(month, SHRINK_PAGES):
            go_on()
        # Rows that became small leave their pages half empty, which only writing the file anew mends.
        if chunks.files.loose(month):
            chunks.files.compact(month)
    chunks.files.settle(month)


def rewrite(chunks: Chunks, month: int, go_on: GoOn) -> None:
    """Write the file of a month anew, if it is there: what was deleted stays in the pages of SQLite until then."""
    go_on()
    if month in chunks.files.all_months():
        chunks.files.rewrite(month)

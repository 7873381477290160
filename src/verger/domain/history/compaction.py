"""Compaction: readings in order of arrival become chunks, merged with what is there; of equal times the first stands.

Rows are put in order of (hour or day, series, arrival) and worked on in slices, each small enough for one short
transaction. Rows of a day that goes on become chunks of hours, all others chunks of days. So that the first stands,
a day with chunks of hours takes more of those until they are merged: what is in a chunk of a day was always there
before. A new lot joins the parts of its span that it overlaps, and small neighbours: as each part it takes in is no
larger than what it has gathered, sizes grow by doubling and a reading is written again only a few times. Doing a
slice again changes nothing, so a crash between any two is healed by taking the same readings again.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import DAY, HOUR
from verger.domain.history.chunks import Change, Chunks
from verger.domain.history.codec import Damaged, decode, encode, seal
from verger.domain.history.grain import DAYS, HOURS, Found, Grain, Ids, Mask, key_of
from verger.domain.history.hot import GONE, Columns
from verger.domain.history.hourly import summaries, unpacked
from verger.domain.history.model import Readings, Times, Values
from verger.domain.history.months import hours_of, months_of
from verger.domain.history.order import by_number

DAY_GRACE = 2 * HOUR
PART_ROWS = 16_384
BAND_ROWS = 400_000
SLICE_ROWS = 65_536
SLICE_LOTS = 4096

GoOn = Callable[[], None]


class Slice(NamedTuple):
    """Some lots of one month and grain; a lot is what is new for one (hour or day, series). `lot` tells each row's.

    Rows are in order of (lot, time), each (lot, time) once.
    """

    month: int
    grain: Grain
    keys: Ids
    lot: NDArray[np.intp]
    at: Times
    value: Values

    def lots(self, begin: int, end: int) -> "Slice":
        """Return the lots from begin to end."""
        low, high = np.searchsorted(self.lot, (begin, end))
        rows = slice(low, high)
        return self._replace(
            keys=self.keys[begin:end], lot=self.lot[rows] - begin, at=self.at[rows], value=self.value[rows]
        )

    def rows(self, which: Mask) -> "Slice":
        """Return some of the rows, and the lots they are of."""
        kept, lot = np.unique(self.lot[which], return_inverse=True)
        return self._replace(keys=self.keys[kept], lot=lot, at=self.at[which], value=self.value[which])


def compact(chunks: Chunks, rows: Columns, now: int, go_on: GoOn) -> None:
    """Merge rows, in order of arrival for each series, into the chunks; `go_on` is called before each transaction."""
    changed = set()
    for each in slices(chunks, rows, now):
        chunks.mending(each.month, partial(_put, chunks, each, go_on))
        changed.add(each.month)
    for month in changed:
        chunks.files.settle(month)


def _put(chunks: Chunks, new: Slice, go_on: GoOn) -> None:
    for change in merge(chunks, new):
        go_on()
        chunks.change(change)


def is_over(day: int, now: int) -> bool:
    """Tell whether a day is over, and the time in which its last readings are waited for."""
    return (day + 1) * DAY + DAY_GRACE <= now


def slices(chunks: Chunks, rows: Columns, now: int) -> Iterator[Slice]:
    """Cut rows into slices, in order of (hour or day, series) inside bands of series."""
    for band in _bands(rows):
        yield from _slices(chunks, band, now)


def _bands(rows: Columns) -> Iterator[Columns]:
    """Cut rows by series into a few bands, so that putting them in order takes a part of the memory at a time."""
    if not len(rows.series):
        return
    step = max(1, BAND_ROWS // 1000)
    sample = np.sort(rows.series[::step])
    edges = np.unique(sample[:: -(-BAND_ROWS // step)])
    for low, high in zip([0, *edges[1:]], [*edges[1:], np.iinfo(np.uint32).max], strict=True):
        inside = (rows.series >= low) & (rows.series < high) & (rows.at != GONE)
        if inside.any():
            yield Columns(rows.series[inside], rows.at[inside], rows.value[inside])


def _slices(chunks: Chunks, rows: Columns, now: int) -> Iterator[Slice]:
    hours = hours_of(rows.at)
    coarse = _in_days(chunks, hours, now)
    # A day as its first hour, so that hours and days stand in one order.
    spans = np.where(coarse, hours // 24 * 24, hours)
    order = by_number((spans - spans.min()).astype(np.uint32), by_number(rows.series))
    spans, series, coarse = spans[order], rows.series[order], coarse[order]
    starts = np.flatnonzero(np.append(True, (spans[1:] != spans[:-1]) | (series[1:] != series[:-1])))
    spans, series, coarse = spans[starts], series[starts], coarse[starts]
    months = months_of(spans)
    kinds = np.append(0, np.cumsum((months[1:] != months[:-1]) | (coarse[1:] != coarse[:-1])))
    bounds = np.append(starts, len(order))
    for begin, end in _cuts(bounds, kinds):
        places = order[bounds[begin] : bounds[end]]
        lot = np.repeat(np.arange(end - begin), np.diff(bounds[begin : end + 1]))
        month, grain = int(months[begin]), DAYS if coarse[begin] else HOURS
        keys = grain.keys(spans[begin:end] // (grain.width // HOUR), series[begin:end], month)
        yield Slice(month, grain, keys, *distinct(lot, rows.at[places], rows.value[places]))


def _in_days(chunks: Chunks, hours: NDArray[np.int64], now: int) -> Mask:
    """Tell of each row whether it goes to a chunk of its day rather than of its hour."""
    days, which = np.unique(hours // 24, return_inverse=True)
    months = months_of(days * 24).tolist()
    coarse = [
        (is_over(day, now) or day * DAY > now + DAY) and day not in chunks.open_days(month)
        for day, month in zip(days.tolist(), months, strict=True)
    ]
    return np.array(coarse)[which]


def merge(chunks: Chunks, new: Slice) -> Iterator[Change]:
    """Give the changes after which the chunks hold a slice too; none where they hold all of it already."""
    there = _there(chunks, new)
    standing = there.ids
    if there.thin.any():
        had = len(new.at)
        new = _unsummarised(new, there.pick(there.thin))
        chunks.late += had - len(new.at)
        there = there.pick(~there.thin & np.isin(key_of(there.ids), new.keys))
    if not len(new.keys):
        return
    of_lot = np.searchsorted(new.keys, key_of(there.ids))
    wanted = _wanted(new, there, of_lot)
    rows = np.bincount(new.lot) + np.bincount(of_lot[wanted], there.heads["n"][wanted], len(new.keys)).astype(np.intp)
    # Parts to be merged with may be far larger than what is new, so the slice is cut again by what has to be opened.
    for begin, end in _cuts(np.append(0, np.cumsum(rows)), np.zeros(len(rows), np.int64)):
        here = (of_lot >= begin) & (of_lot < end)
        taken, old = opened(chunks, new.month, there.pick(here & wanted))
        change = _merged(new.lots(begin, end), taken, old, standing)
        if change is not None:
            yield change


def _there(chunks: Chunks, new: Slice) -> Found:
    """Return all parts that are there of the lots of a slice; those with a damaged head are put apart."""
    with chunks.reading(new.month) as file:
        there = file.among(new.grain, new.keys)
    for damage in file.wrong:
        chunks.put_apart(new.month, damage)
    return there


def _unsummarised(new: Slice, thin: Found) -> Slice:
    """Leave out what falls in hours of which only the summary is left: whether that has it cannot be told."""
    known = unpacked(thin.hours.tolist())["n"] > 0
    closed = (key_of(thin.ids)[:, None] + np.arange(24))[known]
    # The low bits of a key are free, so the hour of the day stands there.
    return new.rows(~np.isin(new.keys[new.lot] + hours_of(new.at) % 24, closed))


def _merged(new: Slice, taken: Found, old: Readings, standing: Ids) -> Change | None:
    """Return the change that puts new rows and those of the parts taken together, if that are more than there were."""
    lot, at, value = new.lot, new.at, new.value
    old_lot = np.searchsorted(new.keys, key_of(taken.ids))
    if len(old):
        rows = np.append(np.repeat(old_lot, taken.heads["n"]), lot)
        lot, at, value = distinct(rows, np.append(old.at, at), np.append(old.value, value))
    had = np.bincount(old_lot, taken.heads["n"], len(new.keys)).astype(np.intp)
    grown = np.bincount(lot, minlength=len(new.keys)) != had
    if not grown.any():
        return None
    if not grown.all():
        keep = grown[lot]
        lot, at, value = lot[keep], at[keep], value[keep]
    gone = taken.pick(grown[old_lot])
    starts, ids = _parts(lot, new.keys, standing[~np.isin(standing, gone.ids)])
    heads, bodies = encode(at, value, starts)
    hours = summaries(at, value, starts) if new.grain is DAYS else [None] * len(starts)
    seal(heads, hours)
    return Change(new.month, gone, new.grain, ids, heads, hours, bodies)


def _cuts(bounds: NDArray[np.intp], months: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    begin, count = 0, len(months)
    while begin < count:
        by_rows = int(np.searchsorted(bounds, bounds[begin] + SLICE_ROWS, side="right")) - 1
        by_month = int(np.searchsorted(months, months[begin], side="right"))
        end = max(begin + 1, min(by_rows, begin + SLICE_LOTS, by_month))
        yield begin, end
        begin = end


def distinct(lot: NDArray[np.intp], at: Times, value: Values) -> tuple[NDArray[np.intp], Times, Values]:
    """Return rows in order of (lot, time), each once: the first of those that are equal."""
    after = (at[1:] > at[:-1]) | (lot[1:] != lot[:-1])
    if after.all() and (lot[1:] >= lot[:-1]).all():
        return lot, at, value
    order = np.lexsort((at, lot))
    lot, at = lot[order], at[order]
    first = np.append(True, (at[1:] != at[:-1]) | (lot[1:] != lot[:-1]))
    return lot[first], at[first], value[order[first]]


def _wanted(new: Slice, there: Found, of_lot: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which parts each lot has to be merged with."""
    wanted = np.zeros(len(there.ids), np.bool_)
    bounds = np.searchsorted(new.lot, np.arange(len(new.keys) + 1))
    begins = np.flatnonzero(np.append(True, of_lot[1:] != of_lot[:-1]))[: len(of_lot)].tolist()
    for begin, end in zip(begins, [*begins[1:], len(of_lot)], strict=False):
        low, high = bounds[of_lot[begin]], bounds[of_lot[begin] + 1]
        heads = there.heads[begin:end]
        order = np.argsort(heads["tmin"], kind="stable")
        spans = heads["tmin"][order].tolist(), heads["tmax"][order].tolist(), heads["n"][order].tolist()
        first, last = _neighbours(*spans, (int(new.at[low]), int(new.at[high - 1]), int(high - low)))
        wanted[begin + order[first:last]] = True
    return wanted


def _neighbours(tmin: list[int], tmax: list[int], n: list[int], new: tuple[int, int, int]) -> tuple[int, int]:
    """Return the range of parts, in order of time, that (first time, last time, rows) is to be merged with."""
    low, high, size = new
    first = sum(end < low for end in tmax)
    last = max(first, sum(begin <= high for begin in tmin))
    size += sum(n[first:last])
    while True:
        if first > 0 and n[first - 1] <= size <= PART_ROWS - n[first - 1]:
            first -= 1
            size += n[first]
        elif last < len(n) and n[last] <= size <= PART_ROWS - n[last]:
            size += n[last]
            last += 1
        else:
            return first, last


def opened(chunks: Chunks, month: int, wanted: Found) -> tuple[Found, Readings]:
    """Return the readings of some chunks, and which those are: damaged ones are put apart and left out."""
    if not len(wanted.ids):
        return wanted, Readings(np.empty(0, np.int64), np.empty(0, np.float64))
    with chunks.reading(month) as file:
        bodies = file.bodies(wanted)
    try:
        return wanted, decode(wanted.heads, bodies)
    except Damaged as damaged:
        chunks.put_apart(month, file.damage(wanted, damaged.which, damaged.reason))
        return opened(chunks, month, wanted.pick(np.arange(len(wanted.ids)) != damaged.which))


def _parts(lot: NDArray[np.intp], keys: Ids, staying: Ids) -> tuple[NDArray[np.intp], Ids]:
    """Return where each part begins, none larger than PART_ROWS, and an id for each that is not taken."""
    begins = np.flatnonzero(np.append(True, lot[1:] != lot[:-1]))
    lengths = np.diff(begins, append=len(lot))
    pieces = -(-lengths // PART_ROWS)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(begins, pieces) + number * np.repeat(-(-lengths // pieces), pieces)
    ids = keys[lot[starts]] + number
    taken = set(staying.tolist())
    if taken:
        ids = np.array([_free(each, taken) for each in ids.tolist()], np.int64)
    return starts, ids


def _free(wanted: int, taken: set[int]) -> int:
    while wanted in taken:
        wanted += 1
    taken.add(wanted)
    return wanted

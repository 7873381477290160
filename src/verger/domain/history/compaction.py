"""Compaction: readings in order of arrival become chunks, merged with what is there; of equal times the first stands.

Rows are put in order of (hour, series, arrival) and worked on in slices, each small enough for one short transaction.
A new lot joins the parts of its hour that it overlaps, and small neighbours: as each part it takes in is no larger
than what it has gathered, sizes grow by doubling and a reading is written again only a few times. Doing a slice again
changes nothing, so a crash between any two is healed by taking the same readings again.
"""

import sqlite3
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from verger.domain.history.chunks import Change, Chunks, Found, Ids, Month, key_of, keys_of
from verger.domain.history.codec import Damaged, decode, encode
from verger.domain.history.files import is_damage
from verger.domain.history.hot import GONE, Columns
from verger.domain.history.model import Damage, Readings, Times, Values
from verger.domain.history.months import hours_of, months_of
from verger.domain.history.order import by_number

PART_ROWS = 8192
BAND_ROWS = 400_000
SLICE_ROWS = 65_536
SLICE_LOTS = 4096

Report = Callable[[Damage], None]


class Slice(NamedTuple):
    """Some lots of one month; a lot is what is new for one (hour, series). `lot` tells for each row which it is of.

    Rows are in order of (lot, time), each (lot, time) once.
    """

    month: int
    keys: Ids
    lot: NDArray[np.intp]
    at: Times
    value: Values

    def lots(self, begin: int, end: int) -> "Slice":
        """Return the lots from begin to end."""
        low, high = np.searchsorted(self.lot, (begin, end))
        return Slice(
            self.month, self.keys[begin:end], self.lot[low:high] - begin, self.at[low:high], self.value[low:high]
        )


def compact(chunks: Chunks, rows: Columns, report: Report, go_on: Callable[[], None]) -> None:
    """Merge rows, in order of arrival for each series, into the chunks; `go_on` is called before each transaction."""
    changed = set()
    for each in slices(rows):
        try:
            _put(chunks, each, report, go_on)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            report(Damage(chunks.files.set_aside(each.month), str(error)))
            _put(chunks, each, report, go_on)
        changed.add(each.month)
    for month in changed:
        chunks.files.settle(month)


def _put(chunks: Chunks, new: Slice, report: Report, go_on: Callable[[], None]) -> None:
    for change in merge(chunks, new, report):
        go_on()
        chunks.change(change)


def slices(rows: Columns) -> Iterator[Slice]:
    """Cut rows into slices, in order of (hour, series) inside bands of series."""
    for band in _bands(rows):
        yield from _slices(band)


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


def _slices(rows: Columns) -> Iterator[Slice]:
    hours = hours_of(rows.at)
    order = by_number((hours - hours.min()).astype(np.uint32), by_number(rows.series))
    hours, series = hours[order], rows.series[order]
    starts = np.flatnonzero(np.append(True, (hours[1:] != hours[:-1]) | (series[1:] != series[:-1])))
    hours, series = hours[starts], series[starts]
    months = months_of(hours)
    bounds = np.append(starts, len(order))
    for begin, end in _cuts(bounds, months):
        places = order[bounds[begin] : bounds[end]]
        lot = np.repeat(np.arange(end - begin), np.diff(bounds[begin : end + 1]))
        month = int(months[begin])
        keys = keys_of(hours[begin:end], series[begin:end], month)
        yield Slice(month, keys, *_distinct(lot, rows.at[places], rows.value[places]))


def merge(chunks: Chunks, new: Slice, report: Report) -> Iterator[Change]:
    """Give the changes after which the chunks hold a slice too; none where they hold all of it already."""
    with chunks.reading(new.month) as month:
        there = month.among(new.keys)
    of_lot = np.searchsorted(new.keys, key_of(there.ids))
    wanted = _wanted(new, there, of_lot)
    rows = np.bincount(new.lot) + np.bincount(of_lot[wanted], there.heads["n"][wanted], len(new.keys)).astype(np.intp)
    # Parts to be merged with may be far larger than what is new, so the slice is cut again by what has to be opened.
    for begin, end in _cuts(np.append(0, np.cumsum(rows)), np.zeros(len(rows), np.int64)):
        here = (of_lot >= begin) & (of_lot < end)
        with chunks.reading(new.month) as month:
            taken, old = _read(month, there.pick(here & wanted), report)
        change = _merged(new.lots(begin, end), taken, old, there.ids[here])
        if change is not None:
            yield change


def _merged(new: Slice, taken: Found, old: Readings, there: Ids) -> Change | None:
    """Return the change that puts new rows and those of the parts taken together, if that are more than there were."""
    lot, at, value = new.lot, new.at, new.value
    old_lot = np.searchsorted(new.keys, key_of(taken.ids))
    if len(old):
        rows = np.append(np.repeat(old_lot, taken.heads["n"]), lot)
        lot, at, value = _distinct(rows, np.append(old.at, at), np.append(old.value, value))
    had = np.bincount(old_lot, taken.heads["n"], len(new.keys)).astype(np.intp)
    grown = np.bincount(lot, minlength=len(new.keys)) != had
    if not grown.any():
        return None
    if not grown.all():
        keep = grown[lot]
        lot, at, value = lot[keep], at[keep], value[keep]
    gone = taken.pick(grown[old_lot])
    starts, ids = _parts(lot, new.keys, there[~np.isin(there, gone.ids)])
    return Change(new.month, gone, ids, *encode(at, value, starts))


def _cuts(bounds: NDArray[np.intp], months: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    begin, count = 0, len(months)
    while begin < count:
        by_rows = int(np.searchsorted(bounds, bounds[begin] + SLICE_ROWS, side="right")) - 1
        by_month = int(np.searchsorted(months, months[begin], side="right"))
        end = max(begin + 1, min(by_rows, begin + SLICE_LOTS, by_month))
        yield begin, end
        begin = end


def _distinct(lot: NDArray[np.intp], at: Times, value: Values) -> tuple[NDArray[np.intp], Times, Values]:
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


def _read(month: Month, wanted: Found, report: Report) -> tuple[Found, Readings]:
    """Return the readings of the wanted parts, and which those are: damaged ones are reported and left as they are."""
    if not len(wanted.ids):
        return wanted, Readings(np.empty(0, np.int64), np.empty(0, np.float64))
    bodies = month.bodies(wanted.ids)
    try:
        return wanted, decode(wanted.heads, bodies)
    except Damaged as damaged:
        report(month.damage(int(wanted.ids[damaged.which]), damaged.reason))
        return _read(month, wanted.pick(np.arange(len(wanted.ids)) != damaged.which), report)


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

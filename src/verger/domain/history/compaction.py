"""Compaction: readings in order of arrival become chunks, merged with what is there; of equal times the first stands.

Rows are put in order of (hour, series, arrival) and worked on in slices, each small enough for one short transaction.
A new lot joins the parts of its hour that it overlaps, and small neighbours: as each part it takes in is no larger
than what it has gathered, sizes grow by doubling and a reading is written again only a few times. Doing a slice again
changes nothing, so a crash between any two is healed by taking the same readings again.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from verger.domain.history.chunks import Change, Chunks, Found, Ids, Month, key_of, keys_of
from verger.domain.history.codec import Damaged, decode, encode
from verger.domain.history.hot import GONE, Columns
from verger.domain.history.model import Damage, Readings, Times, Values
from verger.domain.history.months import hours_of, months_of
from verger.domain.history.order import by_number

PART_ROWS = 8192
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


def compact(chunks: Chunks, rows: Columns, report: Report, go_on: Callable[[], None]) -> None:
    """Merge rows, in order of arrival for each series, into the chunks; `go_on` is called before each transaction."""
    changed = set()
    for each in slices(rows):
        change = merge(chunks, each, report)
        if change is not None:
            go_on()
            chunks.change(change)
            changed.add(change.month)
    for month in changed:
        chunks.settle(month)


def slices(rows: Columns) -> Iterator[Slice]:
    """Cut rows into slices in order of (hour, series)."""
    if (rows.at == GONE).any():
        there = rows.at != GONE
        rows = Columns(rows.series[there], rows.at[there], rows.value[there])
    if not len(rows.at):
        return
    hours = hours_of(rows.at)
    base = hours.min()
    order = by_number((hours - base).astype(np.uint32), by_number(rows.series))
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


def merge(chunks: Chunks, new: Slice, report: Report) -> Change | None:
    """Return what has to change so that the chunks hold a slice too; None if they hold all of it already."""
    with chunks.reading(new.month) as month:
        there = month.among(new.keys)
        taken, old = _read(month, there.pick(_wanted(new, there)), report)
    old_lot = np.searchsorted(new.keys, key_of(taken.ids))
    rows = np.append(np.repeat(old_lot, taken.heads["n"]), new.lot)
    lot, at, value = (
        _distinct(rows, np.append(old.at, new.at), np.append(old.value, new.value)) if len(old) else new[2:]
    )
    had = np.bincount(old_lot, taken.heads["n"], len(new.keys)).astype(np.intp)
    grown = np.bincount(lot, minlength=len(new.keys)) != had
    if not grown.any():
        return None
    if not grown.all():
        keep = grown[lot]
        lot, at, value = lot[keep], at[keep], value[keep]
    gone = taken.pick(grown[old_lot])
    starts, ids = _parts(lot, new.keys, there.ids[~np.isin(there.ids, gone.ids)])
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


def _wanted(new: Slice, there: Found) -> NDArray[np.intp]:
    """Return which parts each lot has to be merged with."""
    if not len(there.ids):
        return np.empty(0, np.intp)
    bounds = np.searchsorted(new.lot, np.arange(len(new.keys) + 1))
    of_lot = np.searchsorted(new.keys, key_of(there.ids))
    edges = np.flatnonzero(np.append(True, of_lot[1:] != of_lot[:-1]))
    chosen: list[int] = []
    for begin, end in zip(edges.tolist(), [*edges[1:].tolist(), len(of_lot)], strict=True):
        low, high = bounds[of_lot[begin]], bounds[of_lot[begin] + 1]
        heads = there.heads[begin:end]
        order = np.argsort(heads["tmin"], kind="stable")
        spans = heads["tmin"][order].tolist(), heads["tmax"][order].tolist(), heads["n"][order].tolist()
        first, last = _neighbours(*spans, (int(new.at[low]), int(new.at[high - 1]), int(high - low)))
        chosen += (begin + order[first:last]).tolist()
    return np.array(sorted(chosen), np.intp)


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

"""The hot buffer: readings in memory in order of arrival, until they go to chunks.

Rows come into a small tail as they arrive. A full tail is put in order of series, stable, and becomes a run of the
block; so one series is found in each run by bisection, and a few runs are searched in microseconds. Written rows of a
block never change (but for `forget`), and a full block is replaced, not moved: a view stays right while rows come in.
"""

import mmap
from typing import NamedTuple

import numpy as np

from verger.domain.history.model import Readings, Series, Times, Values
from verger.domain.history.order import by_number

ROW_BYTES = 20
MOST_LOOSE = 65_536
GONE = np.iinfo(np.int64).min


class Columns(NamedTuple):
    """Rows as columns of equal length: uint32, int64 microseconds, float64."""

    series: Series
    at: Times
    value: Values

    @staticmethod
    def empty(rows: int) -> "Columns":
        """Return room for some rows; the memory is taken only as they are written, and given back at the end."""
        # Mapped, for what the allocator takes for arrays of this size it keeps.
        memory = mmap.mmap(-1, rows * ROW_BYTES)
        return Columns(
            np.frombuffer(memory, np.uint32, rows, 16 * rows),
            np.frombuffer(memory, np.int64, rows, 0),
            np.frombuffer(memory, np.float64, rows, 8 * rows),
        )

    def put(self, begin: int, rows: "Columns") -> None:
        """Write rows from a place on."""
        end = begin + len(rows.series)
        self.series[begin:end] = rows.series
        self.at[begin:end] = rows.at
        self.value[begin:end] = rows.value

    def part(self, begin: int, end: int) -> "Columns":
        """Return the rows from begin to end, not copied."""
        return Columns(self.series[begin:end], self.at[begin:end], self.value[begin:end])


class View(NamedTuple):
    """What a hot buffer held at one moment; safe to read in another thread."""

    block: Columns
    ends: tuple[int, ...]
    tail: Columns

    def of(self, series: int) -> Readings:
        """Return the readings of one series in order of arrival."""
        runs, loose = self.runs_of(series), self.tail.series == series
        at = np.concatenate([*(self.block.at[run] for run in runs), self.tail.at[loose]])
        value = np.concatenate([*(self.block.value[run] for run in runs), self.tail.value[loose]])
        there = at != GONE
        return Readings(at, value) if there.all() else Readings(at[there], value[there])

    def runs_of(self, series: int) -> list["slice[int, int, None]"]:
        """Return where in the block the readings of one series stand, run by run."""
        wanted = np.array((series, series + 1), np.uint32)
        found = []
        begin = 0
        for end in self.ends:
            low, high = self.block.series[begin:end].searchsorted(wanted).tolist()
            if low < high:
                found.append(slice(begin + low, begin + high))
            begin = end
        return found


class Hot:
    """A hot buffer for about `room` rows; it takes more than that, if it must, and `full` tells."""

    def __init__(self, room: int) -> None:
        loose = max(1, min(MOST_LOOSE, room // 8))
        self._room = max(room - loose, loose)
        self._block = Columns.empty(self._room)
        self._ends: tuple[int, ...] = ()
        self._tail = Columns.empty(loose)
        self._loose = 0
        self.opened: int | None = None

    def __len__(self) -> int:
        """Return the rows held."""
        return self._sealed + self._loose

    @property
    def full(self) -> bool:
        """Tell whether no more fits than a last tail."""
        return self._sealed + len(self._tail.series) > self._room

    @property
    def bytes(self) -> int:
        """Return the bytes in use."""
        return ROW_BYTES * (self._sealed + len(self._tail.series))

    def take(self, rows: Columns, now: int) -> None:
        """Take rows in order of arrival, at a time."""
        if self.opened is None:
            self.opened = now
        count, done = len(rows.series), 0
        while done < count:
            free = len(self._tail.series) - self._loose
            step = min(free, count - done)
            self._tail.put(self._loose, rows.part(done, done + step))
            self._loose += step
            done += step
            if step == free:
                self.seal()

    def seal(self) -> None:
        """Put what is loose in order, as a run of its own."""
        if not self._loose:
            return
        rows = self._tail.part(0, self._loose)
        order = by_number(rows.series)
        begin, end = self._sealed, self._sealed + self._loose
        self._make_room(end)
        self._block.put(begin, Columns(rows.series[order], rows.at[order], rows.value[order]))
        self._ends = (*self._ends, end)
        # A view may still read the old tail.
        self._tail = Columns.empty(len(self._tail.series))
        self._loose = 0

    def view(self) -> View:
        """Return what is held now."""
        return View(self._block, self._ends, self._tail.part(0, self._loose))

    def rows(self) -> Columns:
        """Return all rows of a sealed buffer, run after run; those that were forgotten stand at the time GONE."""
        return self._block.part(0, self._sealed)

    def forget(self, series: int) -> None:
        """Drop every reading of one series."""
        view = self.view()
        for place in view.runs_of(series):
            self._block.at[place] = GONE
        view.tail.at[view.tail.series == series] = GONE

    @property
    def _sealed(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _make_room(self, rows: int) -> None:
        if rows > len(self._block.series):
            wider = Columns.empty(rows + rows // 4)
            wider.put(0, self.rows())
            self._block = wider

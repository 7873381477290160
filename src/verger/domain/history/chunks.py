"""Chunks on disk: SQLite files, one a month, keyed by hour in the month, series, part.

All parts of one (hour, series) lie in one file and change in one transaction; their spans of time do not overlap,
unless one of them is damaged. One thread writes; any thread reads, each time a consistent state of one file.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from verger.base.clock import HOUR
from verger.domain.history.codec import HEAD, Heads
from verger.domain.history.files import Files
from verger.domain.history.model import Damage
from verger.domain.history.months import first_hour, name_of

Ids = NDArray[np.int64]

PART_BITS = 16
_HOUR_BITS = 48
_BY_HOUR = """
WITH RECURSIVE hour(id) AS (VALUES (:first) UNION ALL SELECT id + :step FROM hour WHERE id < :last)
SELECT chunk.id, chunk.head FROM hour CROSS JOIN chunk ON chunk.id BETWEEN hour.id AND hour.id + :parts
"""
_BY_KEY = """
SELECT chunk.id, chunk.head FROM json_each(?) AS key
CROSS JOIN chunk ON chunk.id BETWEEN key.value AND key.value + ?
"""
_BODIES = "SELECT chunk.body FROM json_each(?) AS wanted CROSS JOIN chunk ON chunk.id = wanted.value"


def keys_of(hours: NDArray[np.int64], series: NDArray[np.uint32], month: int) -> Ids:
    """Return the ids of part 0 of each (hour, series), all of one month."""
    return (hours - first_hour(month)) << _HOUR_BITS | series.astype(np.int64) << PART_BITS


def key_of(ids: Ids) -> Ids:
    """Return the ids of part 0 of the same (hour, series)."""
    return ids >> PART_BITS << PART_BITS


class Found(NamedTuple):
    """Chunks in a file, without their bodies; of equal length."""

    ids: Ids
    heads: Heads

    def pick(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Found":
        """Return some of them."""
        return Found(self.ids[which], self.heads[which])

    def touching(self, start: int, end: int) -> "Found":
        """Return those that touch start <= time < end, in order of time."""
        tmin, tmax = self.heads["tmin"], self.heads["tmax"]
        inside = (tmax >= start) & (tmin < end)
        found = self if inside.all() else self.pick(inside)
        tmin = found.heads["tmin"]
        return found if (tmin[1:] > tmin[:-1]).all() else found.pick(np.argsort(tmin, kind="stable"))


class Month:
    """One consistent state of the file of one month."""

    def __init__(self, connection: sqlite3.Connection, month: int) -> None:
        self._connection = connection
        self.month = month

    def found(self, series: int, start: int, end: int) -> Found:
        """Return the chunks of a series that touch start <= time < end, in order of time."""
        begin = first_hour(self.month)
        first = max(start // HOUR, begin)
        last = min(-(-end // HOUR), first_hour(self.month + 1)) - 1
        if first > last:
            return _found([])
        base = series << PART_BITS
        bounds = {"first": (first - begin) << _HOUR_BITS | base, "last": (last - begin) << _HOUR_BITS | base}
        step = {"step": 1 << _HOUR_BITS, "parts": (1 << PART_BITS) - 1}
        return _found(self._connection.execute(_BY_HOUR, bounds | step).fetchall()).touching(start, end)

    def among(self, keys: Ids) -> Found:
        """Return all parts of some (hour, series), in order of id when the keys are."""
        rows = self._connection.execute(_BY_KEY, (_listed(keys), (1 << PART_BITS) - 1)).fetchall()
        return _found(rows)

    def bodies(self, ids: Ids) -> list[bytes]:
        """Return the bodies of chunks that were found, in the order asked."""
        return [body for (body,) in self._connection.execute(_BODIES, (_listed(ids),))]

    def totals(self) -> tuple[int, int]:
        """Return how many chunks and readings the file holds."""
        chunks, readings = self._connection.execute("SELECT chunks, readings FROM total").fetchone()
        return chunks, readings

    def damage(self, chunk: int, reason: str) -> Damage:
        """Return what to say of a chunk that cannot be read."""
        hour = (chunk >> _HOUR_BITS) + first_hour(self.month)
        series = chunk >> PART_BITS & 0xFFFF_FFFF
        return Damage(f"{name_of(self.month)}.db", reason, series, hour, chunk & 0xFFFF)


class Change(NamedTuple):
    """What one transaction does to the file of one month: chunks that go, and chunks that come."""

    month: int
    gone: Found
    ids: Ids
    heads: Heads
    bodies: Sequence[bytes]


class Chunks:
    """The chunks of all months."""

    def __init__(self, folder: Path) -> None:
        self.files = Files(folder)
        self._totals: dict[int, tuple[int, int]] = {}
        self._changes = 0

    @contextmanager
    def reading(self, month: int) -> Iterator[Month]:
        """Give one consistent state of the file of a month."""
        with self.files.lent(month) as connection:
            connection.execute("BEGIN")
            yield Month(connection, month)

    def change(self, change: Change) -> None:
        """Do all of one change, or raise with nothing of it done; on disk when it returns."""
        more = len(change.ids) - len(change.gone.ids), int(change.heads["n"].sum()) - int(change.gone.heads["n"].sum())
        gone = ((each,) for each in change.gone.ids.tolist())
        heads = [head.tobytes() for head in change.heads]
        with self.files.lent(change.month) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM chunk WHERE id = ?", gone)
            rows = zip(change.ids.tolist(), heads, change.bodies, strict=True)
            connection.executemany("INSERT INTO chunk VALUES (?, ?, ?)", rows)
            connection.execute("UPDATE total SET chunks = chunks + ?, readings = readings + ?", more)
            connection.execute("COMMIT")
        self._changes += 1
        self._totals.pop(change.month, None)

    def totals(self, month: int) -> tuple[int, int]:
        """Return how many chunks and readings a month holds; asked of the file only after a change."""
        known, before = self._totals.get(month), self._changes
        if known is None:
            with self.reading(month) as file:
                known = file.totals()
            if before == self._changes:
                self._totals[month] = known
        return known

    def erase(self, month: int, series: Sequence[int]) -> None:
        """Remove every chunk of some series in a month, one transaction for each."""
        span = first_hour(month) * HOUR, first_hour(month + 1) * HOUR
        for number in series:
            with self.reading(month) as file:
                found = file.found(number, *span)
            if len(found.ids):
                self.change(Change(month, found, *_found([]), []))


def _found(rows: list[tuple[int, bytes]]) -> Found:
    ids = np.array([row[0] for row in rows], np.int64)
    return Found(ids, np.frombuffer(b"".join([row[1] for row in rows]), HEAD))


def _listed(ids: Ids) -> str:
    return msgspec.json.encode(ids.tolist()).decode()

"""Chunks on disk: SQLite files, one a month, keyed by hour in the month, series, part.

All parts of one (hour, series) lie in one file and change in one transaction; their spans of time do not overlap,
unless one of them is damaged. One thread writes; any thread reads, each time a consistent state of one file.
"""

import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from verger.base.clock import HOUR
from verger.domain.history.codec import HEAD, Heads
from verger.domain.history.model import Damage
from verger.domain.history.months import first_hour, month_named, month_of, name_of

Ids = NDArray[np.int64]

PART_BITS = 16
_HOUR_BITS = 48
_MOST_IDLE = 32
_PATIENCE_S = 30
_SCHEMA = """
CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS total
    (id INTEGER PRIMARY KEY CHECK (id = 1), chunks INTEGER NOT NULL, readings INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0, 0);
"""
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
    """The folder of month files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        named = (re.fullmatch(r"(\d{4}-\d\d)\.db", path.name) for path in folder.iterdir())
        self._months = {month_named(match[1]) for match in named if match}
        self._idle: list[tuple[int, sqlite3.Connection]] = []
        self._lock = threading.Lock()

    def months(self, start: int, end: int) -> list[int]:
        """Return the months that have a file and touch start <= time < end, in order."""
        if start >= end:
            return []
        first, last = month_of(start), month_of(end - 1)
        return sorted(month for month in self._months if first <= month <= last)

    def all_months(self) -> list[int]:
        """Return the months that have a file, in order."""
        return sorted(self._months)

    @contextmanager
    def reading(self, month: int) -> Iterator[Month]:
        """Give one consistent state of the file of a month that has one."""
        connection = self._borrow(month)
        connection.execute("BEGIN")
        try:
            yield Month(connection, month)
        finally:
            connection.execute("ROLLBACK")
            self._give_back(month, connection)

    def change(self, change: Change) -> None:
        """Do all of one change, or raise with nothing of it done; on disk when it returns."""
        connection = self._borrow(change.month)
        chunks = len(change.ids) - len(change.gone.ids)
        readings = int(change.heads["n"].sum()) - int(change.gone.heads["n"].sum())
        heads = [head.tobytes() for head in change.heads]
        try:
            with _transaction(connection):
                connection.executemany("DELETE FROM chunk WHERE id = ?", ((i,) for i in change.gone.ids.tolist()))
                rows = zip(change.ids.tolist(), heads, change.bodies, strict=True)
                connection.executemany("INSERT INTO chunk VALUES (?, ?, ?)", rows)
                connection.execute("UPDATE total SET chunks = chunks + ?, readings = readings + ?", (chunks, readings))
        finally:
            self._give_back(change.month, connection)

    def settle(self, month: int) -> None:
        """Move what was written of a month into its file proper, unless somebody is reading; it is safe anyway."""
        connection = self._borrow(month)
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000}")
            self._give_back(month, connection)

    def erase(self, series: Sequence[int]) -> None:
        """Remove every chunk of some series, one transaction a month and series."""
        for month in self.all_months():
            span = first_hour(month) * HOUR, first_hour(month + 1) * HOUR
            for number in series:
                with self.reading(month) as file:
                    found = file.found(number, *span)
                if len(found.ids):
                    self.change(Change(month, found, *_found([]), []))

    def totals(self) -> tuple[int, int, int]:
        """Return how many chunks and readings there are, and the bytes of the files."""
        chunks = readings = size = 0
        for month in self.all_months():
            with self.reading(month) as file:
                more = file.totals()
            chunks, readings = chunks + more[0], readings + more[1]
            size += sum(path.stat().st_size for path in self._folder.glob(f"{name_of(month)}.db*"))
        return chunks, readings, size

    def close(self) -> None:
        """Close every connection; nobody may be reading."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()

    def _borrow(self, month: int) -> sqlite3.Connection:
        with self._lock:
            for place, (of, connection) in enumerate(self._idle):
                if of == month:
                    del self._idle[place]
                    return connection
        return self._connect(month)

    def _give_back(self, month: int, connection: sqlite3.Connection) -> None:
        with self._lock:
            self._idle.append((month, connection))
            surplus = self._idle.pop(0)[1] if len(self._idle) > _MOST_IDLE else None
        if surplus is not None:
            surplus.close()

    def _connect(self, month: int) -> sqlite3.Connection:
        path = self._folder / f"{name_of(month)}.db"
        connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
        # Several chunks to a page: with 4 KiB a quarter of the file stays empty.
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if month not in self._months or not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.executescript(_SCHEMA)
            _sync_folder(self._folder)
            self._months = self._months | {month}
        return connection


def _found(rows: list[tuple[int, bytes]]) -> Found:
    ids = np.array([row[0] for row in rows], np.int64)
    return Found(ids, np.frombuffer(b"".join([row[1] for row in rows]), HEAD))


def _listed(ids: Ids) -> str:
    return msgspec.json.encode(ids.tolist()).decode()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""The SQLite files, one a month: connections lent to one thread at a time, damaged files set aside."""

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from verger.domain.history.months import month_named, month_of, name_of

_MOST_IDLE = 24
_PATIENCE_S = 30
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS total
    (id INTEGER PRIMARY KEY CHECK (id = 1), chunks INTEGER NOT NULL, readings INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0, 0);
COMMIT;
"""


class _Key(NamedTuple):
    """A month, and how often its file was set aside before."""

    month: int
    era: int


class Files:
    """The folder of month files; a file is made when a connection to it is first lent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        named = (re.fullmatch(r"(\d{4}-\d\d)\.db", path.name) for path in folder.iterdir())
        self._months = frozenset(month_named(match[1]) for match in named if match)
        self._eras: dict[int, int] = {}
        self._idle: list[tuple[_Key, sqlite3.Connection]] = []
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

    def aside(self) -> list[str]:
        """Return the names of the files that were set aside."""
        return sorted(path.name for path in self._folder.glob("*.db.damaged-?"))

    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    @contextmanager
    def lent(self, month: int) -> Iterator[sqlite3.Connection]:
        """Lend a connection; a transaction that is left open is rolled back."""
        key, connection = self._borrow(month)
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        finally:
            self._take_back(key, connection)

    def settle(self, month: int) -> None:
        """Move what was written of a month into its file proper, unless somebody is reading; it is safe anyway."""
        with self.lent(month) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000}")

    def set_aside(self, month: int) -> str:
        """Rename the file of a month, so that a new one takes its place; return its new name."""
        with self._lock:
            self._eras[month] = self._eras.get(month, 0) + 1
            for key, connection in [*self._idle]:
                if key.month == month:
                    connection.close()
                    self._idle.remove((key, connection))
        old = name_of(month) + ".db"
        new = next(name for n in range(1000) if not (self._folder / (name := f"{old}.damaged-{n}")).exists())
        for end in ("", "-wal", "-shm"):
            if (self._folder / (old + end)).exists():
                (self._folder / (old + end)).rename(self._folder / (new + end))
        self._months -= {month}
        sync_folder(self._folder)
        return new

    def close(self) -> None:
        """Close every connection; none may be lent."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()

    def _borrow(self, month: int) -> tuple[_Key, sqlite3.Connection]:
        with self._lock:
            key = _Key(month, self._eras.get(month, 0))
            for place, (of, connection) in enumerate(self._idle):
                if of == key:
                    del self._idle[place]
                    return key, connection
        return key, self._connect(month)

    def _take_back(self, key: _Key, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.ProgrammingError:
            return  # it was closed, as it failed
        surplus = [connection]
        with self._lock:
            if key.era == self._eras.get(key.month, 0):
                self._idle.append((key, connection))
                surplus = [self._idle.pop(0)[1]] if len(self._idle) > _MOST_IDLE else []
        for each in surplus:
            each.close()

    def _connect(self, month: int) -> sqlite3.Connection:
        path = self._folder / f"{name_of(month)}.db"
        connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
        try:
            # Several chunks to a page: with 4 KiB a quarter of the file stays empty.
            connection.execute("PRAGMA page_size = 8192")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # The system caches the file for all of them; each by itself would keep 2 MB of it.
            connection.execute("PRAGMA cache_size = -1024")
            if month not in self._months or not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                connection.executescript(_SCHEMA)
                sync_folder(self._folder)
                self._months |= {month}
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether a file itself is bad, rather than the moment."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""The SQLite files, one a month: connections lent to one thread at a time, damaged files set aside."""

import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verger.base.errors import Busy
from verger.base.folder import sync_folder
from verger.domain.history.months import month_named, month_of, name_of

_MOST_IDLE = 16
_PATIENCE_S = 30
_ENDS = ("", "-wal", "-shm")
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS day (id INTEGER PRIMARY KEY, head BLOB NOT NULL, hours BLOB, body BLOB);
CREATE TABLE IF NOT EXISTS damaged
    (id INTEGER PRIMARY KEY, grain TEXT, chunk INTEGER, head BLOB, hours BLOB, body BLOB, reason TEXT);
CREATE TABLE IF NOT EXISTS total
    (id INTEGER PRIMARY KEY CHECK (id = 1), chunks INTEGER NOT NULL, readings INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0, 0);
COMMIT;
"""
_HELD = """
SELECT (SELECT coalesce(sum(length(head) + coalesce(length(hours), 0) + coalesce(length(body), 0)), 0) FROM day)
    + (SELECT coalesce(sum(length(head) + length(body)), 0) FROM chunk)
"""
_SMALL = 1 << 16
_IS_OF_TODAY = "SELECT 1 FROM sqlite_master WHERE name = 'damaged'"


class Files:
    """The folder of month files; a file is made when a connection to it is first lent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        named = (re.fullmatch(r"(\d{4}-\d\d)\.db", path.name) for path in folder.iterdir())
        self._months = frozenset(month_named(match[1]) for match in named if match)
        self._idle: list[tuple[int, sqlite3.Connection]] = []
        self._lent: Counter[int] = Counter()
        self._returned = threading.Condition()

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

    def path(self, name: str) -> Path:
        """Return where a file of this name stands."""
        return self._folder / name

    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    @contextmanager
    def lent(self, month: int) -> Iterator[sqlite3.Connection]:
        """Lend a connection; a transaction that is left open is rolled back."""
        connection = self._borrow(month)
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        finally:
            self._take_back(month, connection)

    def settle(self, month: int) -> None:
        """Move what was written of a month into its file proper, unless somebody is reading; it is safe anyway."""
        with self.lent(month) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000}")

    def shrink(self, month: int, pages: int) -> bool:
        """Give some pages that are free back to the disk; tell whether there may be more."""
        with self.lent(month) as connection:
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            (kind,) = connection.execute("PRAGMA auto_vacuum").fetchone()
            if free and not kind:
                # A file of the first version has to be written anew once before it can shrink by and by.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("VACUUM")
            else:
                # As a script: it gives a row without columns for each page, and `execute` stops at the first of those.
                connection.executescript(f"PRAGMA incremental_vacuum({pages})")
            return bool(free > pages and kind)

    def free_share(self, month: int) -> float:
        """Return which part of a month's file is free."""
        with self.lent(month) as connection:
            free, every = (connection.execute(f"PRAGMA {n}_count").fetchone()[0] for n in ("freelist", "page"))
        return float(free / max(every, 1))

    def loose(self, month: int) -> bool:
        """Tell whether the file of a month takes more than twice what it holds."""
        with self.lent(month) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            (size,) = connection.execute("PRAGMA page_size").fetchone()
            (held,) = connection.execute(_HELD).fetchone()
        return bool(pages * size > 2 * (held or 0) + _SMALL)

    def compact(self, month: int) -> None:
        """Write the file of a month anew, without what lies in its free pages; that takes as much room once more."""
        with self.lent(month) as connection:
            connection.execute("VACUUM")

    def rewrite(self, month: int) -> None:
        """Write the file of a month anew so that nothing deleted is left in it; raise Busy while others read on."""
        with self.lent(month) as connection:
            connection.execute("VACUUM")
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Busy(f"The month {name_of(month)} is being read, so it cannot be rewritten just now.", retry_s=60)

    def set_aside(self, month: int) -> str:
        """Rename the file of a month, so that a new one takes its place; return its new name."""
        with self._nobody_reading(month):
            new = aside(self._folder, name_of(month) + ".db")
            self._months -= {month}
        return new

    def remove(self, month: int) -> None:
        """Remove the file of a month."""
        with self._nobody_reading(month):
            for end in _ENDS:
                (self._folder / f"{name_of(month)}.db{end}").unlink(missing_ok=True)
            self._months -= {month}
        sync_folder(self._folder)

    def close(self) -> None:
        """Close every connection; none may be lent."""
        with self._returned:
            while self._idle:
                self._idle.pop()[1].close()

    @contextmanager
    def _nobody_reading(self, month: int) -> Iterator[None]:
        """Wait until no connection to a month is open; none is opened before the end."""
        # SQLite removes what it takes for its log, by name, when a last connection closes: so none may be left over.
        with self._returned:
            self._returned.wait_for(lambda: not self._lent[month])
            for each in [each for each in self._idle if each[0] == month]:
                each[1].close()
                self._idle.remove(each)
            yield

    def _borrow(self, month: int) -> sqlite3.Connection:
        with self._returned:
            self._lent[month] += 1
            for place, (of, connection) in enumerate(self._idle):
                if of == month:
                    del self._idle[place]
                    return connection
        try:
            return self._connect(month)
        except BaseException:
            self._give_back(month, None)
            raise

    def _take_back(self, month: int, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.ProgrammingError:
            self._give_back(month, None)  # it was closed, as it failed
        else:
            self._give_back(month, connection)

    def _give_back(self, month: int, connection: sqlite3.Connection | None) -> None:
        with self._returned:
            if connection is not None:
                self._idle.append((month, connection))
            if len(self._idle) > _MOST_IDLE:
                self._idle.pop(0)[1].close()
            self._lent[month] -= 1
            self._returned.notify_all()

    def _connect(self, month: int) -> sqlite3.Connection:
        path = self._folder / f"{name_of(month)}.db"
        connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
        try:
            # Several chunks to a page: with 4 KiB a quarter of the file stays empty.
            connection.execute("PRAGMA page_size = 8192")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # The system caches the file for all of them; each by itself keeps but what a chart reads.
            connection.execute("PRAGMA cache_size = -3072")
            if month not in self._months or not connection.execute(_IS_OF_TODAY).fetchone():
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


def aside(folder: Path, old: str) -> str:
    """Rename a damaged database, so that a new one takes its place; return its new name. Nobody may have it open."""
    new = next(name for n in range(1000) if not (folder / (name := f"{old}.damaged-{n}")).exists())
    for end in _ENDS:
        if (folder / (old + end)).exists():
            (folder / (old + end)).rename(folder / (new + end))
    sync_folder(folder)
    return new

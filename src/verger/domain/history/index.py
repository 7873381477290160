"""The index of the history: how far chunks are complete, the latest readings then, and what was deleted."""

import sqlite3
from pathlib import Path

import zstandard
from msgspec import Struct

from verger.domain.history.files import aside
from verger.domain.history.latest import packed, unpacked
from verger.domain.history.model import Times, Values

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mark
    (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, latest BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS forgotten (series INTEGER PRIMARY KEY, upto INTEGER NOT NULL, cleared INTEGER NOT NULL);
"""


_NAME = "index.db"


class Mark(Struct, frozen=True, eq=False):
    """All readings of records up to `position` are in chunks; `latest` are the columns of a snapshot, then or later."""

    position: int
    latest: tuple[Times, Values] | None


class Index:
    """One small SQLite file; each call is one transaction, on disk when it returns; one thread at a time."""

    @classmethod
    def open(cls, folder: Path) -> "tuple[Index, str | None]":
        """Open the index of a folder; one that is damaged is renamed, and its new name told beside an empty one."""
        try:
            return cls(folder), None
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, zstandard.ZstdError, ValueError):
            new = aside(folder, _NAME)
            return cls(folder), new

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / _NAME, timeout=30, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)
            self._prove()
        except BaseException:
            self._connection.close()
            raise

    def _prove(self) -> None:
        """Raise unless all of it can be read; it is small."""
        (sentence,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if sentence != "ok":
            raise sqlite3.DatabaseError(sentence)
        self.mark()
        self.forgotten()

    def mark(self) -> Mark:
        """Return what was saved last; position 0 if nothing was."""
        row = self._connection.execute("SELECT position, latest FROM mark").fetchone()
        return Mark(row[0], unpacked(row[1])) if row else Mark(0, None)

    def save(self, position: int, latest: tuple[Times, Values]) -> None:
        """Save how far chunks are complete; what was deleted before that needs no further note."""
        with self._connection as connection:
            connection.execute("INSERT OR REPLACE INTO mark VALUES (1, ?, ?)", (position, packed(latest)))
            connection.execute("DELETE FROM forgotten WHERE upto <= ? AND cleared", (position,))

    def forgotten(self) -> dict[int, tuple[int, bool]]:
        """Return by series up to which record it was deleted, and whether its chunks are gone."""
        rows = self._connection.execute("SELECT series, upto, cleared FROM forgotten").fetchall()
        return {series: (upto, bool(cleared)) for series, upto, cleared in rows}

    def forget(self, upto: dict[int, int], *, cleared: bool) -> None:
        """Note up to which record each series is deleted, and whether its chunks are gone."""
        rows = [(series, position, cleared) for series, position in upto.items()]
        with self._connection as connection:
            connection.executemany("INSERT OR REPLACE INTO forgotten VALUES (?, ?, ?)", rows)

    def rewrite(self) -> None:
        """Write the file anew: no page holds an earlier state."""
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

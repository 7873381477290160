"""Tables of another system, where they are: an SQLite file or CSV files. Nothing of it is changed."""

import csv
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from verger.base.errors import Refused

_SQLITE = b"SQLite format 3\0"
_SEPARATORS = ",;\t|"
_LONGEST_CELL = 1 << 20


class Tables(Protocol):
    """What can be read: each table with its columns, and the rows of some of them, in the order they stand there."""

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """Return the columns of each table."""
        ...

    def count(self, table: str) -> int:
        """Return about how many rows a table has."""
        ...

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Give some columns of each row."""
        ...


class SqliteTables:
    """The tables of an SQLite file, opened for reading alone."""

    def __init__(self, path: Path) -> None:
        """Look which there are; raise Refused where it cannot be read."""
        self._uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        self.columns: dict[str, Sequence[str]] = {}
        try:
            with closing(self._open()) as db:
                names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
                for (name,) in names.fetchall():
                    told = db.execute(f"PRAGMA table_info({_quoted(name)})").fetchall()
                    self.columns[name] = [column[1] for column in told]
        except sqlite3.Error as error:
            raise Refused(
                f"{path} cannot be read ({error}). Is it a whole copy, with its -wal file beside it?"
            ) from None

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        with closing(self._open()) as db:
            found: int = db.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]  # noqa: S608  quoted
            return found

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Give some columns of each row; raise Refused where the file is broken."""
        asked = ", ".join(map(_quoted, columns))
        with closing(self._open()) as db:
            try:
                yield from db.execute(f"SELECT {asked} FROM {_quoted(table)}")  # noqa: S608  quoted
            except sqlite3.Error as error:
                raise Refused(f"The table {table} cannot be read to its end ({error}).") from None

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
        db.text_factory = lambda text: text.decode("utf-8", "replace")
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA query_only = ON")
        return db


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class CsvTables:
    """CSV files, each a table by the name of its file; the first line names the columns, nothing is an empty cell."""

    def __init__(self, path: Path) -> None:
        """Look at a file, or at all in a folder; raise Refused where there is none."""
        found = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        self.files = {file.stem: file for file in found}
        self.columns = {name: self._header(name) for name in self.files}
        if not self.files:
            raise Refused(f"There is no .csv file in {path}.")

    def count(self, table: str) -> int:
        """Return about how many rows a table has: its lines."""
        with self.files[table].open("rb") as file:
            return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Give some columns of each row; one that is too short ends in nothing."""
        header = list(self.columns[table])
        places = [header.index(column) for column in columns]
        with self.files[table].open(encoding="utf-8-sig", errors="replace", newline="") as file:
            lines = csv.reader(file, delimiter=self._separator(table))
            next(lines, None)
            for line in lines:
                if line:
                    yield [(line[place] or None) if place < len(line) else None for place in places]

    def _header(self, table: str) -> Sequence[str]:
        return next(csv.reader([self._first(table)], delimiter=self._separator(table)), [])

    def _separator(self, table: str) -> str:
        return max(_SEPARATORS, key=self._first(table).count)

    def _first(self, table: str) -> str:
        with self.files[table].open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return file.readline(_LONGEST_CELL).strip()


def is_sqlite(path: Path) -> bool:
    """Whether a file is of SQLite."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE

"""Tables of another system in PostgreSQL, read by its own program psql, which changes nothing."""

import csv
import subprocess
from collections.abc import Iterator, Sequence
from shutil import which
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from verger.base.errors import Refused

SCHEMES = ("postgres", "postgresql")
_OPTIONS = "-c default_transaction_read_only=on -c timezone=UTC -c datestyle=ISO"
_COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = ANY (current_schemas(false)) ORDER BY table_name, ordinal_position"
)
_PARAMETERS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "host": "PGHOST"}


class PsqlTables:
    """The tables of a database by its URL; the password stands in no list of processes."""

    def __init__(self, url: str, password: str = "") -> None:
        """Look which there are; raise Refused where the database cannot be asked."""
        program = which("psql")
        if program is None:
            raise Refused("To read PostgreSQL install its program psql, or bring its tables as CSV files.")
        self._program, self._about = program, _environment(url) | ({"PGPASSWORD": password} if password else {})
        self.columns: dict[str, list[str]] = {}
        for table, column in self._ask(_COLUMNS):
            self.columns.setdefault(table, []).append(column)

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        ((count,),) = self._ask(f"SELECT count(*) FROM {_quoted(table)}")  # noqa: S608  quoted
        return int(count)

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Give some columns of each row; raise Refused where they cannot be read to the end."""
        asked = ", ".join(map(_quoted, columns))
        for row in self._ask(f"SELECT {asked} FROM {_quoted(table)}"):  # noqa: S608  quoted
            yield [cell or None for cell in row]

    def _ask(self, query: str) -> Iterator[list[str]]:
        words = [self._program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", f"COPY ({query}) TO STDOUT (FORMAT csv)"]
        pipe = subprocess.PIPE
        with subprocess.Popen(  # noqa: S603  the program is found, its words are ours
            words, env=self._about, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, encoding="utf-8"
        ) as asking:
            assert asking.stdout is not None and asking.stderr is not None  # noqa: S101, PT018  they are pipes
            try:
                yield from csv.reader(asking.stdout)
                if asking.wait() != 0:
                    last = asking.stderr.read().strip().splitlines()[-1:]
                    raise Refused(f"PostgreSQL says: {''.join(last)[:300]}")
            finally:
                asking.kill()


def _environment(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    told = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    told |= {_PARAMETERS[name]: value for name, value in parse_qsl(parts.query) if name in _PARAMETERS}
    known = {name: value for name, value in told.items() if value}
    return known | {"PGOPTIONS": _OPTIONS, "PGCLIENTENCODING": "UTF8", "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

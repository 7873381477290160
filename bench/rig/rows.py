"""What the history is measured beside: rows in SQLite and in DuckDB, asked for the same charts in SQL."""

import importlib
import importlib.util
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_TABLE = "CREATE TABLE reading (series INTEGER, moment BIGINT, value DOUBLE{key})"
_BUCKETS = """
SELECT series, moment / {width} AS bucket, avg(value), min(value), max(value), sum(value), count(*) FROM reading
WHERE series IN ({series}) AND moment >= {start} AND moment < {end} GROUP BY series, bucket ORDER BY series, bucket
"""


class SqliteRows:
    """Rows by (series, moment), without a rowid."""

    name = "sqlite rows"

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "rows.sqlite", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA cache_size = -200000")
        self._connection.execute(_TABLE.format(key=", PRIMARY KEY (series, moment)") + " WITHOUT ROWID")

    def load(self, series: Any, at: Any, value: Any) -> None:
        """Keep some readings."""
        self._connection.execute("BEGIN")
        rows = zip(series.tolist(), at.tolist(), value.tolist(), strict=True)
        self._connection.executemany("INSERT OR IGNORE INTO reading VALUES (?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def settle(self) -> None:
        """Nothing: they are in order."""

    def bytes(self) -> int:
        """Return what the rows take on disk; the log is apart."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, size = (self._connection.execute(f"PRAGMA page_{what}").fetchone()[0] for what in ("count", "size"))
        return int(pages * size)

    def ask(self, sql: str) -> object:
        """Return all rows."""
        return self._connection.execute(sql).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class DuckRows:
    """Rows without a key, put in order of (series, moment) once they are in: its quickest form."""

    name = "duckdb"

    def __init__(self, folder: Path) -> None:
        duckdb = importlib.import_module("duckdb")
        self._connection = duckdb.connect(str(folder / "rows.duckdb"))
        self._connection.execute("SET threads = 2")
        self._connection.execute(_TABLE.format(key=""))

    def load(self, series: Any, at: Any, value: Any) -> None:
        """Keep some readings."""
        columns = {"series": series.astype(np.int32), "moment": at, "value": value}
        self._connection.register("given", columns)
        self._connection.execute("INSERT INTO reading SELECT series, moment, value FROM given")
        self._connection.unregister("given")

    def settle(self) -> None:
        """Put all rows in order."""
        self._connection.execute("CREATE TABLE sorted AS SELECT * FROM reading ORDER BY series, moment")
        self._connection.execute("DROP TABLE reading")
        self._connection.execute("ALTER TABLE sorted RENAME TO reading")
        self._connection.execute("CHECKPOINT")

    def ask(self, sql: str) -> object:
        """Return columns of numpy."""
        # Its division of whole numbers is written //.
        return self._connection.execute(sql.replace("moment / ", "moment // ")).fetchnumpy()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def others(folder: Path) -> list[SqliteRows | DuckRows]:
    """Return those that can be measured here."""
    found: list[SqliteRows | DuckRows] = [SqliteRows(folder)]
    if importlib.util.find_spec("duckdb"):
        found.append(DuckRows(folder))
    else:
        print("DuckDB is left out: it is not installed (.venv/bin/python -m pip install duckdb).")
    return found


def day_sql(series: int, start: int, end: int) -> str:
    """Return the query for all readings of a span."""
    within = f"series = {series} AND moment >= {start} AND moment < {end}"
    return f"SELECT moment, value FROM reading WHERE {within} ORDER BY moment"  # noqa: S608  numbers


def buckets_sql(series: Sequence[int], start: int, end: int, width: int) -> str:
    """Return the query for buckets."""
    return _BUCKETS.format(width=width, series=", ".join(map(str, series)), start=start, end=end)


def latest_sql() -> str:
    """Return the query for the latest reading of every series."""
    return "SELECT series, max(moment) FROM reading GROUP BY series"

"""Copying: one consistent state of a SQLite file that is in use, without ever making its writer wait."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from verger.base.errors import Refused

Go = Callable[[int], None]
"""Is told of every so many bytes of work, and raises to end it."""

_PAGES = 256  # a step: a mebibyte or two
_STILL_S = 2.0  # what changed later than so may change again without looking other: clocks of files are coarse


def copy(live: Path, target: Path, go: Go) -> None:
    """Copy a file as it is now to a new one that needs no file beside it; `go` is told of bytes. Raise Refused."""
    with closing(sqlite3.connect(f"{live.as_uri()}?mode=rw", uri=True, isolation_level=None)) as source:
        copy_from(source, target, go)


def copy_from(source: sqlite3.Connection, target: Path, go: Go) -> None:
    """Copy the file of a connection that is in no transaction, as `copy` does."""
    try:
        # Read under one transaction: else each commit of the writer would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        size: int = source.execute("PRAGMA page_size").fetchone()[0]
        with closing(sqlite3.connect(target, isolation_level=None)) as copied:
            left = [0]

            def tell(_status: int, remaining: int, total: int) -> None:
                done = (left[0] or total) - remaining
                left[0] = remaining
                go(done * size)

            source.backup(copied, pages=_PAGES, progress=tell, sleep=0)
            copied.execute("PRAGMA journal_mode = DELETE")
        source.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise Refused(f"The copy {target.name} failed ({error}); the page System tells what is damaged.") from error


def looks(live: Path, now: float | None = None) -> tuple[int, ...] | None:
    """Return what a SQLite file looks like; None if it changed so lately that this proves nothing."""
    file = live.stat()
    look: tuple[int, ...] = (file.st_ino, file.st_size, file.st_mtime_ns)
    try:
        beside = live.with_name(f"{live.name}-wal").stat()
        look += (beside.st_size, beside.st_mtime_ns) if beside.st_size else ()
        changed = max(file.st_mtime, beside.st_mtime)
    except FileNotFoundError:
        changed = file.st_mtime
    return look if (time.time() if now is None else now) - changed > _STILL_S else None


def sound(path: Path) -> str | None:
    """Return what SQLite finds wrong with a file that nobody writes, None if nothing."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if said == "ok" else str(said)


def rows(path: Path) -> dict[str, int]:
    """Return how many rows each table of a file has that nobody writes."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        counts = {}
        for (name,) in names.fetchall():
            (counts[name],) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608  its own name
    return counts

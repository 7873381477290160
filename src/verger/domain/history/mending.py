"""Mending: a month's file that the disk has spoilt is put aside whole, and what of it can be read goes on in a new one.

Nothing of the spoilt file is thrown away: it stays beside the others, for whoever can read more of it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from verger.domain.history.chunks import Chunks
from verger.domain.history.compaction import GoOn
from verger.domain.history.counting import counted
from verger.domain.history.files import Files, is_damage
from verger.domain.history.model import Damage

_AT_ONCE = 256
_FIRST, _LAST = -1, (1 << 63) - 1
_TABLES = {"chunk": ("id, head, body", "?, ?, ?"), "day": ("id, head, hours, body", "?, ?, ?, ?")}

Row = tuple[object, ...]


def spoilt(files: Files, month: int) -> str | None:
    """Return what SQLite finds wrong with the file of a month, None if nothing; reads all of it."""
    try:
        with files.lent(month) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return str(error)
    return None if said == "ok" else " ".join(str(said).split())


def mend(chunks: Chunks, month: int, reason: str, go_on: GoOn) -> None:
    """Put the file of a month aside and report it, then save what can be read into a new one; for the writer."""
    aside = chunks.set_aside(month)
    chunks.report(Damage(aside, reason))
    with closing(sqlite3.connect(chunks.files.path(aside), isolation_level=None)) as old:
        for table, (columns, places) in _TABLES.items():
            insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"  # noqa: S608  our own names
            for rows in _readable(old, table, columns):
                go_on()
                with chunks.files.lent(month) as new:
                    new.execute("BEGIN IMMEDIATE")
                    new.executemany(insert, rows)
                    new.execute("COMMIT")
    with chunks.files.lent(month) as new:
        new.execute("BEGIN IMMEDIATE")
        new.execute("UPDATE total SET chunks = ?, readings = ?", counted(new))
        new.execute("COMMIT")
    chunks.forget(month)


def _readable(old: sqlite3.Connection, table: str, columns: str) -> Iterator[list[Row]]:
    """Give what can be read from the front, then what can be read from the back, up to where the file is spoilt."""
    for order, edge, beyond in (("ASC", _FIRST, ">"), ("DESC", _LAST, "<")):
        query = f"SELECT {columns} FROM {table} WHERE id {beyond} ? ORDER BY id {order} LIMIT ?"  # noqa: S608  our own names
        at, most, whole = edge, _AT_ONCE, False
        while most:
            try:
                rows: list[Row] = old.execute(query, (at, most)).fetchall()
            except sqlite3.DatabaseError:
                most //= 4  # nearer to the spoilt place, row by row in the end
                continue
            if not rows:
                whole = True
                break
            yield rows
            at = int(str(rows[-1][0]))
        if whole:
            return

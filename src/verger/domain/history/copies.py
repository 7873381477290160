"""What copies of the history's files hold: asked of files that nobody writes."""

import sqlite3
from contextlib import closing
from pathlib import Path

INDEX = "index.db"


def month_files(folder: Path) -> list[Path]:
    """Return the files of the months there are, in order; none where there is no history."""
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].db"))


def set_aside(folder: Path) -> list[str]:
    """Return the names of files that were set aside as damaged."""
    return sorted(path.name for path in folder.glob("*.db.damaged-?"))


def position(index: Path) -> int:
    """Return the record up to which readings are in chunks, by the index; 0 if it says nothing."""
    with closing(sqlite3.connect(index)) as connection:
        row = connection.execute("SELECT position FROM mark").fetchone()
    return int(row[0]) if row else 0


def totals(month: Path) -> dict[str, int]:
    """Return how many chunks and readings a month's file says it holds."""
    with closing(sqlite3.connect(month)) as connection:
        chunks, readings = connection.execute("SELECT chunks, readings FROM total").fetchone()
    return {"chunks": chunks, "readings": readings}

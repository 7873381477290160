"""Chunks on disk: SQLite files, one a month, with a table for each grain and one for what is damaged.

All parts of one (hour or day, series) lie in one file and change in one transaction; their spans of time do not
overlap, unless one of them is damaged or thin. One thread writes; any thread reads, each time a consistent state of
one file. A chunk whose head is damaged is reported and not found; the writer puts damaged ones apart.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np

from verger.base.clock import DAY, HOUR
from verger.domain.history.codec import Heads, broken
from verger.domain.history.counting import counted
from verger.domain.history.files import Files, is_damage
from verger.domain.history.grain import DAYS, HOURS, PART_BITS, PARTS, SPAN_BITS, Found, Grain, Ids, series_of
from verger.domain.history.model import Damage
from verger.domain.history.months import name_of, span_of

Answer = TypeVar("Answer")

_BY_KEY = """
SELECT {listed} FROM json_each(?) AS key CROSS JOIN {table} ON {table}.id BETWEEN key.value AND key.value + ?
"""
_BODIES = "SELECT {table}.body FROM json_each(?) AS wanted CROSS JOIN {table} ON {table}.id = wanted.value"
_INSERT = {HOURS: "INSERT INTO chunk (id, head, body) VALUES (?, ?, ?)", DAYS: "INSERT INTO day VALUES (?, ?, ?, ?)"}
_EDGES = "SELECT (SELECT min(id) FROM chunk), (SELECT max(id) FROM chunk)"
_APART = """
INSERT INTO damaged (grain, chunk, head, hours, body, reason)
SELECT :grain, {table}.id, {table}.head, {hours}, {table}.body, :reason FROM {table} WHERE {table}.id = :id
"""

_FORGET_APART = "DELETE FROM damaged WHERE chunk >> ? & 0xFFFFFFFF IN (SELECT value FROM json_each(?))"


class Month:
    """One consistent state of the file of one month."""

    def __init__(self, connection: sqlite3.Connection, month: int) -> None:
        self._connection = connection
        self.month = month
        self.wrong: list[Damage] = []

    def found(self, series: Sequence[int], start: int, end: int) -> tuple[Found, Found]:
        """Return the chunks of the days, and those of the hours, that touch start <= time < end, series by series."""
        days = self._spans(DAYS, series, start, end)
        # Chunks of hours are few and near today, so only between the first and the last is looked for them.
        low, high = self._connection.execute(_EDGES).fetchone()
        if low is None:
            return days, Found.of([], HOURS)
        first, last = ((edge >> SPAN_BITS) + HOURS.first(self.month) for edge in (low, high))
        return days, self._spans(HOURS, series, max(start, first * HOUR), min(end, (last + 1) * HOUR))

    def among(self, grain: Grain, keys: Ids) -> Found:
        """Return all parts of some (hour or day, series), in order of id when the keys are."""
        sql = _BY_KEY.format(listed=grain.listed, table=grain.table)
        return self._proved(grain, self._connection.execute(sql, (_listed(keys), PARTS)).fetchall())

    def after(self, grain: Grain, first: int, last: int, most: int) -> Found:
        """Return the first chunks with first <= id <= last, in order of id."""
        sql = f"SELECT {grain.listed} FROM {grain.table} WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"  # noqa: S608  a grain's own names
        return self._proved(grain, self._connection.execute(sql, (first, last, most)).fetchall())

    def days_in_hours(self) -> list[int]:
        """Return the days, counted since 1970, of which there are chunks of hours."""
        days: list[int] = []
        first = DAYS.first(self.month)
        (low,) = self._connection.execute("SELECT min(id) FROM chunk").fetchone()
        while low is not None:
            day = (low >> SPAN_BITS) // 24
            days.append(first + day)
            next_ = (day + 1) * 24 << SPAN_BITS
            (low,) = self._connection.execute("SELECT min(id) FROM chunk WHERE id >= ?", (next_,)).fetchone()
        return days

    def bodies(self, found: Found) -> list[bytes]:
        """Return the bodies of chunks that were found; none may be thin."""
        bodies: list[bytes] = [b""] * len(found.ids)
        for grain, of_grain in ((DAYS, found.daily), (HOURS, ~found.daily)):
            if of_grain.any():
                rows = self._connection.execute(_BODIES.format(table=grain.table), (_listed(found.ids[of_grain]),))
                for place, (body,) in zip(np.flatnonzero(of_grain).tolist(), rows, strict=True):
                    bodies[place] = body
        return bodies

    def totals(self) -> tuple[int, int]:
        """Return how many chunks and readings the file holds."""
        chunks, readings = self._connection.execute("SELECT chunks, readings FROM total").fetchone()
        return chunks, readings

    def weight(self, found: Found) -> int:
        """Return the bytes that the readings of chunks take, without those of their summaries."""
        sizes = 0
        for grain, of_grain in ((DAYS, found.daily), (HOURS, ~found.daily)):
            sql = _BODIES.format(table=grain.table).replace(".body", ".rowid, length(body)", 1)
            sizes += sum(size or 0 for _, size in self._connection.execute(sql, (_listed(found.ids[of_grain]),)))
        return sizes

    def apart(self) -> list[Damage]:
        """Return what was put apart as damaged."""
        rows = self._connection.execute("SELECT grain, chunk, reason FROM damaged").fetchall()
        return [self._damage(DAYS if grain == DAYS.table else HOURS, chunk, why) for grain, chunk, why in rows]

    def damage(self, found: Found, which: int, reason: str) -> Damage:
        """Return what to say of a chunk that cannot be read."""
        return self._damage(DAYS if found.daily[which] else HOURS, int(found.ids[which]), reason)

    def _damage(self, grain: Grain, chunk: int, reason: str) -> Damage:
        span = (chunk >> SPAN_BITS) + grain.first(self.month)
        series = int(series_of(np.array(chunk)))
        hour = span * grain.width // HOUR
        return Damage(f"{name_of(self.month)}.db", reason, series, hour, chunk & PARTS, grain.width // HOUR)

    def _spans(self, grain: Grain, series: Sequence[int], start: int, end: int) -> Found:
        begin, past = span_of(self.month)
        start, end = max(start, begin), min(end, past)
        if start >= end:
            return Found.of([], grain)
        first, last = (at // grain.width - grain.first(self.month) for at in (start, end - 1))
        spans = np.arange(first, last + 1) << SPAN_BITS
        return self.among(grain, ((np.array(series) << PART_BITS)[:, None] | spans).ravel())

    def _proved(self, grain: Grain, rows: list[tuple[int, bytes, bytes | None, int]]) -> Found:
        found = Found.of(rows, grain)
        wrong = broken(found.heads, found.hours.tolist()) if rows else []
        self.wrong += [self.damage(found, which, reason) for which, reason in wrong]
        return found.pick(np.delete(np.arange(len(rows)), [which for which, _ in wrong])) if wrong else found


class Change(NamedTuple):
    """What one transaction does to the file of one month: chunks that go, and chunks of one grain that come."""

    month: int
    gone: Found
    grain: Grain
    ids: Ids
    heads: Heads
    hours: Sequence[bytes | None]
    bodies: Sequence[bytes]


class Chunks:
    """The chunks of all months."""

    def __init__(self, folder: Path, report: Callable[[Damage], None]) -> None:
        self.files = Files(folder)
        self.report = report
        self.late = 0  # readings of hours that are only known in sum
        self._totals: dict[int, tuple[int, int]] = {}
        self._changes = 0
        self._open_days: dict[int, set[int]] = {}

    @contextmanager
    def reading(self, month: int) -> Iterator[Month]:
        """Give one consistent state of the file of a month."""
        with self.files.lent(month) as connection:
            connection.execute("BEGIN")
            file = Month(connection, month)
            yield file
        for damage in file.wrong:
            self.report(damage)

    def open_days(self, month: int) -> set[int]:
        """Return the days of a month of which there may be chunks of hours; for the writer alone."""
        if month not in self._open_days:
            self._open_days[month] = self.mending(month, partial(self._days_in_hours, month))
        return self._open_days[month]

    def change(self, change: Change) -> None:
        """Do all of one change, or raise with nothing of it done; on disk when it returns."""
        grain, gone = change.grain, change.gone
        if grain is HOURS:
            self.open_days(change.month).update((grain.spans(change.ids, change.month) // 24).tolist())
        more = len(change.ids) - len(gone.ids), int(change.heads["n"].sum()) - int(gone.heads["n"].sum())
        heads = [head.tobytes() for head in change.heads]
        columns = (heads, change.hours, change.bodies) if grain is DAYS else (heads, change.bodies)
        with self.files.lent(change.month) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM day WHERE id = ?", _each(gone.ids[gone.daily]))
            connection.executemany("DELETE FROM chunk WHERE id = ?", _each(gone.ids[~gone.daily]))
            connection.executemany(_INSERT[grain], zip(change.ids.tolist(), *columns, strict=True))
            connection.execute("UPDATE total SET chunks = chunks + ?, readings = readings + ?", more)
            connection.execute("COMMIT")
        self._changed(change.month)

    def thin(self, month: int, ids: Ids, heads: Heads, hours: Sequence[bytes | None]) -> None:
        """Take the readings out of some chunks of days; heads and summaries stay."""
        rows = zip([head.tobytes() for head in heads], hours, ids.tolist(), strict=True)
        with self.files.lent(month) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("UPDATE day SET head = ?, hours = ?, body = NULL WHERE id = ?", rows)
            connection.execute("COMMIT")

    def put_apart(self, month: int, damage: Damage) -> None:
        """Move a damaged chunk out of the way, kept for whoever can mend it, count the others anew, and report it."""
        grain = DAYS if damage.hours == DAY // HOUR else HOURS
        span = (damage.hour or 0) * HOUR // grain.width - grain.first(month)
        chunk = span << SPAN_BITS | (damage.series or 0) << PART_BITS | (damage.part or 0)
        with self.files.lent(month) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                _APART.format(table=grain.table, hours=grain.hours),
                {"grain": grain.table, "reason": damage.reason, "id": chunk},
            )
            connection.execute(f"DELETE FROM {grain.table} WHERE id = ?", (chunk,))  # noqa: S608  a grain's own name
            connection.execute("UPDATE total SET chunks = ?, readings = ?", counted(connection))
            connection.execute("COMMIT")
        self._changed(month)
        self.report(damage)

    def forget_apart(self, month: int, series: Sequence[int]) -> None:
        """Remove what was put apart of some series."""
        with self.files.lent(month) as connection:
            wanted = msgspec.json.encode(list(series)).decode()
            connection.execute(_FORGET_APART, (PART_BITS, wanted))

    @contextmanager
    def unless_damaged(self, month: int) -> Iterator[None]:
        """Give up what is done with the file of a month, and report it, when that is damaged."""
        try:
            yield
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self.report(Damage(f"{name_of(month)}.db", str(error)))

    def look_apart(self) -> None:
        """Report what was put apart before."""
        for month in self.files.all_months():
            with self.unless_damaged(month), self.reading(month) as file:
                file.wrong += file.apart()

    def mending(self, month: int, work: Callable[[], Answer]) -> Answer:
        """Do the writer's work on a file; when that is damaged put it aside, report it, and work on a new one."""
        try:
            return work()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self.report(Damage(self.set_aside(month), str(error)))
        return work()

    def set_aside(self, month: int) -> str:
        """Rename the file of a month, so that a new one takes its place; return its new name."""
        aside = self.files.set_aside(month)
        self.forget(month)
        return aside

    def forget(self, month: int) -> None:
        """Know nothing of a month any more, as its file was written to by other means."""
        self._open_days.pop(month, None)
        self._changed(month)

    def merged(self, month: int, day: int) -> None:
        """Note that no chunks of hours are left of a day."""
        self.open_days(month).discard(day)

    def totals(self, month: int) -> tuple[int, int]:
        """Return how many chunks and readings a month holds; asked of the file only after a change."""
        known, before = self._totals.get(month), self._changes
        if known is None:
            with self.reading(month) as file:
                known = file.totals()
            if before == self._changes:
                self._totals[month] = known
        return known

    def _days_in_hours(self, month: int) -> set[int]:
        if month not in self.files.all_months():
            return set()
        with self.reading(month) as file:
            return set(file.days_in_hours())

    def _changed(self, month: int) -> None:
        self._changes += 1
        self._totals.pop(month, None)


def _each(ids: Ids) -> Iterator[tuple[int]]:
    return ((each,) for each in ids.tolist())


def _listed(ids: Ids) -> str:
    return msgspec.json.encode(ids.tolist()).decode()

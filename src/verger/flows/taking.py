"""Taking: file after file of a data folder goes to the objects of a shelf."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from verger.base.copying import Go, copy, looks, rows
from verger.domain.backups.model import Counts, Kind, Part, Stored
from verger.domain.backups.objects import Objects
from verger.domain.history import copies
from verger.domain.telemetry.segment import Segment

SECRET, HISTORY, LOG, DATABASE = "secret.key", "history", "log", "verger.db"

Reached = Callable[[int, int | None], None]
"""Is told how much of how much is done, in bytes and in any thread; raises to end the work."""


Copy = Callable[[Path, Path, Go], None]
"""Copies a SQLite file, as `copy` does."""


def nowhere(_done: int, _total: int | None) -> None:
    """Be told, and do nothing."""


@dataclass
class Course:
    """How far a backup is."""

    reached: Reached
    total: int
    done: int = 0

    def go(self, more: int) -> None:
        """Count some bytes; raise what ends the work."""
        self.done = min(self.done + more, self.total)
        self.reached(self.done, self.total)

    def look(self, _more: int) -> None:
        """Count nothing; raise what ends the work."""
        self.reached(self.done, self.total)


@dataclass
class Taking:
    """One backup while it is taken: file after file goes to the objects. Runs in threads, one call at a time."""

    data: Path
    scratch: Path
    objects: Objects
    before: dict[str, Part]
    course: Course
    copy_month: Copy
    parts: list[Part] = field(default_factory=list)
    position: int = 0

    def history(self) -> None:
        """Take the secret, the index, then every month."""
        self._add("secret", SECRET, self.objects.put(self.data / SECRET, self.course.go))
        index = self._copied(self.data / HISTORY / copies.INDEX)
        self.position = copies.position(index)
        self._add("index", f"{HISTORY}/{copies.INDEX}", self._put(index))
        for live in copies.month_files(self.data / HISTORY):
            self._month(live)

    def database(self, live: Path) -> None:
        """Take the database, and count its rows."""
        database = self._copied(live)
        counts = rows(database)
        self._add("database", DATABASE, self._put(database), counts)

    def log(self, segments: tuple[Segment, ...]) -> None:
        """Take the log, as it stood when these were its segments."""
        for segment in segments:
            path, stamp = f"{LOG}/{segment.name}", (segment.end,)
            known = self._unchanged(path, stamp)
            stored = known.contents if known else self.objects.put(segment.path, self.course.go, segment.end)
            counts = {"first": segment.name.first, "last": segment.last}
            self._add("log", path, stored, counts, stamp)

    def counts(self, last: int, waiting: int) -> Counts:
        """Return how much was taken; so many readings wait in the log."""
        rows = next(part.counts for part in self.parts if part.kind == "database")
        readings = sum(part.counts["readings"] for part in self.parts if part.kind == "month")
        return Counts(rows["device"], rows["series"], readings + waiting, rows["event"], max(0, last - self.position))

    def _month(self, live: Path) -> None:
        path, stamp = f"{HISTORY}/{live.name}", _looks(live)
        known = self._unchanged(path, stamp)
        if known:
            self.parts.append(known)
            self.course.go(known.contents.size)
            return
        month = self.scratch / live.name
        try:
            self.copy_month(live, month, self.course.look)
        except FileNotFoundError:
            return  # retention took the whole month meanwhile
        totals = copies.totals(month)
        self._add("month", path, self._put(month), totals, stamp)

    def _unchanged(self, path: str, stamp: tuple[int, ...] | None) -> Part | None:
        """Return what an earlier backup holds of a file that looks as it did then."""
        known = self.before.get(path)
        same = known is not None and stamp is not None and stamp == known.stamp and self.objects.holds(known.contents)
        return known if same else None

    def _copied(self, live: Path) -> Path:
        target = self.scratch / live.name
        copy(live, target, self.course.look)
        return target

    def _put(self, path: Path) -> Stored:
        stored = self.objects.put(path, self.course.go)
        path.unlink()
        return stored

    def _add(
        self,
        kind: Kind,
        path: str,
        stored: Stored,
        counts: dict[str, int] | None = None,
        stamp: tuple[int, ...] | None = None,
    ) -> None:
        self.parts.append(Part(path=path, kind=kind, contents=stored, counts=counts or {}, stamp=stamp))


def _looks(live: Path) -> tuple[int, ...] | None:
    try:
        return looks(live)
    except FileNotFoundError:
        return None

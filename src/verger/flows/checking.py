"""Checking: has the disk spoilt something? A little at every start, the rest by and by, all of it when asked."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from msgspec import Struct

from verger.base.errors import Refused
from verger.domain.history.history import History
from verger.domain.telemetry.log import Log
from verger.flows.taking import Reached, nowhere

BUDGET_S = 2.0
_PAUSE_S = 1.0  # between two months, for the disk has other things to do
_STEPS = 10_000  # of SQLite's machine between two looks at the clock

log = structlog.get_logger()


class Checked(Struct, frozen=True):
    """What was found in the data folder: a sentence for each thing that is wrong."""

    wrong: tuple[str, ...]
    months: int
    records: int


@dataclass
class Checking:
    """Looks through the data folder that is open; what is spoilt is put aside and reported, and all goes on."""

    database: Path | None
    history: History
    log: Log
    now: Callable[[], float] = time.monotonic
    left: list[int] = field(default_factory=list)  # months that are not looked through yet

    async def begin(self, budget_s: float = BUDGET_S) -> None:
        """Look through the newest months for so long."""
        until = self.now() + budget_s
        self.left = self.history.months()
        while self.left and self.now() < until:
            await self.history.check(self.left.pop())

    async def go_on(self) -> None:
        """Look through the months that are left, newest first, with a rest between; never raises."""
        while self.left:
            await asyncio.sleep(_PAUSE_S)
            try:
                await self.history.check(self.left.pop())
            except Exception:  # the next month is worth a look all the same
                log.exception("a month could not be looked through")

    async def all(self, reached: Reached = nowhere) -> Checked:
        """Look through everything, chunk by chunk and record by record."""
        months = self.history.months()
        steps = len(months) + 3
        reached(0, steps)
        wrong = []
        if self.database is not None and (said := await asyncio.to_thread(_spoilt, self.database, lambda: False)):
            wrong.append(f"The database is damaged: {said}.")
        for done, month in enumerate(reversed(months), 1):
            reached(done, steps)
            await self.history.check(month)
        wrong += [str(damage) for damage in await self.history.verify()]
        reached(steps - 1, steps)
        wrong += [f"{aside.segment}, at byte {aside.offset}: {aside.reason}" for aside in await self.log.verify()]
        reached(steps, steps)
        segments = self.log.kept()
        records = self.log.last - segments[0].name.first + 1 if segments else 0
        return Checked(tuple(wrong), len(months), max(0, records))


async def check_database(database: Path | None, budget_s: float = BUDGET_S) -> None:
    """Look through the database before it is opened, for so long at most; raise Refused where it is spoilt."""
    if database is None:
        return
    until = time.monotonic() + budget_s
    said = await asyncio.to_thread(_spoilt, database, lambda: time.monotonic() > until)
    if said is not None:
        raise Refused(
            f"The database {database} is damaged ({said}): restore the newest backup with verger restore --replace."
        )


def _spoilt(database: Path, enough: Callable[[], bool]) -> str | None:
    """Return what SQLite finds wrong with a file, None if nothing or no file, or if it is enough before the end."""
    if not database.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            connection.set_progress_handler(lambda: int(enough()), _STEPS)
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        return None  # interrupted, or busy: it is no fault of the file
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if said == "ok" else " ".join(str(said).split())

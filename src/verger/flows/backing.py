"""Backing up: one consistent state of the whole data folder goes to the shelf, while everything goes on.

In this order, so that what is copied later knows all that was copied before: the history's index, the months, the
database, the log. The log is pinned first and ends at the record that was newest before the database was copied. So
each series in chunks or log has its row; what the months lack stands in the log behind the index's position; and what
is in both is taken once, for a (series, time) is kept once and an event is known by its identity.
"""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from verger import __version__
from verger.base.clock import Clock, moment
from verger.base.copying import copy, looks
from verger.base.db import Database
from verger.base.errors import Refused
from verger.domain.backups.model import Backup, Contents, Part
from verger.domain.backups.objects import scratch
from verger.domain.backups.shelf import Shelf
from verger.domain.deletions.ledger import Ledger
from verger.domain.deletions.store import DeletionStore
from verger.domain.history import copies
from verger.domain.telemetry.log import Log
from verger.flows.taking import HISTORY, LOG, SECRET, Copy, Course, Reached, Taking, nowhere

_SCRATCH = ".backup"
_SPARE = 10  # a tenth of a disk stays free when the data is on it, too

log = structlog.get_logger()


@dataclass(frozen=True)
class BackingUp:
    """Takes backups of a data folder; `database` is its file, or None where PostgreSQL keeps it."""

    data: Path
    database: Path | None
    log: Log
    shelf: Shelf
    clock: Clock
    keep: int
    copy_month: Copy = copy  # by the history, while it is open: its files are not to be opened by anybody else

    async def back_up(self, reached: Reached = nowhere) -> Backup:
        """Take a backup and prune the shelf; raise Refused where it cannot be taken."""
        if self.database is None:
            raise Refused(in_postgresql(self.data))
        with self.shelf.held():
            # What may go makes room before it is asked whether there is enough.
            await asyncio.to_thread(self.shelf.prune, self.keep, moment(self.clock.now()))
            course = Course(reached, await asyncio.to_thread(self._weigh))
            manifest = await self._take(self.database, course)
            await self._tell_deletions(self.database)
            await asyncio.to_thread(self.shelf.prune, self.keep, moment(self.clock.now()))
        return await asyncio.to_thread(self.shelf.tell, manifest)

    async def _take(self, database: Path, course: "Course") -> str:
        begun_at = moment(self.clock.now())
        objects = await asyncio.to_thread(self.shelf.objects)
        before = await asyncio.to_thread(self._before)
        with scratch(self.data / _SCRATCH) as folder:
            taking = Taking(self.data, folder, objects, before, course, self.copy_month)
            async with self.log.pinned():
                await asyncio.to_thread(taking.history)
                last, segments = self.log.last, self.log.kept()
                await asyncio.to_thread(taking.database, database)
                await asyncio.to_thread(taking.log, segments)
                waiting = await self.log.readings(taking.position, segments)
        contents = Contents(
            begun_at=begun_at,
            last=last,
            position=taking.position,
            parts=tuple(taking.parts),
            counts=taking.counts(last, waiting),
            left_out=tuple(copies.set_aside(self.data / HISTORY)),
        )
        taken_at = moment(self.clock.now())
        return (await asyncio.to_thread(self.shelf.add, contents, taken_at, __version__)).id

    async def _tell_deletions(self, database: Path) -> None:
        """Write down beside the backups, wherever they lie, every deletion up to now."""
        db = Database.open(f"sqlite+aiosqlite:///{database}")
        try:
            erasures = await DeletionStore(db).every()
        except SQLAlchemyError as error:  # the database of an older version, backed up before its first start
            log.warning("the deletions could not be written down beside the backup", why=str(error))
            return
        finally:
            await db.close()
        await asyncio.to_thread(Ledger(self.shelf.folder).complete, erasures)

    def _before(self) -> dict[str, Part]:
        """Return the parts of the newest backup by path, if it can be opened."""
        for manifest in self.shelf.manifests():
            try:
                return {part.path: part for part in self.shelf.contents(manifest).parts}
            except Refused:
                continue
        return {}

    def _weigh(self) -> int:
        """Return the bytes there are to back up; raise Refused where the disk has no room for what changed."""
        sizes = {path: path.stat().st_size for path in _files(self.data, self.database)}
        before = {self.data / name: part for name, part in self._before().items()}
        fresh = sum(size for path, size in sizes.items() if _changed(path, size, before.get(path)))
        usage = shutil.disk_usage(self.shelf.folder)
        spare = usage.total // _SPARE if shares_disk(self.data, self.shelf.folder) else 0
        if usage.free - spare < fresh:
            raise Refused(
                f"A backup may need {fresh >> 20} MiB more in {self.shelf.folder}, and {usage.free >> 20} MiB are free"
                f"{f' of which {spare >> 20} are kept for the data' if spare else ''}: free some space, or set "
                "VERGER_BACKUP_FOLDER to a folder on another disk."
            )
        return sum(sizes.values())


def in_postgresql(data: Path) -> str:
    """Return what to do instead where PostgreSQL keeps the database."""
    return (
        "This Verger keeps its database in PostgreSQL. Back it up so: stop Verger, save the database with pg_dump, "
        f"copy the folders {data / HISTORY} and {data / LOG} and the file {data / SECRET}, then start Verger again."
    )


def shares_disk(one: Path, other: Path) -> bool:
    """Tell whether two folders lie on the same disk, as far as the system says; they need not be there yet."""
    return _there(one).stat().st_dev == _there(other).stat().st_dev


def _there(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _changed(path: Path, size: int, known: Part | None) -> bool:
    """Tell whether a file has to be kept anew, beside what the newest backup has of it."""
    if known is None or known.stamp is None:
        return True
    return known.stamp != ((size,) if known.kind == "log" else looks(path))


def _files(data: Path, database: Path | None) -> list[Path]:
    history = data / HISTORY
    found = [data / SECRET, history / copies.INDEX, *copies.month_files(history), *(data / LOG).glob("*.log")]
    return [path for path in (*found, *([database] if database else ())) if path.exists()]

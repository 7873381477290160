"""Safekeeping: backups every day and whenever they are asked for, and what people are told of them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import Struct

from verger.base.clock import Clock, microseconds, moment
from verger.base.db import Database
from verger.base.errors import Busy, Refused
from verger.base.jobs import ask, forgo, waiting
from verger.base.settings import Settings
from verger.domain.backups import mark
from verger.domain.backups.mark import Mark
from verger.domain.backups.model import Backup, Verified
from verger.domain.backups.shelf import Shelf, passphrase_in
from verger.domain.history.history import History
from verger.domain.telemetry.log import Log
from verger.flows.backing import BackingUp, shares_disk
from verger.flows.oversight import Figure
from verger.flows.taking import Reached, nowhere
from verger.flows.verifying import Verifying

KIND, _KEY = "backup", "daily"
STALE = timedelta(days=2)
_EVERY = 36_500  # days


class Progress(Struct, frozen=True):
    """How far the backup is that is being taken, in bytes."""

    done: int
    total: int | None


class Plan(Struct, frozen=True, kw_only=True):
    """Where backups go and when; `at` is a time of day in UTC or off, `trouble` why the last one was not taken."""

    folder: str
    at: str
    keep: int
    sealed: bool
    same_disk: bool
    next_at: datetime | None
    running: Progress | None
    trouble: str | None
    restored: Mark | None


@dataclass
class Safekeeping:
    """Takes and tries backups of this data folder, one at a time."""

    settings: Settings
    log: Log
    history: History
    db: Database
    clock: Clock
    trouble: str | None = None
    taken: int = 0
    _ending: bool = False
    _running: Progress | None = None
    _newest: Backup | None = None
    _shelf: Shelf | None = field(default=None)

    def shelf(self) -> Shelf:
        """Return the shelf that the settings name; raise Refused where its passphrase cannot be read."""
        if self._shelf is None:
            passphrase = passphrase_in(self.settings.backup_passphrase_file)
            self._shelf = Shelf(self.settings.backup_folder, passphrase)
        return self._shelf

    async def begin(self) -> None:
        """Look at what there is, and see that the next backup is asked for; one that is due already stays so."""
        await self._look()
        at = self.settings.backup_at
        async with self.db.writing() as connection:
            if at == "off":
                await forgo(connection, KIND, _KEY)
            elif all((each.kind, each.payload) != (KIND, at) for each in await waiting(connection)):
                await ask(connection, KIND, _KEY, self._next(at), at)

    async def daily(self, at: str) -> None:
        """Do the day's backup, and ask for the next day's."""
        await self.back_up()
        async with self.db.writing() as connection:
            await ask(connection, KIND, _KEY, self._next(at), at)

    async def back_up(self, reached: Reached = nowhere, shelf: Shelf | None = None) -> Backup:
        """Take a backup, on the shelf of the settings unless another is given; raise Refused where it cannot be."""

        def tell(done: int, total: int | None) -> None:
            self._running = Progress(done, total)
            self._go_on()
            reached(done, total)

        settings, on = self.settings, shelf or self.shelf()
        # While something is damaged an older backup may be what mends it.
        keep = _EVERY if (await self.history.stats()).damaged else settings.backup_keep
        backing = BackingUp(settings.data, settings.database_file, self.log, on, self.clock, keep, self.history.copy)
        try:
            backup = await backing.back_up(tell)
        except (Refused, OSError) as error:
            self.trouble = str(error)
            raise
        finally:
            self._running = None
        self.taken += 1
        self.trouble = None
        await self._look()
        return backup

    async def verify(
        self, backup: str | None = None, reached: Reached = nowhere, shelf: Shelf | None = None
    ) -> Verified:
        """Restore a backup on trial, the newest if none is named, and return what became of it."""

        def tell(done: int, total: int | None) -> None:
            self._go_on()
            reached(done, total)

        settings = self.settings
        verifying = Verifying(settings.data, shelf or self.shelf(), self.clock, settings.safe_mode_percent / 100)
        verified = await verifying.verify(backup, tell)
        await self._look()
        return verified

    def stop(self) -> None:
        """End what is under way, within a mebibyte or so."""
        self._ending = True

    async def told(self) -> list[Backup]:
        """Return every backup, newest first."""
        return await asyncio.to_thread(self.shelf().told)

    async def tell(self, backup: str) -> Backup:
        """Return one backup; raise Missing."""
        return await asyncio.to_thread(self.shelf().tell, backup)

    async def plan(self) -> Plan:
        """Return where backups go and when, and how the one that is being taken is getting on."""
        settings = self.settings
        async with self.db.reading() as connection:
            due = [moment(each.run_at) for each in await waiting(connection) if each.kind == KIND]
        return Plan(
            folder=str(settings.backup_folder),
            at=settings.backup_at,
            keep=settings.backup_keep,
            sealed=settings.backup_passphrase_file is not None,
            same_disk=shares_disk(settings.data, settings.backup_folder),
            next_at=due[0] if due else None,
            running=self._running,
            trouble=self.trouble,
            restored=mark.read(settings.data),
        )

    async def check(self) -> str:
        """Return "ok", or a sentence if backups are planned and the last good one is too old."""
        if self.settings.backup_at == "off":
            return "ok"
        last = self._newest.taken_at if self._newest else self._born()
        if moment(self.clock.now()) - last <= STALE:
            return "ok"
        when = f"is of {last:%Y-%m-%d %H:%M} UTC" if self._newest else "was never taken"
        return f"The last good backup {when}. {self.trouble or 'Look at Settings, Backups.'}"

    def figures(self) -> Iterator[Figure]:
        """Return the figures of backups."""
        yield Figure("backups_taken", "Backups taken since the start", self.taken, grows=True)
        if self._newest:
            age = (moment(self.clock.now()) - self._newest.taken_at).total_seconds()
            yield Figure("backup_age_seconds", "Age of the newest backup", age)
            yield Figure("backup_bytes", "Bytes of the newest backup on its disk", self._newest.stored)

    def _go_on(self) -> None:
        if self._ending:
            raise Busy("Verger is stopping; try again when it runs.", retry_s=5)

    async def _look(self) -> None:
        try:
            told = await self.told()
        except (Refused, OSError) as error:
            self.trouble = str(error)
        else:
            # One that was tried and found bad is no good backup.
            self._newest = next((each for each in told if each.verified is None or each.verified.well), None)

    def _next(self, at: str) -> int:
        """Return the next such time of day."""
        hour, minute = map(int, at.split(":"))
        now = moment(self.clock.now())
        due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return microseconds(due if due > now else due + timedelta(days=1))

    def _born(self) -> datetime:
        """Return when the data folder was made."""
        return moment((self.settings.data / "secret.key").stat().st_mtime_ns // 1000)


async def gone_by(settings: Settings, deleted_at: datetime) -> datetime | None:
    """Return when something deleted is in no backup any more; None where backups are kept until somebody acts.

    The last backup with it may be of the day it was deleted; that goes when the next days have as many as are kept.
    """
    if settings.backup_at != "off":
        return deleted_at + timedelta(days=settings.backup_keep + 1)
    manifests = await asyncio.to_thread(Shelf(settings.backup_folder).manifests)
    return None if any(each.taken_at <= deleted_at for each in manifests) else deleted_at

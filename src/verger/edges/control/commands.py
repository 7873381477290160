"""The commands backup, verify and restore: by the process that runs on the data folder, or on the folder itself."""

import asyncio
import sys
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import click
import msgspec

from verger.base.clock import SystemClock
from verger.base.errors import Refused
from verger.base.folder import DataFolder
from verger.base.log import start_logging
from verger.base.plural import counted
from verger.base.settings import Settings
from verger.domain.backups.model import Backup
from verger.domain.backups.shelf import Shelf, passphrase_in
from verger.domain.history.history import History
from verger.domain.telemetry.log import Log
from verger.edges.control.bar import Bar
from verger.edges.control.caller import ask
from verger.flows.backing import BackingUp
from verger.flows.checking import Checked, Checking
from verger.flows.restoring import Restoring, check_whole, unfinished
from verger.flows.taking import HISTORY, LOG, Reached
from verger.flows.verifying import Verifying

_FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where backups are; VERGER_BACKUP_FOLDER if not said.",
)
_PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file with the passphrase that seals backups; VERGER_BACKUP_PASSPHRASE_FILE if not said.",
)


@dataclass(frozen=True)
class _Place:
    """What a command works on."""

    settings: Settings
    folder: Path | None
    passphrase: bytes | None

    @classmethod
    def of(cls, folder: Path | None, passphrase_file: Path | None) -> Self:
        start_logging("error", in_words=True)
        settings = Settings.read()
        file = passphrase_file or settings.backup_passphrase_file
        return cls(settings, folder.absolute() if folder else None, passphrase_in(file))

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.folder or self.settings.backup_folder, self.passphrase)


@click.command()
@_FOLDER
@_PASSPHRASE
def backup(folder: Path | None, passphrase_file: Path | None) -> None:
    """Back the data folder up, while Verger runs or while it does not."""
    place = _Place.of(folder, passphrase_file)
    with Bar("Backing up") as bar:
        given = {
            "folder": str(place.folder) if place.folder else None,
            "passphrase": place.passphrase.decode() if place.passphrase else None,
        }
        told = ask(place.settings.data, "backup", given, bar.reached)
        made = msgspec.convert(told, Backup) if told else asyncio.run(_back_up(place, bar.reached))
    click.echo(
        f"{made.id} in {place.shelf.folder}: {_size(made.size)}, of which {_size(made.new)} are new there, "
        f"{'sealed' if made.sealed else 'not sealed'}."
    )


async def _back_up(place: _Place, reached: Reached) -> Backup:
    settings, data = place.settings, place.settings.data
    _there(data)
    async with AsyncExitStack() as stack:
        stack.callback(DataFolder.hold(data).release)
        check_whole(data)
        log = await Log.open(data / LOG, segment_bytes=settings.segment_bytes)
        stack.push_async_callback(log.close)
        keep = settings.backup_keep
        return await BackingUp(data, settings.database_file, log, place.shelf, SystemClock(), keep).back_up(reached)


@click.command()
@click.argument("backup", required=False)
@_FOLDER
@_PASSPHRASE
def verify(backup: str | None, folder: Path | None, passphrase_file: Path | None) -> None:
    """Restore BACKUP on trial (newest for the newest one); without one look through the data folder itself."""
    place = _Place.of(folder, passphrase_file)
    if backup is None:
        _check(place)
        return
    name = None if backup == "newest" else backup
    with Bar("Verifying") as bar:
        place.shelf.find(name)  # before a folder is made for it
        line = place.settings.safe_mode_percent / 100
        verifying = Verifying(place.settings.data, place.shelf, SystemClock(), line)
        place.settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        verified = asyncio.run(verifying.verify(name, bar.reached))
    click.echo(verified.said)
    if not verified.well:
        sys.exit(1)


def _check(place: _Place) -> None:
    """Look through the data folder; say what is wrong, and exit with 1 if something is."""
    data = place.settings.data
    with Bar("Looking through") as bar:
        told = ask(data, "check", {}, bar.reached)
        checked = msgspec.convert(told, Checked) if told else asyncio.run(_look_through(place, bar.reached))
    for sentence in checked.wrong:
        click.echo(sentence)
    if checked.wrong:
        sys.exit(1)
    months, records = counted(checked.months, "month"), counted(checked.records, "record")
    click.echo(f"All is well in {data}: the database, {months} of history, {records}.")


async def _look_through(place: _Place, reached: Reached) -> Checked:
    settings, data = place.settings, place.settings.data
    _there(data)
    async with AsyncExitStack() as stack:
        stack.callback(DataFolder.hold(data).release)
        check_whole(data)
        history = await History.open(data / HISTORY, settings.hot_bytes)
        stack.push_async_callback(history.close)
        log = await Log.open(data / LOG, segment_bytes=settings.segment_bytes)
        stack.push_async_callback(log.close)
        return await Checking(settings.database_file, history, log).all(reached)


@click.command()
@click.argument("backup", required=False)
@click.option("--replace", is_flag=True, help="Move what is in the data folder aside, into a folder within it.")
@_FOLDER
@_PASSPHRASE
def restore(backup: str | None, folder: Path | None, passphrase_file: Path | None, *, replace: bool) -> None:
    """Make the data folder what it was at BACKUP, or at the newest one; Verger must not run meanwhile."""
    place = _Place.of(folder, passphrase_file)
    data = place.settings.data
    if place.settings.database_file != data / "verger.db":
        raise Refused("VERGER_DATABASE_URL names another database: unset it, for a restore puts it in the data folder.")
    if not unfinished(data):
        place.shelf.find(backup)  # before a folder is made for it
    with ExitStack() as stack:
        lock = DataFolder.hold(data)
        stack.callback(lock.release)
        with Bar("Restoring") as bar:
            restoring = Restoring(data, place.shelf, SystemClock())
            mark = restoring.restore(backup, replace=replace, reached=bar.reached)
    click.echo(f"{data} is as it was at {mark.taken_at:%Y-%m-%d %H:%M:%S} UTC, by the backup {mark.backup}.")
    if mark.replaced:
        click.echo(f"What was there is in {mark.replaced}; remove it when you need it no longer.")
    click.echo("Start Verger now. Everybody signs in again, and nothing that was done before is done over again.")


def _there(data: Path) -> None:
    if not (data / "secret.key").exists():
        raise Refused(f"There is no Verger in {data}: set VERGER_DATA to its data folder.")


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"

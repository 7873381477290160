"""Restoring: a data folder becomes what it was when a backup was taken. Nothing runs on it meanwhile.

All files are made in `.restoring` first. Then a plan is written, what was there moves into a folder `replaced-…`, and
the new files take its place. Cut short, the same command finishes the plan; until then nothing starts on the folder.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from verger.base.clock import Clock, moment
from verger.base.errors import Refused
from verger.base.folder import sync_folder
from verger.domain.backups import mark
from verger.domain.backups.mark import Mark
from verger.domain.backups.model import Manifest
from verger.domain.backups.objects import clear, write_synced
from verger.domain.backups.shelf import Shelf
from verger.domain.deletions import ledger
from verger.domain.deletions.ledger import Ledger
from verger.flows.laying import Laying
from verger.flows.taking import Reached, nowhere

UNFINISHED = ".restoring"
_NEW, _PLAN = "new", "plan.json"
_STAYS = {"lock", "control", UNFINISHED, ".backup", ".verify"}


class Plan(Struct, frozen=True):
    """What moves where: the names that were there, the folder they go to, and the names that take their place."""

    old: tuple[str, ...]
    aside: str
    new: tuple[str, ...]


@dataclass(frozen=True)
class Restoring:
    """Restores into a data folder, whose lock the caller holds."""

    data: Path
    shelf: Shelf
    clock: Clock

    def restore(self, backup: str | None, *, replace: bool, reached: Reached = nowhere) -> Mark:
        """Make the folder what it was at a backup, the newest if none is named; raise Refused where it is in use."""
        if unfinished(self.data):
            return self._carry_out()
        old = sorted(path.name for path in self.data.iterdir() if self._counts(path))
        if old and not replace:
            raise Refused(
                f"The folder {self.data} is in use: name an empty one in VERGER_DATA, "
                "or say --replace to move what is there into a folder beside it."
            )
        with self.shelf.held(to_read=True):
            self._prepare(self.shelf.find(backup), old, reached)
        return self._carry_out()

    def _prepare(self, manifest: Manifest, old: list[str], reached: Reached) -> None:
        making = self.data / UNFINISHED
        clear(making)
        fresh = making / _NEW
        fresh.mkdir(mode=0o700, parents=True)
        laying = Laying(self.shelf, manifest)
        contents = laying.contents(self.data)
        for sentence in laying.lay(contents, fresh, reached):
            clear(making)
            raise Refused(f"The backup {manifest.id} is damaged: {sentence} Restore another one; nothing was changed.")
        now = moment(self.clock.now())
        aside = f"replaced-{now.strftime('%Y-%m-%dT%H-%M-%SZ')}"
        found = Mark(
            backup=manifest.id,
            begun_at=contents.begun_at,
            taken_at=manifest.taken_at,
            restored_at=now,
            replaced=str(self.data / aside) if old else None,
        )
        mark.write(fresh, found)
        if deletions := Ledger(self.shelf.folder).read():
            write_synced(fresh / ledger.FILE, [deletions])
        for folder in {path.parent for path in fresh.rglob("*")}:
            sync_folder(folder)
        plan = Plan(tuple(old), aside, tuple(sorted(path.name for path in fresh.iterdir())))
        write_synced(making / f"{_PLAN}.new", [msgspec.json.encode(plan)])
        (making / f"{_PLAN}.new").rename(making / _PLAN)
        sync_folder(making)

    def _carry_out(self) -> Mark:
        """Do what of the plan is not done yet."""
        making = self.data / UNFINISHED
        plan = msgspec.json.decode((making / _PLAN).read_bytes(), type=Plan)
        if plan.old:
            aside = self.data / plan.aside
            aside.mkdir(mode=0o700, exist_ok=True)
            for name in plan.old:
                if not (aside / name).exists():
                    (self.data / name).rename(aside / name)
            sync_folder(aside)
        for name in plan.new:
            if (making / _NEW / name).exists():
                (making / _NEW / name).rename(self.data / name)
        sync_folder(self.data)
        clear(making)
        sync_folder(self.data)
        found = mark.read(self.data)
        if found is None:
            raise Refused(f"What was restored in {self.data} has no mark: restore it again, with --replace.")
        return found

    def _counts(self, path: Path) -> bool:
        """Tell whether something in the folder is of the data, rather than of how it is looked after."""
        backups = path == self.shelf.folder or path in self.shelf.folder.parents
        return not (backups or path.name in _STAYS or path.name.startswith("replaced-"))


def unfinished(data: Path) -> bool:
    """Tell whether a restore into a folder was begun and not finished."""
    return (data / UNFINISHED / _PLAN).exists()


def check_whole(data: Path) -> None:
    """Raise Refused where a restore into a folder was begun and not finished."""
    if unfinished(data):
        raise Refused(f"A restore into {data} was cut short: say verger restore again, which finishes it.")

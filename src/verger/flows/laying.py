"""Laying out: the files of a backup are made again in a folder."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from verger.base.copying import rows, sound
from verger.base.errors import Refused
from verger.base.space import space_of
from verger.domain.backups.model import Contents, Damaged, Manifest, Part
from verger.domain.backups.objects import Objects
from verger.domain.backups.shelf import Shelf
from verger.domain.history import copies
from verger.flows.taking import Course, Reached

_FILES = {"index", "month", "database"}  # that SQLite can judge


@dataclass(frozen=True)
class Laying:
    """Makes the files of one backup, each proven by its checksum."""

    shelf: Shelf
    manifest: Manifest

    def contents(self, folder: Path, spare: float = 0.0) -> Contents:
        """Return what is in the backup; raise Refused where a folder's disk has no room for it.

        `spare` is the share of the disk, from 0 to 1, that has to stay free for who works on it meanwhile.
        """
        contents, disk = self.shelf.contents(self.manifest), space_of(folder)
        kept = round(disk.total * spare)
        if disk.free - kept < contents.size:
            raise Refused(
                f"This needs {contents.size >> 20} MiB on the disk of {folder}, and {disk.free >> 20} MiB are free"
                f"{f', of which {kept >> 20} are kept for what devices send' if kept else ''}: free some space there."
            )
        return contents

    def lay(self, contents: Contents, folder: Path, reached: Reached) -> Iterator[str]:
        """Make the files in an empty folder; give a sentence for each that is not what was backed up."""
        objects, course = self.shelf.objects(), Course(reached, contents.size)
        for part in contents.parts:
            try:
                self._make(objects, part, folder / part.path, course)
            except Damaged as damaged:
                with suppress(OSError):  # it lies where nothing can be written
                    objects.set_aside(part.contents.name)
                yield f"{part.path}: {damaged}"
                continue
            if part.kind in _FILES and (wrong := sound(folder / part.path)):
                yield f"{part.path}: {wrong}."
            elif (found := counted(part, folder / part.path)) != part.counts:
                yield f"{part.path} holds {found} where {part.counts} were backed up."

    def _make(self, objects: Objects, part: Part, path: Path, course: Course) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        objects.get(part.contents, path, course.go)


def counted(part: Part, path: Path) -> dict[str, int]:
    """Return what of a file can be counted, as it was when it was backed up."""
    match part.kind:
        case "month":
            return copies.totals(path)
        case "database":
            return rows(path)
        case _:
            return part.counts

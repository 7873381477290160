"""The ledger: deletions written down beside the backups, for the day on which nothing but a backup is left."""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from verger.base.errors import Busy, Refused
from verger.domain.deletions.model import Erasure

FILE = "deletions.jsonl"


class Ledger:
    """A file of one line a deletion, ids only; nothing is written while there is no folder of backups."""

    def __init__(self, folder: Path) -> None:
        """Lie in the folder of backups."""
        self._folder = folder

    def add(self, erasure: Erasure) -> None:
        """Write a deletion down; on disk on return. Raise Busy, and leave nothing of it, where that cannot be done."""
        if not self._folder.is_dir():
            return
        try:
            self._write(msgspec.json.encode(erasure))
        except OSError as error:
            raise Busy(
                f"Nothing was deleted, for it cannot be written down beside the backups in {self._folder} "
                f"({error.strerror}): make that folder writable and see that there is room, then delete again.",
                retry_s=60,
            ) from error

    def complete(self, erasures: Iterable[Erasure]) -> None:
        """Write down those that are not there yet; on disk on return. Raise Refused where that cannot be done."""
        there = {erasure.deletion.id for erasure in _erasures(self.read())}
        try:
            if missing := [msgspec.json.encode(each) for each in erasures if each.deletion.id not in there]:
                self._write(b"\n".join(missing))
        except OSError as error:
            raise Refused(
                f"The deletions cannot be written down in {self._folder} ({error.strerror}): "
                "make that folder writable and see that there is room."
            ) from error

    def since(self, at: datetime) -> list[Erasure]:
        """Return the deletions since a time, oldest first; a line that was cut short is passed over."""
        with suppress(Refused):
            return [erasure for erasure in _erasures(self.read()) if erasure.deletion.at >= at]
        return []

    def read(self) -> bytes:
        """Return what is written down, nothing where there is no such file; raise Refused where it cannot be read."""
        try:
            return (self._folder / FILE).read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise Refused(
                f"The deletions written down in {self._folder / FILE} cannot be read ({error.strerror}): "
                "see that it may be read, for what it names would come back."
            ) from error

    def _write(self, lines: bytes) -> None:
        file = os.open(self._folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _append(file, lines)
        finally:
            os.close(file)


def _erasures(lines: bytes) -> list[Erasure]:
    found = []
    for line in lines.splitlines():
        with suppress(msgspec.MsgspecError):
            found.append(msgspec.json.decode(line, type=Erasure))
    return found


def _append(file: int, lines: bytes) -> None:
    """Add lines to an open file, whole and on disk, or not at all."""
    before = os.fstat(file).st_size
    # On a line of its own, whatever a crash or a full disk left of the one before.
    line = b"\n" + lines + b"\n"
    try:
        written = os.write(file, line)
        os.fsync(file)
    except OSError:
        _take_back(file, before)
        raise
    if written != len(line):
        _take_back(file, before)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _take_back(file: int, size: int) -> None:
    with suppress(OSError):  # what is left is passed over
        os.ftruncate(file, size)

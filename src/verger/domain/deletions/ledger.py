"""The ledger: deletions written down beside the backups, for the day on which nothing but a backup is left."""

import errno
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from verger.base.errors import Busy
from verger.domain.deletions.model import Erasure

_FILE = "deletions.jsonl"


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
            file = os.open(self._folder / _FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _append(file, msgspec.json.encode(erasure))
            finally:
                os.close(file)
        except OSError as error:
            raise Busy(
                f"Nothing was deleted, for it cannot be written down beside the backups in {self._folder} "
                f"({error.strerror}): make that folder writable and see that there is room, then delete again.",
                retry_s=60,
            ) from error

    def since(self, at: datetime) -> list[Erasure]:
        """Return the deletions since a time, oldest first; a line that was cut short is passed over."""
        try:
            lines = (self._folder / _FILE).read_bytes().splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Erasure))
            except msgspec.MsgspecError:
                continue
        return [erasure for erasure in found if erasure.deletion.at >= at]


def _append(file: int, erasure: bytes) -> None:
    """Add a line to an open file, whole and on disk, or not at all."""
    before = os.fstat(file).st_size
    # On a line of its own, whatever a crash or a full disk left of the one before.
    line = b"\n" + erasure + b"\n"
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

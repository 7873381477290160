"""The ledger: deletions written down beside the backups, for the day on which nothing but a backup is left."""

import errno
import os
from datetime import datetime
from pathlib import Path

import msgspec

from verger.domain.deletions.model import Erasure

_FILE = "deletions.jsonl"


class Ledger:
    """A file of one line a deletion, ids only; nothing is written while there is no folder of backups."""

    def __init__(self, folder: Path) -> None:
        """Lie in the folder of backups."""
        self._folder = folder

    def add(self, erasure: Erasure) -> None:
        """Write a deletion down; on disk on return."""
        if not self._folder.is_dir():
            return
        file = os.open(self._folder / _FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # On a line of its own, whatever a crash or a full disk left of the one before.
            line = b"\n" + msgspec.json.encode(erasure) + b"\n"
            if os.write(file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        finally:
            os.close(file)

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

"""Folders: one process holds the data folder at a time; a name in a folder is on disk once that is synced."""

import fcntl
import os
from pathlib import Path
from typing import Self

from verger.base.errors import Refused


class Taken(Refused):
    """Another process holds the folder, or it cannot be used."""


class DataFolder:
    """A folder held by an exclusive lock until it is released or the process ends."""

    def __init__(self, path: Path, lock: int) -> None:
        """Hold a folder by an open lock file; `DataFolder.hold` does both."""
        self.path = path
        self._lock = lock

    @classmethod
    def hold(cls, path: Path) -> Self:
        """Make the folder if need be and hold it; raise Taken with a sentence that says what to do."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Taken(
                f"The data folder {path} cannot be used ({error.strerror}): "
                "set VERGER_DATA to a folder that may be written."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise Taken(
                f"Another Verger is running on the data folder {path}: stop it, or set VERGER_DATA to another folder."
            ) from None
        return cls(path, lock)

    def release(self) -> None:
        """Let another process hold it."""
        os.close(self._lock)


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)

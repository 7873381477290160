"""Space: how full the disk under a folder is, and a file that holds some of it back for need."""

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct


class Space(Struct, frozen=True):
    """Bytes of a disk: all that files of ours may take, and what is left of that."""

    total: int
    free: int

    @property
    def share(self) -> float:
        """Return how much of it is taken, from 0 to 1."""
        return 1 - self.free / self.total if self.total else 1.0

    def without(self, size: int) -> "Space":
        """Return what it would be with so many bytes more taken."""
        return Space(self.total, self.free - size)


def space_of(folder: Path) -> Space:
    """Return the space of the disk that a folder lies on, as `df` counts it; raises OSError."""
    told = os.statvfs(folder)
    free = told.f_bavail * told.f_frsize
    return Space((told.f_blocks - told.f_bfree) * told.f_frsize + free, free)


def size_of(folder: Path, but: Path | None = None) -> int:
    """Return the bytes on disk of all files below a folder, but one; what goes meanwhile counts nothing."""
    size = 0
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            with suppress(FileNotFoundError):
                size += 0 if path == but else path.lstat().st_blocks * 512
    return size


class Reserve:
    """A file that takes room while all is well, so that it can be given back; `size` 0 holds nothing."""

    def __init__(self, path: Path, size: int) -> None:
        """Know where it is to be; nothing is made yet."""
        self.path = path
        self.size = size

    @property
    def held(self) -> bool:
        """Tell whether it is there, whole."""
        try:
            return self.path.stat().st_size == self.size
        except FileNotFoundError:
            return self.size == 0

    def make(self) -> bool:
        """Take the room; return whether that went well, with nothing taken where it did not."""
        if self.held:
            return True
        self.give_back()
        if not self.size:
            return True
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, self.size)
            finally:
                os.close(file)
        except OSError:
            self.give_back()
            return False
        return True

    def give_back(self) -> None:
        """Leave the room to whoever needs it."""
        self.path.unlink(missing_ok=True)

"""The disk: the few file operations the log stands on, so that a test can take the power away between any two."""

import os
import sys
from pathlib import Path
from typing import Protocol

if sys.platform == "darwin":
    import fcntl


class Disk(Protocol):
    """Files are numbers given by `create` and `open`; everything raises OSError; nothing is kept until it is synced."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, and sync the folder it stands in; it may be there already."""
        ...

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder, in no order."""
        ...

    def create(self, path: Path) -> int:
        """Make an empty file for reading and writing; it must not be there yet."""
        ...

    def open(self, path: Path) -> int:
        """Open a file that is there for reading and writing."""
        ...

    def size(self, file: int) -> int:
        """Return the bytes in a file."""
        ...

    def read(self, file: int, offset: int, length: int) -> bytes:
        """Return the bytes from an offset, fewer only where the file ends."""
        ...

    def write(self, file: int, offset: int, what: bytes) -> None:
        """Write all the bytes at an offset, or raise with some of them written."""
        ...

    def truncate(self, file: int, size: int) -> None:
        """Cut a file to a size."""
        ...

    def sync(self, file: int) -> None:
        """Return once the contents and the size of a file are on disk."""
        ...

    def close(self, file: int) -> None:
        """Close a file; this syncs nothing."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in a folder are on disk."""
        ...


class RealDisk:
    """The disk of this machine."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, and sync the folder it stands in."""
        folder.mkdir(parents=True, exist_ok=True)
        self.sync_folder(folder.parent)

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder."""
        return os.listdir(folder)  # noqa: PTH208  a protocol of names, not of paths

    def create(self, path: Path) -> int:
        """Make an empty file."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        """Open a file that is there."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def size(self, file: int) -> int:
        """Return the bytes in a file."""
        return os.fstat(file).st_size

    def read(self, file: int, offset: int, length: int) -> bytes:
        """Return the bytes from an offset."""
        parts = []
        while length > 0 and (part := os.pread(file, length, offset)):
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, file: int, offset: int, what: bytes) -> None:
        """Write all the bytes at an offset."""
        done = os.pwrite(file, what, offset)
        while done < len(what):
            done += os.pwrite(file, memoryview(what)[done:], offset + done)

    def truncate(self, file: int, size: int) -> None:
        """Cut a file to a size."""
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        """Return once a file is on disk."""
        if sys.platform == "darwin":
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(file)

    def close(self, file: int) -> None:
        """Close a file."""
        os.close(file)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in a folder are on disk."""
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)

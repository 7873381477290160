"""The folder of exports: files under way and files to be fetched, all together within a quota."""

import shutil
from pathlib import Path
from typing import Any

from verger.base.errors import Missing, Refused

_PART = ".part"
_DISK_FULL = 0.95


class ExportFolder:
    """Files by the id of the job that makes them; what is under way has a name of its own."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Keep files in a folder, made if need be, and at most so many bytes of them."""
        self._path, self._most = path, most_bytes
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in path.glob(f"*{_PART}"):  # what a crash cut short
            part.unlink()

    def part(self, job: str) -> Path:
        """Return where a file is written."""
        return self._path / f"{job}{_PART}"

    def keep(self, job: str) -> int:
        """Let a file that is whole be fetched; return its size."""
        return self.part(job).rename(self._path / job).stat().st_size

    def drop(self, job: str) -> None:
        """Remove a file that was begun."""
        self.part(job).unlink(missing_ok=True)

    def find(self, job: str) -> Path:
        """Return a file to be fetched; raise Missing once it is gone."""
        path = self._path / job
        if not path.is_file():
            raise Missing("This file has expired; export it again.")
        return path

    def bytes(self) -> int:
        """Return how much all files take."""
        return sum(_size(path) for path in self._path.iterdir())

    def check(self) -> None:
        """Raise Refused when the files take more than they may, or the disk is nearly full."""
        if self.bytes() > self._most:
            raise Refused(
                f"Exports may take {_shown(self._most)} together, and this one does not fit: ask for a shorter span or "
                "fewer series, choose Parquet, or set VERGER_EXPORT_BYTES."
            )
        disk: Any = shutil.disk_usage(self._path)
        if disk.used > _DISK_FULL * disk.total:
            raise Refused("The disk is nearly full, so this export was given up: free some space on it.")

    def purge(self, before_s: float) -> None:
        """Remove what became whole before a time, in seconds since 1970."""
        for path in self._path.iterdir():
            if path.suffix != _PART and path.stat().st_mtime < before_s:
                path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _shown(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.1f} MiB"

"""The folder of files that people brought: each up to a bound, all together up to ten of them, for a day."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from re import fullmatch

from verger.base.errors import Busy, Missing, TooLarge
from verger.base.folder import sync_folder
from verger.base.ids import new_id

_TOGETHER = 10
_PART = ".part"


class ImportFolder:
    """Files by tenant and id."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Keep files of at most so many bytes each in a folder, made if need be."""
        self._path, self._most = path, most_bytes
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(path.parent)
        for part in path.glob(f"*{_PART}"):  # what a crash cut short
            part.unlink()

    async def keep(self, tenant: str, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep a file as it comes, on disk on return; return its id and size. Raise TooLarge, or Busy for now."""
        if sum(path.stat().st_size for path in self._path.iterdir()) >= _TOGETHER * self._most:
            raise Busy("Too many files wait to be imported; try again in an hour.", retry_s=3600)
        upload, size = new_id(), 0
        path = self._path / f"{tenant}.{upload}"
        part = path.with_name(path.name + _PART)
        try:
            with part.open("wb") as file:
                async for piece in pieces:
                    size += len(piece)
                    if size > self._most:
                        raise TooLarge(
                            f"A file may have {self._most >> 20} MiB (VERGER_IMPORT_BYTES); cut it into several."
                        )
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            sync_folder(self._path)  # else a power cut takes the name from a file that was answered for
        finally:
            part.unlink(missing_ok=True)
        return upload, size

    def find(self, tenant: str, upload: str) -> Path:
        """Return a file; raise Missing."""
        path = self._path / f"{tenant}.{upload}"
        if not fullmatch(r"[0-9a-f-]{36}", upload) or not path.is_file():
            raise Missing("There is no such file; it may have expired: upload it again.")
        return path

    def drop(self, tenant: str, upload: str) -> None:
        """Remove a file that was imported."""
        (self._path / f"{tenant}.{upload}").unlink(missing_ok=True)

    def purge(self, before_s: float) -> None:
        """Remove what came before a time, in seconds since 1970."""
        for path in self._path.iterdir():
            if path.suffix != _PART and path.stat().st_mtime < before_s:
                path.unlink(missing_ok=True)

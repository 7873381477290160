"""The mark of a restored folder: from which backup it is, and what the first start after it did about that."""

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from verger.base.folder import sync_folder
from verger.domain.backups.objects import write_synced

FILE = "restored.json"


class Mark(Struct, frozen=True, kw_only=True):
    """Where a folder comes from; `honoured_at` is when the first start saw to it that nothing is done over again."""

    backup: str
    begun_at: datetime
    taken_at: datetime
    restored_at: datetime
    replaced: str | None = None  # the folder that holds what was here before
    honoured_at: datetime | None = None
    said: tuple[str, ...] = ()


def read(folder: Path) -> Mark | None:
    """Return the mark of a folder, if it was restored."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Mark)
    except FileNotFoundError:
        return None


def write(folder: Path, mark: Mark) -> None:
    """Put a mark in a folder; on disk on return."""
    fresh = folder / f"{FILE}.new"
    fresh.unlink(missing_ok=True)
    write_synced(fresh, [msgspec.json.format(msgspec.json.encode(mark), indent=1)])
    fresh.rename(folder / FILE)
    sync_folder(folder)

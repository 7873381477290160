"""A backup: which files of a data folder it holds, where their contents stand, and what is in them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from verger.base.errors import Refused

FORMAT = 1

Kind = Literal["secret", "index", "month", "database", "log"]


class Damaged(Refused):
    """Something in a backup is missing, or is not as it was written."""


class Stored(Struct, frozen=True):
    """Contents kept as an object: its name, their bytes and SHA-256 in the clear, and the bytes it takes."""

    name: str
    size: int
    sha256: str
    stored: int


class Part(Struct, frozen=True, kw_only=True):
    """One file of a data folder: `path` within it, and what of it can be counted.

    `stamp` is what the live file looked like (inode, bytes, time of change): while it looks so, it need not be read
    again. None where it may change without looking other.
    """

    path: str
    kind: Kind
    contents: Stored
    counts: dict[str, int] = {}
    stamp: tuple[int, ...] | None = None


class Counts(Struct, frozen=True):
    """How much is in a backup; `records` are those of the log behind the chunks.

    `readings` counts what went from the log to chunks during the backup twice.
    """

    devices: int = 0
    series: int = 0
    readings: int = 0
    events: int = 0
    records: int = 0


class Contents(Struct, frozen=True, kw_only=True):
    """All that a backup holds; every record of the log up to `last` is in it."""

    begun_at: datetime
    last: int
    position: int  # up to which record readings are in chunks
    parts: tuple[Part, ...]
    counts: Counts
    left_out: tuple[str, ...] = ()  # what was set aside as damaged before

    @property
    def size(self) -> int:
        """The bytes of the folder that a restore makes."""
        return sum(part.contents.size for part in self.parts)


class Manifest(Struct, frozen=True, kw_only=True):
    """The file that makes a backup: what anybody may know of it, and its contents, sealed if there was a passphrase.

    `objects` are the bytes of each object by name; `contents` are JSON or, in base64, JSON sealed; `check` is their
    SHA-256 in hex.
    """

    format: int
    id: str
    version: str  # of Verger
    taken_at: datetime
    size: int
    sealed: bool
    objects: dict[str, int]
    contents: str
    check: str


class Verified(Struct, frozen=True, kw_only=True):
    """What became of restoring a backup on trial."""

    at: datetime
    well: bool
    said: str


class Backup(Struct, frozen=True, kw_only=True):
    """A backup as people see it: `size` in bytes when restored, `stored` in bytes of its objects, `new` not shared."""

    id: str
    taken_at: datetime
    version: str
    size: int
    stored: int
    new: int
    sealed: bool
    counts: Counts | None = None  # None where no passphrase opens it
    verified: Verified | None = None

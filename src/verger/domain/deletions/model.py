"""A deletion, which is remembered without what was deleted."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

What = Literal["device", "place", "person"]
_FAR = 1 << 62


class Part(Struct, frozen=True):
    """A device all of whose data goes, or of which the data of start <= time < end goes, in microseconds.

    `series` are the numbers of its series, whose rows may be gone already.
    """

    device: str
    series: list[int]
    start: int | None = None
    end: int | None = None

    @property
    def whole(self) -> bool:
        """Tell whether the device itself goes."""
        return self.start is None

    @property
    def span(self) -> tuple[int, int]:
        """Return from when (inclusive) to when (exclusive) its data goes."""
        return -_FAR if self.start is None else self.start, _FAR if self.end is None else self.end


class Deletion(Struct, frozen=True, kw_only=True):
    """What was deleted: unreadable since `at`, off the disk since `done_at`, None while that is under way.

    `upto` is the record of the log behind which nothing of it can come. `backups_until` is when the last backup that
    may hold it has gone, None where backups stay until somebody removes them.
    Ids only: names went with what they named.
    """

    id: str
    what: What
    subject: str
    asked_by: str
    at: datetime
    upto: int
    done_at: datetime | None = None
    backups_until: datetime | None = None


class Erasure(Struct, frozen=True):
    """A deletion and what has to be done for it; `months` are the files that held it, None until that is known."""

    tenant: str
    deletion: Deletion
    parts: list[Part]
    months: list[int] | None = None

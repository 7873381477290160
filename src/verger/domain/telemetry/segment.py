"""A segment: one file of the log, named by its first sequence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_NAME = re.compile(r"(\d{20})-(\d{4,})-([0-9a-f]{8})\.log")


@dataclass(frozen=True, order=True, slots=True)
class Name:
    """What a file name says: the first sequence, how often it was begun, and the salt of its checksums.

    Of two segments the lower ends where the higher begins, even if both begin alike: what a failed one still holds
    is void. The salt is known to nobody outside, so bytes that a device sent are never taken for a record.
    """

    first: int
    attempt: int
    salt: int

    @classmethod
    def read(cls, name: str) -> Self | None:
        """Return what a file name says, or None if it is no segment's."""
        found = _NAME.fullmatch(name)
        return cls(int(found[1]), int(found[2]), int(found[3], 16)) if found else None

    def __str__(self) -> str:
        """Return the file name."""
        return f"{self.first:020d}-{self.attempt:04d}-{self.salt:08x}.log"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that may be read: its records up to the sequence `last` stand before the offset `end`."""

    name: Name
    path: Path
    last: int
    end: int


def covered(segments: Sequence[Segment], upto: int) -> list[Segment]:
    """Return the oldest segments that hold nothing beyond a sequence; never the newest, whose name keeps the count."""
    done = 0
    while done < len(segments) - 1 and segments[done].last <= upto:
        done += 1
    return list(segments[:done])

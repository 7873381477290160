"""What an installation of another system holds, in words that are of no system."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct, structs

from verger.domain.imports.lines import Found


class OldPlace(Struct, frozen=True, kw_only=True):
    """A place by its `key` there; `within` is the key of the one that it lies in, None for the outermost."""

    key: str
    name: str
    kind: str
    within: str | None = None
    address: str = ""
    about: dict[str, Any] = {}


class OldDevice(Struct, frozen=True, kw_only=True):
    """A device by its `key` there, and the address that its family knows it by.

    `place` and `gateway` are keys, `channels` the family's own ids of what it measures.
    """

    key: str
    address: str
    name: str = ""
    place: str | None = None
    gateway: str | None = None
    channels: dict[str, str] = {}

    def measures(self, channel: str, metric: str) -> "OldDevice":
        """Return the device that measures, or moves, one thing more."""
        return structs.replace(self, channels=self.channels | {channel: metric})


class OldEvent(Struct, frozen=True):
    """Something that happened to a device; `row` is how it is known again."""

    line: int
    device: str
    kind: str
    at: int
    row: str
    data: Any = None
    table: str = ""


class Bad(Struct, frozen=True):
    """A row that makes no sense: its table, its number there, and why."""

    table: str
    line: int
    message: str


Word = Found | OldEvent | Bad


@dataclass(frozen=True)
class Installation:
    """Another system's data, read when it is asked for; a `Found` names its device by key.

    `rows` is about how many words there are, `left` the rows of tables of which nothing is taken.
    """

    places: Sequence[OldPlace]
    devices: Sequence[OldDevice]
    words: Callable[[], Iterator[Word]]
    bad: Sequence[Bad] = ()
    rows: int = 0
    left: Mapping[str, int] = field(default_factory=dict)


class Source(Struct, frozen=True, kw_only=True):
    """Whose data is where: a file, a folder or a URL with its `password`.

    `mapping` says how its tables and columns are called there. Times that name no zone are those of `timezone`, where
    it is given.
    """

    family: str
    where: str
    password: str = ""
    timezone: str = ""
    mapping: dict[str, Any] = {}

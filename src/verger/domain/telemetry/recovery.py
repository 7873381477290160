"""Opening the log again: what is whole is used, an incomplete tail is cut, what is damaged is set aside."""

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from msgspec import Struct

from verger.domain.telemetry.disk import Disk
from verger.domain.telemetry.record import HEAD, read_head
from verger.domain.telemetry.scan import Bad, Found, Window, scan
from verger.domain.telemetry.segment import Name, Segment

_BLOCK = 1 << 20


class Aside(Struct, frozen=True):
    """Something in the log that cannot be used: where it stands, why, and the file that holds a copy of its bytes."""

    segment: str
    offset: int
    length: int
    reason: str
    copy: str | None = None


@dataclass(slots=True)
class Recovered:
    """What was found: the segments in order, the last sequence, what was set aside, and how many bytes were cut."""

    last: int = 0
    newest: Name | None = None
    cut: int = 0
    segments: list[Segment] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)


def recover(disk: Disk, folder: Path) -> Recovered:
    """Read every segment; all that is given as recovered is on disk. Raises OSError when the disk cannot be read."""
    disk.make_folder(folder)
    names = sorted(name for each in disk.names(folder) if (name := Name.read(each)))
    found = Recovered(newest=names[-1] if names else None)
    for name, following in zip_longest(names, names[1:]):
        _Segment(disk, folder, name, following, found).recover()
    # A process that was killed may have left a name unsynced: were older ones released, the count would hang on it.
    disk.sync_folder(folder)
    return found


class _Segment:
    """One segment while it is read; `following` is the one in which its successors stand."""

    def __init__(self, disk: Disk, folder: Path, name: Name, following: Name | None, found: Recovered) -> None:
        self._disk = disk
        self._folder = folder
        self._name = name
        self._following = following
        self._found = found
        self._last = name.first - 1
        self._end = 0

    def recover(self) -> None:
        """Add this segment to what was found."""
        path = self._folder / str(self._name)
        file = self._disk.open(path)
        try:
            window = Window(self._disk, file, self._disk.size(file), self._name)
            self._finish(file, window, self._read(window))
        finally:
            self._disk.close(file)
        self._found.last = self._last
        self._found.segments.append(Segment(self._name, path, self._last, self._end))

    def _read(self, window: Window) -> Bad | None:
        """Go through the records; return the bad stretch behind the last good one, if there is one."""
        bad: Bad | None = None
        for piece in scan(window, 0, self._last):
            if isinstance(piece, Bad):
                bad = piece
                continue
            if self._following and piece.sequence >= self._following.first:
                break  # never acknowledged: the following segment took its place
            self._take(window, piece, bad)
            bad = None
        return bad

    def _take(self, window: Window, piece: Found, bad: Bad | None) -> None:
        if bad:
            self._set_aside(window, bad, "These bytes are damaged; the records behind them are used.")
        self._gap(piece.sequence, piece.offset)
        self._last = piece.sequence
        self._end = piece.offset + piece.length

    def _finish(self, file: int, window: Window, bad: Bad | None) -> None:
        if self._following:
            if bad and self._last + 1 < self._following.first:
                self._set_aside(window, bad, "These bytes are damaged; the next segment is used.")
            self._gap(self._following.first, self._end)
            return
        if bad:
            self._cut(file, window, bad)
        # A process that was killed may have written what it never synced; followers must not build on that.
        self._disk.sync(file)

    def _cut(self, file: int, window: Window, bad: Bad) -> None:
        head = read_head(window.at(bad.offset, HEAD))
        if head and bad.offset + HEAD + head[1] <= window.end:
            self._set_aside(window, bad, "The last record is damaged, though none of it is missing; it was cut off.")
        self._found.cut += bad.length
        self._disk.truncate(file, self._end)

    def _gap(self, sequence: int, offset: int) -> None:
        if sequence > self._last + 1:
            missing = f"Records {self._last + 1} to {sequence - 1} are missing."
            self._found.aside.append(Aside(str(self._name), offset, 0, missing))

    def _set_aside(self, window: Window, bad: Bad, reason: str) -> None:
        self._found.aside.append(set_aside(self._disk, self._folder, window, bad, reason))


def set_aside(disk: Disk, folder: Path, window: Window, bad: Bad, reason: str) -> Aside:
    """Copy some bytes of a segment into a file of their own, as well as the disk allows, and report them."""
    name = str(window.name)
    path = folder / "aside" / f"{name}-{bad.offset}"
    copied = False
    with suppress(OSError):
        disk.make_folder(path.parent)
        _copy(disk, path, window, bad)
        copied = True
    return Aside(name, bad.offset, bad.length, reason, str(path) if copied else None)


def _copy(disk: Disk, path: Path, window: Window, bad: Bad) -> None:
    try:
        file = disk.create(path)
    except FileExistsError:
        file = disk.open(path)  # an earlier start made it, perhaps not to the end
    try:
        for done in range(0, bad.length, _BLOCK):
            disk.write(file, done, window.at(bad.offset + done, min(_BLOCK, bad.length - done)))
        disk.sync(file)
    finally:
        disk.close(file)
    disk.sync_folder(path.parent)

"""The reading end of the log: older records, a bounded piece at a time, from the files."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from verger.domain.telemetry.disk import Disk
from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.record import Unreadable, unpack
from verger.domain.telemetry.recovery import Aside, set_aside
from verger.domain.telemetry.scan import Bad, Found, Window, scan
from verger.domain.telemetry.segment import Name, Segment

_PIECE_BYTES = 1 << 20


class Place(Struct, frozen=True):
    """Where a reader stands: behind the record `after`, at an offset of a segment, if it is in one."""

    after: int
    name: Name | None = None
    offset: int = 0


class Piece(Struct, frozen=True):
    """Some batches in order, where to read on, and what could not be read."""

    batches: list[Batch]
    place: Place
    aside: list[Aside]


def read_piece(disk: Disk, folder: Path, segments: Sequence[Segment], place: Place) -> Piece | None:
    """Return what stands behind a place, about a mebibyte of one segment, or None if nothing does."""
    for segment in segments:
        if segment.last > place.after:
            try:
                file = disk.open(segment.path)
            except FileNotFoundError:
                continue  # released meanwhile
            try:
                return _read(disk, folder, Window(disk, file, segment.end, segment.name), segment.last, place)
            finally:
                disk.close(file)
    return None


def _read(disk: Disk, folder: Path, window: Window, last: int, place: Place) -> Piece:
    here = place.name == window.name
    start = place.offset if here else 0
    batches: list[Batch] = []
    aside: list[Aside] = []
    taken = 0
    for found in scan(window, start, place.after if here else window.name.first - 1):
        taken += found.length
        if isinstance(found, Bad):
            aside.append(set_aside(disk, folder, window, found, "These bytes are damaged."))
            continue
        if found.sequence > place.after:
            _take(disk, folder, window, found, batches, aside)
        if taken >= _PIECE_BYTES:
            return Piece(
                batches, Place(max(found.sequence, place.after), window.name, found.offset + found.length), aside
            )
    # Whatever else the segment should have held is lost; the reader goes on behind it.
    return Piece(batches, Place(last, window.name, window.end), aside)


def _take(disk: Disk, folder: Path, window: Window, found: Found, batches: list[Batch], aside: list[Aside]) -> None:
    try:
        batches.append(unpack(found.sequence, found.body))
    except Unreadable as error:
        reason = f"Record {found.sequence} is whole but cannot be understood: {error}"
        aside.append(set_aside(disk, folder, window, Bad(found.offset, found.length), reason))

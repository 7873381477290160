"""Reading a segment: its records in order, and the stretches between them that are none."""

from collections.abc import Iterator

from msgspec import Struct

from verger.domain.telemetry.disk import Disk
from verger.domain.telemetry.record import HEAD, MAGIC, fits, read_head
from verger.domain.telemetry.segment import Name

_BLOCK = 1 << 20


class Found(Struct, frozen=True, gc=False):
    """A record as it was written: where it stands, how many bytes it takes with its head, and its body."""

    sequence: int
    offset: int
    length: int
    body: bytes


class Bad(Struct, frozen=True, gc=False):
    """A stretch of bytes in which no record begins."""

    offset: int
    length: int


class Window:
    """The bytes of a segment's open file up to `end`, read a block at a time."""

    def __init__(self, disk: Disk, file: int, end: int, name: Name) -> None:
        self.end = end
        self.name = name
        self._disk = disk
        self._file = file
        self._offset = 0
        self._block = b""

    def at(self, offset: int, length: int) -> bytes:
        """Return the bytes at an offset, fewer only at the end."""
        length = max(0, min(length, self.end - offset))
        begin = offset - self._offset
        if begin < 0 or begin + length > len(self._block):
            self._block = self._disk.read(self._file, offset, min(max(length, _BLOCK), self.end - offset))
            self._offset, begin = offset, 0
        return self._block[begin : begin + length]

    def find(self, offset: int) -> int:
        """Return where the next magic stands, or the end."""
        while offset < self.end:
            block = self.at(offset, _BLOCK)
            place = block.find(MAGIC)
            if place >= 0:
                return offset + place
            if len(block) < len(MAGIC):
                break
            offset += len(block) - len(MAGIC) + 1
        return self.end


def scan(window: Window, start: int, after: int) -> Iterator[Found | Bad]:
    """Give what stands from `start` on; sequences rise from `after`, what does not is no record."""
    offset = start
    while offset < window.end:
        record = _record(window, offset, after)
        if record is None:
            good = _next_good(window, offset, after)
            yield Bad(offset, good - offset)
            offset = good
            continue
        yield record
        after = record.sequence
        offset += record.length


def _record(window: Window, offset: int, after: int) -> Found | None:
    head = read_head(window.at(offset, HEAD))
    if head is None:
        return None
    sequence, length, checksum = head
    # Checked before the body is read: where bytes only look like a head, it may claim 64 MiB.
    if not after < sequence <= window.name.first + offset // HEAD or offset + HEAD + length > window.end:
        return None
    body = window.at(offset + HEAD, length)
    return Found(sequence, offset, HEAD + length, body) if fits(sequence, body, window.name.salt, checksum) else None


def _next_good(window: Window, offset: int, after: int) -> int:
    """Return where the next good record begins, or the end."""
    head = read_head(window.at(offset, HEAD))
    if head is not None:
        behind = offset + HEAD + head[1]
        if _record(window, behind, after) is not None:
            return behind
    place = window.find(offset + 1)
    while place < window.end and _record(window, place, after) is None:
        place = window.find(place + 1)
    return place

"""The writing end of the log: batches that wait together are written by one write and kept by one sync."""

import errno
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from verger.base.errors import Busy
from verger.domain.telemetry.disk import Disk
from verger.domain.telemetry.record import seal
from verger.domain.telemetry.segment import Name, Segment

_FULL = {errno.ENOSPC, errno.EDQUOT}


class Tally:
    """What the writer has done since the start, for the metrics page; times are in seconds."""

    BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

    def __init__(self) -> None:
        """Begin at nothing."""
        self.records = 0
        self.bytes = 0
        self.syncs = 0
        self.failures = 0
        self.sync_seconds = 0.0
        self.slowest_sync = 0.0
        self.syncs_within = dict.fromkeys(self.BOUNDS, 0)  # cumulative, as Prometheus counts them

    def synced(self, seconds: float) -> None:
        """Count one sync."""
        self.syncs += 1
        self.sync_seconds += seconds
        self.slowest_sync = max(self.slowest_sync, seconds)
        for bound in self.BOUNDS:
            if seconds <= bound:
                self.syncs_within[bound] += 1


class Writer:
    """Appends to the newest segment and begins new ones; one thread at a time, every call waits for the disk."""

    def __init__(self, disk: Disk, folder: Path, last: int, newest: Name | None, segment_bytes: int) -> None:
        """Go on after `last`, in a new segment that stands behind `newest`."""
        self.last = last
        self.tally = Tally()
        self._disk = disk
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._tried = newest
        self._rolls = False
        self._file: int | None = None
        self._name = Name(0, 0, 0)
        self._path = folder
        self._offset = 0

    def commit(self, bodies: Sequence[bytes]) -> Segment:
        """Keep all of them or none, and return the segment they are in; the last one's sequence is then `last`.

        Raises Busy when the disk did not keep them; a later call tries again.
        """
        try:
            file = self._ready()
            written = self._write(file, bodies)
            self._sync(file)
        except OSError as error:
            self.tally.failures += 1
            raise _busy(error) from error
        self._offset += written
        self.last += len(bodies)
        self.tally.bytes += written
        self.tally.records += len(bodies)
        return Segment(self._name, self._path, self.last, self._offset)

    def begin_after(self, sequence: int) -> None:
        """Give the next record the sequence behind this one, in a new segment."""
        self._let_go()
        self.last = sequence

    def roll(self) -> None:
        """Begin a new segment with the next commit; may be called from another thread."""
        self._rolls = True

    def close(self) -> None:
        """Close the file; all that was kept is on disk already."""
        self._let_go()

    def _ready(self) -> int:
        if self._file is not None and self._offset < self._segment_bytes and not self._rolls:
            return self._file
        self._rolls = False
        self._let_go()
        first = self.last + 1
        attempt = self._tried.attempt + 1 if self._tried and self._tried.first == first else 0
        name = self._tried = Name(first, attempt, int.from_bytes(os.urandom(4)))
        path = self._folder / str(name)
        file = self._begin(path)
        self._file, self._name, self._path, self._offset = file, name, path, 0
        return file

    def _begin(self, path: Path) -> int:
        file = self._disk.create(path)
        try:
            self._disk.sync(file)
            self._disk.sync_folder(self._folder)
        except OSError:
            self._abandon(file, path)
            raise
        return file

    def _write(self, file: int, bodies: Sequence[bytes]) -> int:
        parts: list[bytes] = []
        for sequence, body in enumerate(bodies, self.last + 1):
            parts += (seal(sequence, body, self._name.salt), body)
        what = b"".join(parts)
        try:
            self._disk.write(file, self._offset, what)
        except OSError:
            self._take_back(file)
            raise
        return len(what)

    def _take_back(self, file: int) -> None:
        """Cut off what was half written; where that fails too, the segment ends."""
        try:
            self._disk.truncate(file, self._offset)
        except OSError:
            self._end(file)

    def _sync(self, file: int) -> None:
        began = time.perf_counter()
        try:
            self._disk.sync(file)
        except OSError:
            # The system may have dropped what it could not write and call the next sync a success: never use it again.
            self._end(file)
            raise
        self.tally.synced(time.perf_counter() - began)

    def _end(self, file: int) -> None:
        """Leave this segment; what stands behind its last kept record is void once the next one begins."""
        self._file = None
        if self._offset == 0:
            self._abandon(file, self._path)
            return
        with suppress(OSError):
            self._disk.truncate(file, self._offset)
        with suppress(OSError):
            self._disk.close(file)

    def _abandon(self, file: int, path: Path) -> None:
        """Remove a segment in which nothing was kept, as well as the disk allows."""
        with suppress(OSError):
            self._disk.close(file)
        with suppress(OSError):
            self._disk.unlink(path)

    def _let_go(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                self._disk.close(file)


def _busy(error: OSError) -> Busy:
    if error.errno in _FULL:
        return Busy("The disk is full, so nothing more can be kept: free some space on it.", retry_s=5)
    return Busy(f"The disk did not keep what was sent ({error.strerror or error}): check the disk.", retry_s=5)

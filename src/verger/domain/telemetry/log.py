"""The log: everything devices said, in order, on disk before anybody is told that it was kept."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import structlog
from msgspec import structs

from verger.base.errors import Busy
from verger.domain.telemetry.committer import Committer, Waiting
from verger.domain.telemetry.disk import Disk, RealDisk
from verger.domain.telemetry.model import Batch, empty
from verger.domain.telemetry.reader import Piece, Place, read_piece
from verger.domain.telemetry.record import pack
from verger.domain.telemetry.recovery import Aside, Recovered, recover
from verger.domain.telemetry.ring import Ring
from verger.domain.telemetry.segment import Segment, covered
from verger.domain.telemetry.writer import Tally, Writer

_MIB = 1 << 20
_TURN = 16  # batches a reader takes before others have their turn

logger = structlog.get_logger()


class Log:
    """One folder of segments. `last` is the sequence of the newest record on disk; one process a folder."""

    def __init__(self, folder: Path, disk: Disk, found: Recovered, writer: Writer, memory: int, pending: int) -> None:
        """Go on from what was recovered; `Log.open` does all of it."""
        self.last = found.last
        self.aside = found.aside
        self.cut_bytes = found.cut
        self.pending_bytes = 0
        self.trouble: str | None = None  # why the last group was not kept, if it was not
        self.tally: Tally = writer.tally
        self._folder = folder
        self._disk = disk
        self._segments = found.segments
        self._ring = Ring(memory)
        self._most_pending = pending
        self._writer = writer
        self._committer = Committer(writer, self._settle)
        self._news = asyncio.Event()
        self._releasing = asyncio.Lock()
        self._pins = 0
        self._closed = False

    @classmethod
    async def open(
        cls,
        folder: Path,
        disk: Disk | None = None,
        *,
        segment_bytes: int = 64 * _MIB,
        memory_bytes: int = 16 * _MIB,
        pending_bytes: int = 32 * _MIB,
    ) -> Self:
        """Recover the log in a folder, or begin one. Raises OSError when the disk cannot be read.

        A segment is left for a new one once it holds `segment_bytes`; the newest `memory_bytes` of records
        are read from memory; no more than `pending_bytes` may wait for the disk.
        """
        disk = disk or RealDisk()
        found = await asyncio.to_thread(recover, disk, folder)
        for each in found.aside:
            logger.error("a part of the log was set aside", **structs.asdict(each))
        writer = Writer(disk, folder, found.last, found.newest, segment_bytes)
        return cls(folder, disk, found, writer, memory_bytes, pending_bytes)

    @property
    def kept_bytes(self) -> int:
        """The bytes of records on disk that no release has removed yet."""
        return sum(segment.end for segment in self._segments)

    @property
    def memory_bytes(self) -> int:
        """The bytes of records in memory."""
        return self._ring.bytes

    def begin_after(self, sequence: int) -> None:
        """Give no record a sequence that a follower has seen already; only before the first append."""
        if sequence <= self.last:
            return
        if self.pending_bytes or self.tally.records:
            raise RuntimeError("The log has begun to count already.")
        logger.error("the log ends before what its followers have seen", last=self.last, seen=sequence)
        self._writer.begin_after(sequence)
        self.last = sequence

    async def append(self, batch: Batch) -> Batch:
        """Return the batch with its sequence once it is on disk; raise Busy when it was not kept.

        All that waits is written together; batches stand in the order of these calls.
        """
        if self._closed:
            raise Busy("Verger is stopping; try again when it runs.", retry_s=5)
        body = pack(batch)
        if self.pending_bytes and self.pending_bytes + len(body) > self._most_pending:
            raise Busy("The disk cannot keep up with what is sent; try again.")
        self.pending_bytes += len(body)
        kept: asyncio.Future[Batch] = asyncio.get_running_loop().create_future()
        self._committer.put(Waiting(batch, body, kept))
        return await kept

    def _settle(self, group: list[Waiting], outcome: Segment | Exception) -> None:
        self.pending_bytes -= sum(len(each.body) for each in group)
        self._remark(outcome)
        if isinstance(outcome, Exception):
            _tell(group, outcome)
            return
        if self._segments and self._segments[-1].name == outcome.name:
            self._segments[-1] = outcome
        else:
            self._segments.append(outcome)
        for sequence, each in enumerate(group, outcome.last - len(group) + 1):
            batch = structs.replace(each.batch, sequence=sequence)
            self._ring.add(batch, len(each.body))
            if not each.kept.done():  # whoever waited may have given up
                each.kept.set_result(batch)
        self.last = outcome.last
        self._tell_readers()

    def _remark(self, outcome: Segment | Exception) -> None:
        trouble = str(outcome) if isinstance(outcome, Exception) else None
        if trouble != self.trouble:  # said once, though a full disk fails a thousand times a second
            self.trouble = trouble
            if trouble:
                logger.error("the log cannot keep what is sent", error=trouble)
            else:
                logger.info("the log keeps what is sent again")

    def _tell_readers(self) -> None:
        self._news.set()
        self._news.clear()

    async def read(self, after: int) -> AsyncGenerator[Batch, None]:
        """Give every record behind a sequence, in order, then wait for more; ends when the log is closed.

        Of what is not in memory any more, about a mebibyte at a time is read. Raises OSError where that fails.
        """
        place = Place(after)
        while not self._closed:
            if place.after >= self.last:
                await self._news.wait()
                continue
            if place.after + 1 >= self._ring.first:
                for batch in self._ring.behind(place.after, _TURN):
                    yield batch
                    place = Place(batch.sequence)
                await asyncio.sleep(0)
                continue
            piece = await self._from_files(place)
            for turn, batch in enumerate(piece.batches, 1):
                yield batch
                if turn % _TURN == 0:
                    await asyncio.sleep(0)
            place = piece.place

    async def _from_files(self, place: Place) -> Piece:
        # Taken now: what is appended and forgotten by memory while the thread reads must be read next, not passed over.
        segments, behind = tuple(self._segments), Place(min(self._ring.first - 1, self.last))
        piece = await asyncio.to_thread(read_piece, self._disk, self._folder, segments, place)
        if piece is None:
            return Piece([], behind, [])
        for each in piece.aside:
            self._report(each)
        return piece

    def _report(self, aside: Aside) -> None:
        if all((each.segment, each.offset) != (aside.segment, aside.offset) for each in self.aside):
            self.aside.append(aside)
            logger.error("a part of the log was set aside", **structs.asdict(aside))

    async def release(self, upto: int) -> None:
        """Remove the segments that hold nothing beyond a sequence; nobody will read them again."""
        async with self._releasing:
            for segment in () if self._pins else covered(self._segments, upto):
                try:
                    await asyncio.to_thread(self._remove, segment)
                except OSError as error:
                    logger.warning("a segment of the log could not be removed", path=segment.path, error=str(error))
                    return
                self._segments.remove(segment)

    async def roll(self, now: int) -> int:
        """Begin a new segment with an empty record and return its sequence: all that came before stands in others."""
        await self.append(empty(now))
        self._writer.roll()
        return (await self.append(empty(now))).sequence

    @asynccontextmanager
    async def pinned(self) -> AsyncIterator[None]:
        """Release nothing meanwhile; what may go is asked for again by the next release after it."""
        async with self._releasing:
            self._pins += 1
        try:
            yield
        finally:
            self._pins -= 1

    async def verify(self) -> list[Aside]:
        """Read every record on disk again; return all that is damaged, what was set aside before among it."""
        place = Place(0)
        while (piece := await asyncio.to_thread(read_piece, self._disk, self._folder, self.kept(), place)) is not None:
            for each in piece.aside:
                self._report(each)
            place = piece.place
        return self.aside

    async def readings(self, after: int, segments: tuple[Segment, ...]) -> int:
        """Return how many readings stand behind a record in some segments that are kept."""
        place, readings = Place(after), 0
        while (piece := await asyncio.to_thread(read_piece, self._disk, self._folder, segments, place)) is not None:
            readings += sum(len(batch.series) for batch in piece.batches)
            place = piece.place
        return readings

    def kept(self) -> tuple[Segment, ...]:
        """Return the segments that stand now, oldest first, up to the record `last`; these bytes never change."""
        return tuple(self._segments)

    def _remove(self, segment: Segment) -> None:
        with suppress(FileNotFoundError):  # gone already, though the folder could not be synced then
            self._disk.unlink(segment.path)
        # One after another: if a later one went and an earlier one came back, records between would seem missing.
        self._disk.sync_folder(self._folder)

    async def close(self) -> None:
        """Keep what waits, then close; readers end."""
        if not self._closed:
            self._closed = True
            await self._committer.close()
            self._tell_readers()


def _tell(group: list[Waiting], error: Exception) -> None:
    for each in group:
        if not each.kept.done():
            # Each its own, since raising one adds to its traceback.
            each.kept.set_exception(Busy(str(error), error.retry_s) if isinstance(error, Busy) else error)

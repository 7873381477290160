"""Keeping: the two hot buffers and the one writer that turns a frozen one into chunks.

Readings go to the active buffer. When that has used half the bound, or holds readings of an hour that is over, it is
frozen, a new one takes over, and the writer's thread merges the frozen one into the chunks, then saves the position.
A buffer that could not be written stays frozen, readable, and is tried again; meanwhile `wait_for_room` holds back.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

import numpy as np
import structlog

from verger.base.clock import DAY, HOUR, MINUTE, Clock
from verger.domain.history.chunks import Chunks
from verger.domain.history.compaction import compact
from verger.domain.history.cutting import cut
from verger.domain.history.hot import ROW_BYTES, Columns, Hot, View
from verger.domain.history.index import Index
from verger.domain.history.latest import Latest
from verger.domain.history.model import Times, Values
from verger.domain.history.months import EVER, Span
from verger.domain.history.upkeep import drop, due, merge_some, rewrite, shrink, thin

GRACE = MINUTE
TICK_S = 60.0
RETRY_S = 5.0
LONGEST_REST_S = 0.05
MOST_FREE = 0.2

Answer = TypeVar("Answer")
log = structlog.get_logger()


class Stopped(Exception):
    """The history is closing; what is not in chunks is taken again from the log."""


class Keeper:
    """Takes readings and has them in chunks before long; all but the writer runs on the event loop."""

    def __init__(self, chunks: Chunks, index: Index, clock: Clock, hot_bytes: int) -> None:
        mark = index.mark()
        self.latest = Latest(mark.latest)
        self.saved = self._taken = mark.position
        self.flushes, self.flush_s = 0, 0.0
        self.trouble: str | None = None
        self.deleting: frozenset[int] = frozenset()
        self._forgotten: dict[int, int] = {}
        self._chunks, self._index, self._clock = chunks, index, clock
        self._resumed = 0.0
        self._rows = hot_bytes // 2 // ROW_BYTES
        self._active = Hot(self._rows)
        self._frozen: Hot | None = None
        self._frozen_upto = 0
        self._writer = ThreadPoolExecutor(1, "history-writer")
        self._stopping = threading.Event()
        self._writing = asyncio.Lock()
        self._due, self._room = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Finish deletions that a crash cut short, and begin to write."""
        forgotten = await self._in_writer(self._index.forgotten)
        self._forgotten = {series: upto for series, (upto, _) in forgotten.items()}
        if open_ := {series: upto for series, (upto, cleared) in forgotten.items() if not cleared}:
            await self._erase(open_)
        self._task = asyncio.create_task(self._keep_writing())

    @property
    def position(self) -> int:
        """Return the record up to which every reading is in chunks."""
        return self.saved if self.hot_rows else self._taken

    @property
    def hot_rows(self) -> int:
        """Return how many readings are in memory."""
        return sum(map(len, self._buffers()))

    @property
    def hot_bytes(self) -> int:
        """Return the bytes of both buffers."""
        return sum(buffer.bytes for buffer in self._buffers())

    def take(self, sequence: int, rows: Columns) -> None:
        """Take all readings of one record, in order of arrival."""
        self._taken = max(self._taken, sequence)
        if self._forgotten:
            rows = self._remembered(sequence, rows)
        if not len(rows.series):
            return
        now = self._clock.now()
        self.latest.take(*rows)
        self._active.take(rows, now)
        if self._ripe(now):
            self._freeze()

    async def wait_for_room(self) -> None:
        """Return when one more record may be taken."""
        while self._active.full and self._frozen is not None:
            self._room.clear()
            await self._room.wait()

    def views(self) -> tuple[View, ...]:
        """Return what is in memory now, oldest first."""
        return tuple(buffer.view() for buffer in self._buffers())

    async def flush(self) -> None:
        """Return once all that was taken before is in chunks; raises what keeps it from being written."""
        async with self._writing:
            await self._drain_all()

    async def load(self, rows: Columns) -> None:
        """Put readings straight into the chunks, on disk when it returns; what is there already stands."""
        async with self._writing:
            if any(len(view.of(series)) for view in self.views() for series in np.unique(rows.series).tolist()):
                await self._drain_all()
            await self._in_writer(compact, self._chunks, rows, self._clock.now(), self._go_on)
            if len(rows.series):
                self.latest.take(*rows)
            await self._in_writer(self._index.save, self.saved, self.latest.snapshot())

    async def delete(self, series: Sequence[int], upto: int) -> None:
        """Delete every reading of some series: all that were taken, and those still to come in records up to `upto`."""
        async with self._writing:
            forgotten = dict.fromkeys(series, max(upto, self._taken))
            self._forgotten |= forgotten
            for buffer in self._buffers():
                for number in series:
                    buffer.forget(number)
            await self._erase(forgotten)

    async def merge_days(self) -> None:
        """Merge the hours of each day that is over; a frozen buffer goes to chunks before the next unit."""
        for month, day in await self._in_writer(due, self._chunks, self._clock.now()):
            more = True
            while more:
                async with self._writing:
                    await self._drain()
                    more = await self._in_writer(self._merge_some, month, day)
            await self.in_turn(partial(shrink, most_free=MOST_FREE), month)

    async def thin(self, series: Sequence[int], span: Span) -> None:
        """Take away the readings of the whole days of a span, month by month."""
        for month in self._chunks.files.months(*span):
            if await self.in_turn(thin, month, series, span):
                await self.in_turn(shrink, month)

    async def drop(self, series: Sequence[int], span: Span) -> None:
        """Remove the whole days of a span, month by month, and the latest readings that lie there."""
        await self.flush()
        for month in self._chunks.files.months(*span):
            if await self.in_turn(drop, month, series, span):
                await self.in_turn(shrink, month)
        async with self._writing:
            self.latest.forget_within(series, -(-span.start // DAY) * DAY, span.before // DAY * DAY)
            await self._in_writer(self._index.save, self.saved, self.latest.snapshot())

    async def erase(self, series: Sequence[int], span: Span) -> None:
        """Remove a span to the microsecond: whole days, parts of two, and the latest readings that lie there."""
        await self.drop(series, span)
        for month in self._chunks.files.months(*span):
            if await self.in_turn(cut, month, series, span):
                await self.in_turn(shrink, month)
        async with self._writing:
            self.latest.forget_within(series, *span)
            await self._in_writer(self._index.save, self.saved, self.latest.snapshot())

    async def rewrite(self, months: Sequence[int]) -> None:
        """Write the files of some months, and the index, anew: no page holds what was deleted."""
        for month in months:
            await self.in_turn(rewrite, month)
        async with self._writing:
            await self._in_writer(self._index.rewrite)

    async def in_turn(self, work: Callable[..., Answer], *given: object) -> Answer:
        """Do some work on the chunks in the writer, while nothing else is written."""
        async with self._writing:
            return await self._in_writer(work, self._chunks, *given, self._go_on)

    async def close(self) -> None:
        """Stop writing between two transactions; what is in memory is taken again from the log."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._writer.shutdown)
        self._index.close()

    def _buffers(self) -> list[Hot]:
        return [self._active] if self._frozen is None else [self._frozen, self._active]

    def _ripe(self, now: int) -> bool:
        # An hour that is over goes to chunks as a whole, so nearly each is written but once.
        opened = self._active.opened
        return self._active.full or (opened is not None and now >= (opened // HOUR + 1) * HOUR + GRACE)

    def _freeze(self) -> None:
        if self._frozen is not None or not len(self._active):
            return
        self._active.seal()
        self._frozen, self._frozen_upto = self._active, self._taken
        self._active = Hot(self._rows)
        self._due.set()

    async def _keep_writing(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._due.wait()
            self._due.clear()
            if self._ripe(self._clock.now()):
                self._freeze()
            try:
                async with self._writing:
                    await self._drain()
                await self.merge_days()
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001  whatever it is: readings stay in memory and are tried again
                self.trouble = f"The history cannot be written: {error}. It is tried again every {RETRY_S:g} s."
                log.warning("history not written", reason=str(error))
                asyncio.get_running_loop().call_later(RETRY_S, self._due.set)

    async def _drain_all(self) -> None:
        await self._drain()
        self._freeze()
        await self._drain()

    async def _drain(self) -> None:
        if self._frozen is None:
            return
        began = time.perf_counter()
        upto, latest = self._frozen_upto, self.latest.snapshot()
        await self._in_writer(self._write, self._frozen.rows(), upto, latest)
        self._frozen, self.saved, self.trouble = None, upto, None
        self._forgotten = {series: last for series, last in self._forgotten.items() if last > upto}
        self.flushes, self.flush_s = self.flushes + 1, time.perf_counter() - began
        if self._ripe(self._clock.now()):
            self._freeze()
        self._room.set()

    def _write(self, rows: Columns, upto: int, latest: tuple[Times, Values]) -> None:
        compact(self._chunks, rows, self._clock.now(), self._go_on)
        self._index.save(upto, latest)

    def _merge_some(self, month: int, day: int) -> bool:
        return self._chunks.mending(month, partial(merge_some, self._chunks, month, day, self._go_on))

    async def _erase(self, forgotten: dict[int, int]) -> None:
        for number in forgotten:
            self.latest.forget(number)
        self.deleting = frozenset(forgotten)
        try:
            await self._in_writer(self._clear, forgotten, self.saved, self.latest.snapshot())
        finally:
            self.deleting = frozenset()

    def _clear(self, forgotten: dict[int, int], position: int, latest: tuple[Times, Values]) -> None:
        # Noted before the first chunk goes and until the last is gone, so a crash cannot bring anything back.
        self._index.forget(forgotten, cleared=False)
        for month in self._chunks.files.all_months():
            self._chunks.mending(month, partial(self._clear_month, month, list(forgotten)))
        self._index.save(position, latest)
        self._index.forget(forgotten, cleared=True)

    def _clear_month(self, month: int, series: Sequence[int]) -> None:
        drop(self._chunks, month, series, EVER, self._go_on)
        self._chunks.forget_apart(month, series)
        shrink(self._chunks, month, self._go_on)

    def _remembered(self, sequence: int, rows: Columns) -> Columns:
        gone = [series for series, upto in self._forgotten.items() if sequence <= upto]
        if not gone:
            return rows
        stays = ~np.isin(rows.series, np.array(gone, np.uint32))
        return Columns(rows.series[stays], rows.at[stays], rows.value[stays])

    def _go_on(self) -> None:
        """Rest for as long as was worked, so that half of a core is left to whoever waits, unless readings press."""
        worked = time.perf_counter() - self._resumed
        pressed = 2 * len(self._active) > self._rows
        if self._stopping.wait(0 if pressed else min(worked, LONGEST_REST_S)):
            raise Stopped
        self._resumed = time.perf_counter()

    async def _in_writer(self, work: Callable[..., Answer], *given: object) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *given)

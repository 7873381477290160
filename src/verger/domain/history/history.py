"""The history of every series: takes readings as the log gives them, keeps them in chunks, and answers."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from verger.base.clock import HOUR, Clock, SystemClock
from verger.base.copying import Go, copy_from
from verger.base.folder import sync_folder
from verger.domain.history import query, summing
from verger.domain.history.chunks import Chunks
from verger.domain.history.hot import Columns
from verger.domain.history.index import Index
from verger.domain.history.keeping import Keeper
from verger.domain.history.latest import Latest
from verger.domain.history.mending import mend, spoilt
from verger.domain.history.model import Buckets, Damage, Readings, Series, Stats, Times, Values
from verger.domain.history.months import EVER, Span, month_named
from verger.domain.history.upkeep import latest_of, verify
from verger.domain.history.weighing import Weight, holds, together, weigh

HOT_BYTES = 64 << 20
_READERS = 2
_KEPT_BYTES = 4 << 20
_MOST_DAMAGED = 100

Answer = TypeVar("Answer")
log = structlog.get_logger()


class History:
    """Knows only series numbers, given one after the other; a (series, time) is kept once, the first to arrive stands.

    After `open`, give it every record of the log after `position` again. Questions are answered in threads.
    """

    def __init__(self, folder: Path, hot_bytes: int, clock: Clock) -> None:
        self._damaged: list[Damage] = []
        self._chunks = Chunks(folder, self._report)
        self._keeper = Keeper(self._chunks, self._index(folder), clock, hot_bytes)
        self._readers = ThreadPoolExecutor(_READERS, "history-reader")
        _keep_memory()
        sync_folder(folder)
        for name in self._chunks.files.aside():
            self._report(Damage(name, "it was set aside"))
        self._chunks.look_apart()

    @classmethod
    async def open(cls, folder: Path, hot_bytes: int = HOT_BYTES, clock: Clock | None = None) -> "History":
        """Open the history in a folder, made if need be, with buffers of `hot_bytes` together."""
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        history = await asyncio.to_thread(cls, folder, hot_bytes, clock or SystemClock())
        await history.start()
        return history

    async def start(self) -> None:
        """Finish what a crash cut short, and begin to write; `open` has done it."""
        await self._keeper.start()

    @property
    def position(self) -> int:
        """Return the record up to which every reading is in chunks on disk."""
        return self._keeper.position

    @property
    def hot_bytes(self) -> int:
        """Return the bytes of the hot buffers."""
        return self._keeper.hot_bytes

    def take(self, sequence: int, series: Series, at: Times, value: Values) -> None:
        """Take all readings of one record, in order of arrival; never blocks, see `wait_for_room`. No NaN."""
        self._keeper.take(sequence, Columns(series, at, value))

    async def wait_for_room(self) -> None:
        """Return when one more record may be taken without going over the bound."""
        await self._keeper.wait_for_room()

    def latest(self, series: Sequence[int]) -> list[tuple[int, float] | None]:
        """Return (at, value) of the greatest time for each series, None where there is none."""
        return self._keeper.latest.of(series)

    async def raw(self, series: int, start: int, end: int, limit: int = 10_000, *, newest: bool = False) -> Readings:
        """Return the first (or `newest`) `limit` readings with start <= time < end, in order of time.

        For the next page begin 1 us after the last time of this one, or end at its first.
        """
        return await self._ask(lambda source: query.raw(source, series, start, end, limit, backwards=newest))

    async def buckets(self, series: int, start: int, end: int, points: int) -> Buckets:
        """Return the readings with start <= time < end: alone if at most `points`, else in as many buckets."""
        return await self._ask(lambda source: summing.buckets(source, [series], start, end, points)[0])

    async def buckets_of(self, series: Sequence[int], start: int, end: int, points: int) -> list[Buckets]:
        """Return the buckets of several series, each as by `buckets`, with far less work than one by one."""
        return await self._ask(lambda source: summing.buckets(source, series, start, end, points))

    async def hours(self, series: int, start: int, end: int) -> dict[int, float]:
        """Return the mean of each hour that has readings, by the time it begins."""
        found = await self._ask(lambda source: summing.sums(source, series, start, end, HOUR))
        return dict(zip(found.at.tolist(), found.avg.tolist(), strict=True))

    async def parts(self, series: int, start: int, end: int, width: int) -> Buckets:
        """Return the readings with start <= time < end in buckets of a width, of hours where only those are known."""
        return await self._ask(lambda source: summing.sums(source, series, start, end, width))

    async def summed(self, series: int, start: int, end: int) -> Times:
        """Return when those hours begin, on days of start <= time < end, that take no readings: they are only sums."""
        return await self._ask(lambda source: query.summed(source, series, start, end))

    async def flush(self) -> None:
        """Return once all that was taken is in chunks; raises what keeps it from being written."""
        await self._keeper.flush()

    async def load(self, series: Series, at: Times, value: Values) -> None:
        """Put many readings straight into the chunks; files stay small when calls come in order of time."""
        await self._keeper.load(Columns(series, at, value))

    async def delete(self, series: Sequence[int], upto: int = 0) -> None:
        """Delete all readings of some series, also those that still come in records of the log up to `upto`."""
        await self._keeper.delete(series, upto)

    async def merge_days(self) -> None:
        """Merge the chunks of every day that is over now; it is done by itself, a unit at a time, within a minute."""
        await self._keeper.merge_days()

    async def thin(self, series: Sequence[int], before: int, start: int = EVER.start) -> None:
        """Take away the readings of all whole days of start <= time < before; their hours and days stay known in sum.

        A reading that comes later for an hour that is only known in sum is not kept: it may be in it already.
        """
        await self._keeper.thin(series, Span(start, before))

    async def drop(self, series: Sequence[int], before: int, start: int = EVER.start) -> None:
        """Remove all that is known of whole days of start <= time < before; also the latest reading, if it is there."""
        await self._keeper.drop(series, Span(start, before))

    async def erase(self, series: Sequence[int], before: int, start: int = EVER.start) -> None:
        """Remove all readings of start <= time < before; of a day there in part and only known in sum, all."""
        await self._keeper.erase(series, Span(start, before))

    async def weigh(self, series: Sequence[int], start: int, before: int, *, thin: bool = False) -> Weight:
        """Return what `thin` of the same span would take away, or `drop` with `thin`."""
        span, keeper = Span(start, before), self._keeper
        months = self._chunks.files.months(*span)
        return together([await keeper.in_turn(weigh, month, series, span, thin) for month in months])

    async def holding(self, series: Sequence[int]) -> list[int]:
        """Return the months whose files hold anything of some series, for `rewrite`."""
        months = self._chunks.files.all_months()
        return [month for month in months if await self._keeper.in_turn(holds, month, series)]

    async def rewrite(self, months: Sequence[int]) -> None:
        """Write the files of some months anew, so that nothing deleted is left in them; raise Busy to try again."""
        await self._keeper.rewrite(months)

    async def verify(self) -> tuple[Damage, ...]:
        """Open every chunk; put apart those that are damaged; return all damage that is known."""
        for month in self._chunks.files.all_months():
            await self._keeper.in_turn(verify, month)
        return tuple(self._damaged)

    def months(self) -> list[int]:
        """Return the months that have a file, in order."""
        return self._chunks.files.all_months()

    async def check(self, month: int) -> str | None:
        """Have SQLite look through the file of a month; a spoilt one is mended, and what was wrong is returned."""
        loop = asyncio.get_running_loop()
        reason = await loop.run_in_executor(self._readers, spoilt, self._chunks.files, month)
        if reason is not None:
            await self._keeper.in_turn(mend, month, reason)
        return reason

    async def stats(self) -> Stats:
        """Return figures for the metrics page."""
        (chunks, readings), size = await self._ask(lambda source: (query.totals(source), self._chunks.files.size()))
        keeper = self._keeper
        return Stats(
            hot_bytes=keeper.hot_bytes,
            hot_readings=keeper.hot_rows,
            latest_bytes=keeper.latest.bytes,
            readings=readings,
            chunks=chunks,
            disk_bytes=size,
            flushes=keeper.flushes,
            flush_s=keeper.flush_s,
            late=self._chunks.late,
            position=keeper.position,
            trouble=keeper.trouble,
            damaged=tuple(self._damaged),
        )

    def copy(self, live: Path, target: Path, go: Go) -> None:
        """Copy the file of a month as it is now, in the caller's thread; raise FileNotFoundError where it is gone."""
        month, files = month_named(live.stem), self._chunks.files
        if month not in files.all_months():
            raise FileNotFoundError(live)
        with files.lent(month) as connection:
            copy_from(connection, target, go)

    async def close(self) -> None:
        """Stop; what is not in chunks yet comes from the log again."""
        await self._keeper.close()
        await asyncio.to_thread(self._readers.shutdown)
        self._chunks.files.close()

    async def _ask(self, question: Callable[[query.Source], Answer]) -> Answer:
        keeper = self._keeper
        source = query.Source(self._chunks, keeper.views(), keeper.deleting)
        return await asyncio.get_running_loop().run_in_executor(self._readers, question, source)

    def _index(self, folder: Path) -> Index:
        index, aside = Index.open(folder)
        if aside is not None:
            latest = Latest()
            for month in self._chunks.files.all_months():
                with self._chunks.unless_damaged(month):
                    latest_of(self._chunks, month, latest)
            index.save(0, latest.snapshot())
            log.warning("The index of the history was damaged and made anew from its chunks.", aside=aside)
        return index

    def _report(self, damage: Damage) -> None:
        if damage not in self._damaged and len(self._damaged) < _MOST_DAMAGED:
            self._damaged.append(damage)
            log.error(str(damage))


def _keep_memory() -> None:
    # The C library gives what is freed back to the system at once, unless it has seen a block of such a size go before.
    # The columns of a chart come and go by half a megabyte; to have their pages made anew costs as much as the chart.
    bytearray(_KEPT_BYTES)

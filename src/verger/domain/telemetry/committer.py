"""The thread that waits for the disk, so that nothing else has to."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

from msgspec import Struct

from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.segment import Segment
from verger.domain.telemetry.writer import Writer


class Waiting(Struct, eq=False):
    """A batch on its way to the disk, and who waits for it."""

    batch: Batch
    body: bytes
    kept: asyncio.Future[Batch]


Settle = Callable[[list[Waiting], Segment | Exception], None]


class Committer:
    """Hands all that waits to the writer as one group, again and again; tells the event loop what became of each."""

    def __init__(self, writer: Writer, settle: Settle) -> None:
        """Start the thread; `settle` is called in the running event loop, once a group and in order."""
        self._writer = writer
        self._settle = settle
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._ended = self._loop.create_future()
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def put(self, waiting: Waiting) -> None:
        """Let a batch be written; never blocks."""
        self._queue.put(waiting)

    async def close(self) -> None:
        """Return once all that was put is settled and the thread has ended."""
        self._queue.put(None)
        await self._ended

    def _run(self) -> None:
        # The event loop is gone only if the program ends without closing the log: then nobody waits any more.
        with suppress(RuntimeError):
            while self._take_turn():
                pass
            self._writer.close()
            self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _take_turn(self) -> bool:
        group: list[Waiting] = []
        each = self._queue.get()
        while each is not None:
            group.append(each)
            if self._queue.empty():
                break
            each = self._queue.get()
        if group:
            self._loop.call_soon_threadsafe(self._settle, group, self._commit(group))
        return each is not None

    def _commit(self, group: list[Waiting]) -> Segment | Exception:
        try:
            return self._writer.commit([each.body for each in group])
        except Exception as error:  # noqa: BLE001  whoever waits is told; the thread must go on
            return error

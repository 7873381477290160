"""The followers of the log: each at its own pace, none holding up another or the log."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from msgspec import Struct

from verger.base.clock import SECOND, Clock
from verger.domain.telemetry.following import Follower, Following, Pause
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.store import FollowerStore

_SAVED_EVERY_S = 10.0
_PATIENCE_S = 5.0  # at the stop, for a record that is being taken

logger = structlog.get_logger()


class Lag(Struct, frozen=True):
    """How far a follower is behind the log, in records and in seconds, and why, if something is in its way."""

    name: str
    position: int
    saved: int
    records: int
    seconds: float
    dead_letters: int  # since the start
    trouble: str | None


class Followers:
    """Runs each follower in a task of its own, from its saved position."""

    def __init__(
        self, log: Log, store: FollowerStore, clock: Clock, followers: Sequence[Follower], pause: Pause = asyncio.sleep
    ) -> None:
        """Know the followers; `pause` waits so many seconds before something is tried again."""
        self._log = log
        self._store = store
        self._clock = clock
        self._moved = asyncio.Event()
        self._saving = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._saver: asyncio.Task[None] | None = None
        self._all = [Following(each, log, store, clock, pause, self._tell) for each in followers]

    async def start(self) -> None:
        """Let them run; call this before the log is appended to."""
        saved = await self._store.positions()
        for each in self._all:
            each.begin(saved.get(each.follower.name, 0))
        self._log.begin_after(max((each.taken for each in self._all), default=0))
        self._tasks = [asyncio.create_task(each.run(), name=each.follower.name) for each in self._all]
        self._saver = asyncio.create_task(self._keep_saving(), name="positions")

    async def stop(self) -> None:
        """Let each finish the record it has in hand, then save where they are."""
        if self._saver is None:
            return
        self._saver.cancel()
        await asyncio.gather(*(_stop(each, task) for each, task in zip(self._all, self._tasks, strict=True)))
        await asyncio.gather(*self._tasks, self._saver, return_exceptions=True)
        self._saver = None
        await self._try_to_save()

    async def caught_up(self, name: str | None = None, upto: int | None = None) -> None:
        """Return once the follower of that name, or every one, has taken all up to a record, or all there is now."""
        wanted = self._log.last if upto is None else upto
        waited_for = [each for each in self._all if name in (None, each.follower.name)]
        while any(each.taken < wanted for each in waited_for):
            await self._moved.wait()

    async def abreast(self, name: str, of: str) -> None:
        """Return once one follower has taken all that another has, and still has it when the caller goes on."""
        one, other = (next(each for each in self._all if each.follower.name == which) for which in (name, of))
        while one.taken < other.taken:
            await self._moved.wait()

    def lags(self) -> list[Lag]:
        """Return how far each is behind."""
        return [self._lag(each) for each in self._all]

    def _lag(self, each: Following) -> Lag:
        behind = self._log.last - each.taken
        waited = max(0, self._clock.now() - each.heard_at) / SECOND if behind and each.heard_at else 0.0
        return Lag(each.follower.name, each.taken, each.saved, behind, waited, each.buried, each.trouble)

    async def save(self) -> None:
        """Save how far each has come, and release what none needs any more."""
        async with self._saving:
            moved = {each: each.settled for each in self._all if each.settled > each.saved}
            if moved:
                await self._store.save({each.follower.name: position for each, position in moved.items()})
            for each, position in moved.items():
                each.saved = position
            if self._all:
                await self._log.release(min(each.saved for each in self._all))

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(_SAVED_EVERY_S)
            await self._try_to_save()

    async def _try_to_save(self) -> None:
        try:
            await self.save()
        except Exception:  # the next time will do; until then a crash only replays more
            logger.warning("the followers' positions could not be saved", exc_info=True)

    def _tell(self) -> None:
        self._moved.set()
        self._moved.clear()


async def _stop(each: Following, task: asyncio.Task[None]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S), each.taking:
            task.cancel()
    task.cancel()

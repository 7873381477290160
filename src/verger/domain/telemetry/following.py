"""One follower on its way along the log."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from sqlalchemy.exc import OperationalError

from verger.base.clock import Clock
from verger.base.errors import Busy
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.record import pack, seal
from verger.domain.telemetry.store import FollowerStore

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 30.0
_LONGEST_REASON = 1000
_PASSING = (OSError, OperationalError)  # more likely the fault of the disk or the database than of the record …
_TRIES = 9  # … unless it comes again for about half a minute

logger = structlog.get_logger()


class Follower(Protocol):
    """What wants every record of the log, in order."""

    @property
    def name(self) -> str:
        """Return the name under which its position is saved."""
        ...

    async def take(self, batch: Batch) -> None:
        """Take one record; raise Busy for not now, as often as it takes, or anything else if it cannot be taken.

        A record may come again after a crash, or after a failure of the disk or the database.
        """
        ...

    def settled(self) -> int | None:
        """Return the sequence up to which its effects are on disk, or None: what was taken is settled."""
        ...


Pause = Callable[[float], Awaitable[None]]


@dataclass(eq=False)
class Following:
    """One follower's progress: `taken` it has, `saved` is where it begins after a crash."""

    follower: Follower
    log: Log
    store: FollowerStore
    clock: Clock
    pause: Pause
    told: Callable[[], None]  # called after each record
    saved: int = 0
    taken: int = 0
    buried: int = 0
    trouble: str | None = None  # why it is waiting, if it is
    heard_at: int = 0  # when the record it is at was received
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def settled(self) -> int:
        """The sequence up to which nothing has to be taken again."""
        own = self.follower.settled()
        return self.taken if own is None else min(own, self.taken)

    def begin(self, saved: int) -> None:
        """Stand where a crash would lead back to, or where the follower itself knows that it is.

        That may lie behind what was saved: a backup copies what a follower keeps before it copies the database.
        """
        own = self.follower.settled()
        self.taken = saved if own is None else own
        self.saved = min(saved, self.taken)

    async def run(self) -> None:
        """Take record after record until the log is closed; what cannot be read is tried again."""
        wait = _FIRST_WAIT_S
        while True:
            before = self.taken
            try:
                async with aclosing(self.log.read(self.taken)) as batches:
                    async for batch in batches:
                        await self._take(batch)
            except Exception as error:
                logger.exception("a follower could not read on", follower=self.follower.name)
                self.trouble = _reason(error)
            else:
                return
            wait = _FIRST_WAIT_S if self.taken > before else wait
            await self.pause(wait)
            wait = _longer(wait)

    async def _take(self, batch: Batch) -> None:
        self.heard_at = batch.received_at
        wait = _FIRST_WAIT_S
        # The lock lets the house stop between two records, not amid one.
        tries = 1
        while not await self._try(batch, tries):
            await self.pause(wait)
            wait = _longer(wait)
            tries += 1
        self.told()

    async def _try(self, batch: Batch, tries: int) -> bool:
        async with self.taking:
            try:
                await self.follower.take(batch)
            except Busy as busy:
                self.trouble = str(busy)
                return False
            except Exception as error:  # noqa: BLE001  one bad record never stops a follower
                if isinstance(error, _PASSING) and tries < _TRIES:
                    self.trouble = _reason(error)
                    return False
                if not await self._bury(batch, error):
                    return False
            self.trouble = None
            self.taken = batch.sequence
            return True

    async def _bury(self, batch: Batch, error: Exception) -> bool:
        """Return whether the record is among the dead letters.

        Where it is not, the database may be what failed, so the record is worth another try.
        """
        reason, body = _reason(error), pack(batch)
        record = seal(batch.sequence, body) + body
        try:
            await self.store.bury(self.follower.name, batch.sequence, reason, self.clock.now(), record)
        except Exception as trouble:  # noqa: BLE001  the record is not let go until it is kept somewhere
            self.trouble = f"{reason}; and it could not be put aside: {_reason(trouble)}"
            logger.error("a record could be neither taken nor put aside", follower=self.follower.name, why=self.trouble)  # noqa: TRY400
            return False
        self.buried += 1
        logger.error(
            "a follower could not take a record", follower=self.follower.name, record=batch.sequence, exc_info=error
        )
        return True


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST_REASON]


def _longer(wait: float) -> float:
    return min(wait * 2, _LONGEST_WAIT_S)

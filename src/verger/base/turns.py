"""Turns: many are served beside each other, each once at a time, and nobody takes more than a share."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import structlog

from verger.base.bell import Bell
from verger.base.clock import Clock
from verger.base.lookups import on_behalf_of
from verger.base.rests import Rests

Whose = tuple[str, str]
"""Who is served: (owner, which of theirs)."""

Serve = Callable[[str, str], Awaitable[None]]

log = structlog.get_logger()


class Turns:
    """Who is being served, and who rests because serving them failed; the `bell` rings when a turn has ended."""

    def __init__(self, clock: Clock, bell: Bell, *, at_once: int, of_one: int) -> None:
        """Serve so many at once, so many of one owner; once half are taken, one of an owner that has none yet."""
        self.rests: Rests[Whose] = Rests(clock)
        self._bell, self._at_once, self._of_one = bell, at_once, of_one
        self._busy: dict[Whose, asyncio.Task[None]] = {}
        self._shares: Counter[str] = Counter()

    @property
    def room(self) -> bool:
        """Tell whether anybody more can be served now."""
        return len(self._busy) < self._at_once

    @property
    def away(self) -> list[Whose]:
        """Return who is not to be served now: they are being served, or rest."""
        return list({*self._busy, *self.rests.asleep()})

    @property
    def full(self) -> list[str]:
        """Return the owners that have their share."""
        share = self._share
        return [owner for owner, count in self._shares.items() if count >= share]

    @property
    def _share(self) -> int:
        return self._of_one if 2 * len(self._busy) < self._at_once else 1

    def begin(self, due: Iterable[Whose], serve: Serve) -> int:
        """Begin to serve whoever may be, in this order; return how many that were."""
        away, begun = set(self.away), 0
        for whose in due:
            if not self.room:
                break
            if whose in away or self._shares[whose[0]] >= self._share:
                continue
            away.add(whose)
            self._shares[whose[0]] += 1
            task = self._busy[whose] = asyncio.create_task(_run(whose, serve), name=f"turn of {whose[1]}")
            task.add_done_callback(partial(self._ended, whose))  # also where it is cut short before it began
            begun += 1
        return begun

    def _ended(self, whose: Whose, task: asyncio.Task[None]) -> None:
        del self._busy[whose]
        self._shares -= Counter([whose[0]])
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("somebody could not be served", owner=whose[0], which=whose[1], exc_info=error)
            self.rests.failed(whose, f"{type(error).__name__}: {error}")
        elif not task.cancelled():
            self.rests.went(whose)
        self._bell.ring()

    async def settled(self) -> bool:
        """Return once nobody is being served; tell whether anybody was."""
        some = list(self._busy.values())
        while self._busy:
            await asyncio.gather(*self._busy.values(), return_exceptions=True)
        return bool(some)

    async def stop(self) -> None:
        """Cut every turn short."""
        for task in self._busy.values():
            task.cancel()
        await self.settled()


async def _run(whose: Whose, serve: Serve) -> None:
    with on_behalf_of(whose[0]):
        await serve(*whose)

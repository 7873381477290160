"""A bell: wakes a loop that sleeps until something is due, as soon as there is more to do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from verger.base.clock import SECOND, Clock

LONGEST_S = 30.0  # a row that somebody else wrote is noticed by then

_LOOK_S = 1.0  # a clock that was set is noticed by then
_SHORTEST_S = 0.02
_AGAIN_S = 1.0

log = structlog.get_logger()


class Bell:
    """Wakes one loop; when it rings while that is at work, it looks again before it sleeps."""

    def __init__(self) -> None:
        """Be silent."""
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the loop."""
        self._rung.set()

    async def wait(self, seconds: float = LONGEST_S) -> bool:
        """Return once it was rung, or after some seconds; tell whether it was.

        Look for work after that and not before: what is added later rings again.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        rung = self._rung.is_set()
        self._rung.clear()
        return rung


async def whenever(bell: Bell, act: Callable[[], Awaitable[int | None]], clock: Clock) -> None:
    """Do something now, whenever a bell rings, and at the time that it returns; when it fails, again soon."""
    while True:
        try:
            at = await act()
        except Exception:
            log.exception("a task failed", task=getattr(act, "__qualname__", str(act)))
            await bell.wait(_AGAIN_S)
        else:
            await _sleep(bell, at, clock)


async def _sleep(bell: Bell, at: int | None, clock: Clock) -> None:
    """Return once a bell was rung, or the clock shows a time or was set past it."""
    left_s = LONGEST_S
    while left_s > 0:
        wait = _LOOK_S if at is None else min(max((at - clock.now()) / SECOND, _SHORTEST_S), _LOOK_S)
        left_s -= wait
        if await bell.wait(wait) or (at is not None and at <= clock.now()):
            return

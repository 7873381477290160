"""Safety: while the disk is nearly full, commands, alerts and sign-in go on, and most readings have to wait."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from verger.base.clock import Clock
from verger.base.space import Reserve, Space, space_of
from verger.base.work import attempt

_MARGIN = 0.01  # of the disk, below the line, before all is well again
_SHUT = "The disk is nearly full, so this is not kept now: send it again later. What rules need is still kept."

log = structlog.get_logger()


class SafeMode:
    """On from `line` of the disk taken until there is room again; `named` tells which series a rule needs.

    The reserve is given back on entry and made anew on leaving. A line of 1 means never.
    """

    def __init__(self, folder: Path, reserve: Reserve, line: float, named: Callable[[int], bool], clock: Clock) -> None:
        """Know nothing of the disk yet; `look` does."""
        self.line = line
        self.reserve = reserve
        self.named = named
        self.since: int | None = None
        self.entered = self.refused = 0
        self.space = Space(0, 0)
        self._folder = folder
        self._clock = clock
        self._made_room: Callable[[], Awaitable[None]] | None = None

    def in_need(self, make_room: Callable[[], Awaitable[None]]) -> None:
        """Ask for room by this on entry."""
        self._made_room = make_room

    @property
    def shut(self) -> str | None:
        """Return why most readings are not kept now, None when all are."""
        return None if self.since is None else _SHUT

    async def look(self) -> None:
        """See how full the disk is, and enter or leave the mode."""
        self.space = await asyncio.to_thread(space_of, self._folder)
        if self.line >= 1:
            return
        if self.since is None:
            await self._enter_or_reserve()
        elif self._roomy(self.space.without(self.reserve.size)) and await asyncio.to_thread(self.reserve.make):
            self.since = None
            log.info("the disk has room again", taken=round(self.space.share, 3))

    async def _enter_or_reserve(self) -> None:
        if self.space.share < self.line:
            if not self.reserve.held and self._roomy(self.space.without(self.reserve.size)):
                await asyncio.to_thread(self.reserve.make)
            return
        self.since = self._clock.now()
        self.entered += 1
        await asyncio.to_thread(self.reserve.give_back)
        log.error("the disk is nearly full: only what must be kept is kept", taken=round(self.space.share, 3))
        if self._made_room is not None:
            await attempt(self._made_room)

    def _roomy(self, space: Space) -> bool:
        return space.share < self.line - _MARGIN

"""Slowness: whoever fails to prove themselves is answered ever later, and nobody else is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from verger.base.errors import Refused, TooMany, Unknown
from verger.base.patience import Patience

_WAITING = 1_000

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class Slowness:
    """Answers failed proofs ever more slowly; a right one is never held up by others' failures."""

    def __init__(self, patience: Patience | None = None, sleep: Sleep = asyncio.sleep, most: int = _WAITING) -> None:
        """Count failures with a patience of one's own or a shared one; at most so many answers wait at once."""
        self._patience = patience or Patience()
        self._sleep = sleep
        self._most = most
        self._waiting = 0

    async def unless_right(self, proof: Awaitable[T], own: str, address: str, *wrong: type[Refused]) -> T:
        """Return what a proof gives; when it is refused as Unknown (or `wrong`), wait before raising that."""
        try:
            proven = await proof
        except Refused as refused:
            if isinstance(refused, (Unknown, *wrong)):
                await self._wait(self._patience.failed(own, address))
            raise
        self._patience.succeeded(own)
        return proven

    async def _wait(self, seconds: float) -> None:
        if self._waiting >= self._most:
            raise TooMany("Too many failed attempts are waiting; try again later.", retry_s=30)
        self._waiting += 1
        try:
            await self._sleep(seconds)
        finally:
            self._waiting -= 1

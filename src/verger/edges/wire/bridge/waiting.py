"""What came over a bridge sooner than a rate allows: it waits, each device's in the order it came, and none is lost."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from verger.domain.telemetry.model import Heard

MOST = 500
"""Messages that wait; with so many nothing more is read."""


class Coming(NamedTuple):
    """A message on its way to the log."""

    ticket: int
    heard: Heard
    size: int


class Waiting:
    """Lets messages try again when their time has come, one of a device after the other."""

    def __init__(self, again: Callable[[Coming], None], most: int = MOST) -> None:
        """Let each that waited go by `again`."""
        self._again, self._most = again, most
        self._queues: dict[str, deque[Coming]] = {}
        self._trying: dict[str, Coming] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._over = False

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._queues.values())) + len(self._trying)

    async def room(self) -> None:
        """Return once a further message may wait."""
        await self._room.wait()

    def queued(self, coming: Coming) -> bool:
        """Let a message wait behind others of its device; whether there are any."""
        queue = self._queues.get(coming.heard.device)
        if queue is not None:
            queue.append(coming)
            self._count()
        return queue is not None

    def later(self, coming: Coming, seconds: int) -> None:
        """Let a message that came too soon try again in so many seconds."""
        if self._over:
            return
        device = coming.heard.device
        queue = self._queues.setdefault(device, deque())
        if self._trying.get(device) is coming:
            del self._trying[device]
            queue.appendleft(coming)
        else:
            queue.append(coming)
        if device not in self._timers and device not in self._trying:
            self._timers[device] = asyncio.get_running_loop().call_later(seconds, self._try, device)
        self._count()

    def kept(self, coming: Coming) -> None:
        """Let the next of a device try, if this is the one that did."""
        device = coming.heard.device
        if self._trying.get(device) is coming:
            del self._trying[device]
            self._try(device)
            self._count()

    def stop(self) -> None:
        """Let nothing try again."""
        self._over = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._queues.clear()
        self._trying.clear()

    def _try(self, device: str) -> None:
        self._timers.pop(device, None)
        queue = self._queues[device]
        if not queue:
            del self._queues[device]
            return
        self._trying[device] = coming = queue.popleft()
        self._again(coming)

    def _count(self) -> None:
        if len(self) < self._most:
            self._room.set()
        else:
            self._room.clear()

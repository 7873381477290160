"""The keeper: puts on disk what sessions remember and what is retained, all that came meanwhile in one transaction."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import structlog

from verger.domain.messages.bequest import Bequest
from verger.domain.messages.model import Message
from verger.domain.messages.standing import Standing
from verger.domain.messages.store import Page

MOST_PENDING = 1_000
"""Changes that may wait for the disk before nothing more is read from those who cause them."""
_AGAIN_S = 1.0

log = structlog.get_logger()


class Disk(Protocol):
    """Where pages are written."""

    async def write(self, page: Page) -> None:
        """Write a page, all of it or nothing."""
        ...


class Keeper:
    """Writes behind whoever changes something; `mark` counts the changes, `saved` those that are on disk."""

    def __init__(self, disk: Disk) -> None:
        """Have nothing to write yet."""
        self._disk = disk
        self.mark = self.saved = 0
        self._dirty: dict[Standing, None] = {}
        self._ended: list[str] = []
        self._retained: dict[tuple[str, str], tuple[Message, int] | None] = {}
        self._wills: dict[tuple[str, str], Bequest | None] = {}
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._woken = asyncio.Event()
        self._saving = asyncio.Lock()

    @property
    def full(self) -> bool:
        """Whether those who cause changes should wait."""
        return self.mark - self.saved >= MOST_PENDING

    def touch(self, standing: Standing) -> None:
        """Save what a session remembers."""
        self._dirty[standing] = None
        self._changed()

    def forget(self, standing: Standing) -> None:
        """Remove a session from the disk."""
        if standing.memory.name:
            self._ended.append(standing.memory.name)
            standing.memory.empty()
            self._changed()
        else:
            standing.memory.empty()
        self._dirty.pop(standing, None)

    def retain(self, tenant: str, topic: str, kept: tuple[Message, int] | None) -> None:
        """Save what is retained at a topic from now on and until when, None for nothing."""
        self._retained[tenant, topic] = kept
        self._changed()

    def will(self, owner: str, client_id: str, bequest: Bequest | None) -> None:
        """Save the will of a client as it is then, None for none."""
        self._wills[owner, client_id] = bequest
        self._changed()

    def _changed(self) -> None:
        self.mark += 1
        self._woken.set()

    def when_kept(self, act: Callable[[], None]) -> None:
        """Do something once all that was changed up to now is on disk, in the order it was asked for."""
        if self.saved >= self.mark and not self._waiting:
            act()
        else:
            self._waiting.append((self.mark, act))

    async def kept(self) -> None:
        """Return once all that was changed up to now is on disk."""
        event = asyncio.Event()
        self.when_kept(event.set)
        await event.wait()

    async def run(self) -> None:
        """Save again and again, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.save()
            except Exception:  # nobody is told that it is kept, and it is tried again
                log.warning("sessions could not be saved", exc_info=True)
                self._woken.set()
                await asyncio.sleep(_AGAIN_S)

    async def save(self) -> None:
        """Put on disk all that was changed up to now, at once: a message and who knows that it was received."""
        async with self._saving:
            mark = self.mark
            dirty, self._dirty = self._dirty, {}
            ended, self._ended = self._ended, []
            retained, self._retained = self._retained, {}
            wills, self._wills = self._wills, {}
            taken = [(standing, standing.memory.changes()) for standing in dirty]
            page = Page(ended=ended)
            for standing, changes in taken:
                page.session(standing, changes)
            for (tenant, topic), kept in retained.items():
                page.retain(tenant, topic, kept)
            for (owner, client_id), bequest in wills.items():
                page.will(owner, client_id, bequest)
            try:
                await self._disk.write(page)
            except BaseException:
                self._ended = ended + self._ended
                self._retained = retained | self._retained
                self._wills = wills | self._wills
                for standing, changes in taken:
                    if standing.memory.name:
                        standing.memory.put_back(changes)
                        self._dirty[standing] = None
                raise
            self.saved = mark
            for standing, changes in taken:
                standing.memory.saved = changes.mark
            self._tell([standing for standing, _ in taken])

    def _tell(self, saved: list[Standing]) -> None:
        acts = [standing.line.saved for standing in saved if standing.line is not None]
        while self._waiting and self._waiting[0][0] <= self.saved:
            acts.append(self._waiting.popleft()[1])
        for act in acts:
            try:
                act()
            except Exception:
                log.exception("somebody could not be told that it is kept")

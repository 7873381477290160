"""One open screen: what it shows, and what it has yet to be told."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

_MOST_WAITING = 1 << 20  # characters of frames; a screen that is further behind is shown everything anew
_MOST_UNREAD = 16  # answers; a screen that reads no further is not heard further


class Screen:
    """A bounded queue of encoded frames towards one WebSocket."""

    def __init__(self, tenant: str, user: str | None = None) -> None:
        """Show nothing yet; `user` is whose it is, None for a program's."""
        self.tenant = tenant
        self.user = user
        self.subjects: dict[tuple[str, str], frozenset[str]] = {}  # ("place", id) -> all below it
        self.places: frozenset[str] = frozenset()
        self.devices: frozenset[str] = frozenset()
        self.tenants: frozenset[str] = frozenset()  # its own, while it shows what happens anywhere in it
        self.stale: set[tuple[str, str]] = set()  # what has to be shown anew
        self._waiting: deque[str] = deque()
        self._behind = 0  # characters that wait
        self._answers: asyncio.Queue[str] = asyncio.Queue(_MOST_UNREAD)
        self._news = asyncio.Event()

    def show(self, kind: str, subject: str, below: list[str]) -> None:
        """Show a place with all below it, or a device, from now on."""
        self.subjects[kind, subject] = frozenset(below)
        self._sum()

    def hide(self, kind: str, subject: str) -> None:
        """Show it no longer."""
        self.subjects.pop((kind, subject), None)
        self.stale.discard((kind, subject))
        self._sum()

    def put(self, frame: str) -> None:
        """Queue a frame; when too many wait they all go, for a fresh snapshot says more than old news."""
        if self._behind + len(frame) > _MOST_WAITING:
            self.renew()
            return
        self._waiting.append(frame)
        self._behind += len(frame)
        self._news.set()

    async def answer(self, frame: str) -> None:
        """Queue the answer to what the screen itself asked, which is never dropped; wait while many are unread."""
        await self._answers.put(frame)
        self._news.set()

    def renew(self) -> None:
        """Forget what waits, and show every subject anew."""
        self._waiting.clear()
        self._behind = 0
        self.stale = set(self.subjects)
        self._news.set()

    async def drain(self, send: Callable[[str], Awaitable[None]], fresh: Callable[[str, str], Awaitable[str]]) -> None:
        """Send what waits, as fast as the other side takes it, until cancelled; `fresh` gives a snapshot's frame."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self.stale or self._waiting or not self._answers.empty():
                if not self._answers.empty():
                    await send(self._answers.get_nowait())
                elif self.stale:
                    await send(await fresh(*self.stale.pop()))
                else:
                    frame = self._waiting.popleft()
                    self._behind -= len(frame)
                    await send(frame)

    def _sum(self) -> None:
        shown = self.subjects.items()
        self.places = frozenset().union(*(below for (kind, _), below in shown if kind == "place"))
        self.devices = frozenset(subject for (kind, subject), _ in shown if kind == "device")
        self.tenants = frozenset(subject for (kind, subject), _ in shown if kind == "tenant")

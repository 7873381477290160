"""Looking names up: beside all else, so many at once, and whoever's names answer slowly holds up nobody else's."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Thread

from verger.base.errors import Refused

AT_ONCE = 32

_LONGEST_S = 15.0
_SHARE = 8  # of all that may be looked up at once, one owner has this part

_owner: ContextVar[str] = ContextVar("owner of what is looked up", default="")

Found = list[str] | Exception


@contextmanager
def on_behalf_of(owner: str) -> Iterator[None]:
    """Look names up for an owner meanwhile, such as an organisation; without one they are the house's own."""
    before = _owner.set(owner)
    try:
        yield
    finally:
        _owner.reset(before)


class Lookups:
    """Who is looked up for; each look-up has a thread of its own that does not keep the program from ending.

    One owner has at most an eighth of them, and once half are taken one each.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """Look up so many names at once."""
        self._at_once = at_once
        self._busy: Counter[str] = Counter()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def running(self) -> int:
        """How many names are being looked up."""
        return self._busy.total()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    async def find(self, host: str, port: int) -> list[str]:
        """Return the numbers of a host; raise Refused when it has none, or none is told in time."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                found = await self._find(_owner.get(), host, port)
        except TimeoutError:
            raise Refused(f"It took too long to look up {host}; it is tried again.") from None
        if isinstance(found, Exception):
            raise Refused(f"There is no host {host}; check its name.") from None
        return found

    async def _find(self, owner: str, host: str, port: int) -> Found:
        loop = asyncio.get_running_loop()
        while not self._may(owner):
            turn = loop.create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)
        self._busy[owner] += 1
        answer: asyncio.Future[Found] = loop.create_future()

        def look() -> None:
            found = _numbers(host, port)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._ended, owner, answer, found)

        Thread(target=look, name="look-up", daemon=True).start()
        return await answer

    def _may(self, owner: str) -> bool:
        """Tell whether an owner may have one more."""
        half = 2 * self.running >= self._at_once
        share = 1 if half else max(1, self._at_once // _SHARE)
        return self.running < self._at_once and self._busy[owner] < share

    def _ended(self, owner: str, answer: asyncio.Future[Found], found: Found) -> None:
        """Let the next ones have their turn; whoever asked may have given up meanwhile."""
        self._busy -= Counter([owner])
        if not answer.done():
            answer.set_result(found)
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)


def _numbers(host: str, port: int) -> Found:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a name that no system can ask for is the latter
        return error
    return list(dict.fromkeys(str(each[4][0]) for each in found))

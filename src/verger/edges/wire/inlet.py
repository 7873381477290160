"""The inlet: joins what the wire hears into batches, so that one write to disk keeps many messages."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, repeat, takewhile
from typing import Protocol

import structlog

from verger.base.errors import Busy
from verger.domain.telemetry.model import Answer, Heard

log = structlog.get_logger()

MOST_IN_BATCH = 5_000
MOST_BATCH_BYTES = 4 << 20
"""As they came over the wire; in a record of the log they may take several times as much."""
MOST_BYTES = 8 << 20


class Taker(Protocol):
    """Whoever keeps what was heard."""

    async def take(self, heard: Sequence[Heard]) -> list[Answer]:
        """Return an answer to each message once all is kept; raise Busy when nothing can be."""
        ...


class Speaker(Protocol):
    """Whoever waits for an answer."""

    def answered(self, ticket: int, answer: Answer | None) -> None:
        """Learn what became of a message; None: it was not kept and is not to be acknowledged."""
        ...

    def settled(self) -> None:
        """Learn that this batch brings no further answers."""
        ...


class Inlet:
    """A bounded queue before the log: one batch under way, and whatever joins meanwhile is the next.

    `messages`, `batches` and `unkept` only grow.
    """

    def __init__(self, inbound: Taker, most: int = 20_000) -> None:
        """Take messages for `inbound`, and ask for a rest once `most`, or MOST_BYTES of them, are waiting."""
        self.messages = self.batches = self.unkept = 0
        self._inbound, self._most = inbound, most
        self._heard: list[Heard] = []
        self._speakers: list[Speaker] = []
        self._tickets: list[int] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self._joined = asyncio.Event()
        self._resumes: deque[Callable[[], None]] = deque()
        self._stopping = False

    @property
    def full(self) -> bool:
        """Whether nothing more should be read for now."""
        return len(self._heard) >= self._most or self._bytes >= MOST_BYTES

    def join(self, heard: Heard, speaker: Speaker, ticket: int, size: int = 0) -> None:
        """Add a message of so many bytes to the next batch; never blocks, so look at `full` before reading on."""
        self._heard.append(heard)
        self._speakers.append(speaker)
        self._tickets.append(ticket)
        self._sizes.append(size)
        self._bytes += size
        if not self._joined.is_set():
            self._joined.set()

    def when_free(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, when there is room again."""
        if self.full:
            self._resumes.append(resume)
        else:
            resume()

    async def room(self) -> None:
        """Return when there is room."""
        while self.full:
            free = asyncio.Event()
            self.when_free(free.set)
            await free.wait()

    async def put(self, heard: Heard, size: int = 0) -> Answer:
        """Return once a message of so many bytes is kept; raises Busy when it cannot be."""
        await self.room()
        waiter = _Waiter(asyncio.get_running_loop().create_future())
        self.join(heard, waiter, 0, size)
        answer = await waiter.future
        if answer is None:
            raise Busy("This cannot be kept just now; send it again in a moment.", retry_s=5)
        return answer

    async def run(self) -> None:
        """Take batch after batch until stopped and empty."""
        while not self._stopping or self._heard:
            await self._joined.wait()
            self._joined.clear()
            if self._heard:
                await self._take()

    def stop(self) -> None:
        """Let `run` return after what has joined."""
        self._stopping = True
        self._joined.set()

    async def _take(self) -> None:
        """Keep one batch and tell everybody in it."""
        end = self._cut()
        heard, self._heard = self._heard[:end], self._heard[end:]
        speakers, self._speakers = self._speakers[:end], self._speakers[end:]
        tickets, self._tickets = self._tickets[:end], self._tickets[end:]
        self._bytes -= sum(self._sizes[:end])
        del self._sizes[:end]
        if self._heard:
            self._joined.set()
        self._make_room()
        answers: Sequence[Answer | None] = ()
        try:
            answers = await self._inbound.take(heard)
        except Busy as busy:
            log.warning("a batch could not be kept", messages=len(heard), why=str(busy))
        except Exception:
            log.exception("a batch could not be kept", messages=len(heard))
        self.batches += 1
        self.messages += len(heard)
        self.unkept += max(len(heard) - len(answers), 0)
        self._tell(speakers, tickets, chain(answers, repeat(None)))

    def _cut(self) -> int:
        """Return how many messages the next batch takes, one at least."""
        if self._bytes <= MOST_BATCH_BYTES:
            return MOST_IN_BATCH
        sizes = accumulate(self._sizes[:MOST_IN_BATCH])
        return max(1, sum(1 for _ in takewhile(lambda size: size <= MOST_BATCH_BYTES, sizes)))

    @staticmethod
    def _tell(speakers: list[Speaker], tickets: list[int], answers: Iterable[Answer | None]) -> None:
        """Give everybody their answers; one who cannot bear it does not keep the others from theirs."""
        for speaker, ticket, answer in zip(speakers, tickets, answers, strict=False):
            try:
                speaker.answered(ticket, answer)
            except Exception:
                log.exception("an answer could not be given")
        for speaker in dict.fromkeys(speakers):
            try:
                speaker.settled()
            except Exception:
                log.exception("an answer could not be given")

    def _make_room(self) -> None:
        """Wake those who waited for room, while there is some."""
        resumes, self._resumes = self._resumes, deque()
        while resumes and not self.full:
            resumes.popleft()()
        resumes.extend(self._resumes)
        self._resumes = resumes


class _Waiter:
    """A speaker with one message."""

    def __init__(self, future: "asyncio.Future[Answer | None]") -> None:
        self.future = future

    def answered(self, _ticket: int, answer: Answer | None) -> None:
        if not self.future.done():
            self.future.set_result(answer)

    def settled(self) -> None:
        pass

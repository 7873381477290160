"""The inlet: joins what the wire hears into batches, so that one write to disk keeps many messages."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, repeat
from typing import Protocol

import structlog

from verger.base.errors import Busy
from verger.domain.telemetry.model import Answer, Heard, Run

log = structlog.get_logger()

MOST_IN_BATCH = 5_000
MOST_BATCH_BYTES = 4 << 20
"""As they came over the wire; in a record of the log they may take several times as much."""
MOST_BYTES = 8 << 20
ENOUGH_BYTES = 16 << 10
"""After so many no company is waited for: the disk writes whole pages of 4 KiB, and few of these are half empty."""
MANY, MOMENT_S, MOMENTS = 4, 0.001, 4
"""Where so many spoke in the last batch, the next waits some moments for others, as long as so many come in each: every
sync has a price of its own, and who waits for an answer before going on says nothing more meanwhile."""
MOST_TOGETHER, MOST_TOGETHER_BYTES = 50, 64 << 10
"""Of messages that one speaker joins one after the other, to be answered in one go."""


class Taker(Protocol):
    """Whoever keeps what was heard."""

    async def take(self, heard: Sequence[Heard | Run]) -> list[Answer]:
        """Return an answer to each message, those of runs too, once all is kept; raise Busy when nothing can be."""
        ...


class Speaker(Protocol):
    """Whoever waits for an answer."""

    def answered(self, tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
        """Learn what became of messages that it said together; None: not kept and not to be acknowledged."""
        ...


class Inlet:
    """A bounded queue before the log: one batch under way, and whatever joins meanwhile is the next.

    `messages`, `batches`, `unkept` and `rests` only grow; while it is `full`, nothing more should be read, and `rests`
    counts how often that was.
    """

    def __init__(self, inbound: Taker, most: int = 20_000, wait_s: float = 0) -> None:
        """Take messages for `inbound`, and ask for a rest once `most`, or MOST_BYTES of them, are waiting.

        The first of a batch waits up to `wait_s` for company, so that the disk is asked less often. Without that, it
        waits only where many speak, and never where one comes by `put`: a request costs more than its share of a sync.
        """
        self.messages = self.batches = self.unkept = self.rests = 0
        self._inbound, self._most, self._wait_s = inbound, most, wait_s
        self._parties: list[_Party] = []
        self._waiting = self._bytes = 0
        self._spoke = 0  # how many were in the last batch
        self._prompt = False  # whether one of the next is not to wait
        self._enough = MOST_BYTES  # so many bytes call for a look at what waits
        self.full = False
        self._joined = asyncio.Event()
        self._resumes: deque[Callable[[], None]] = deque()
        self._stopping = False

    def join(self, heard: Heard, speaker: Speaker, ticket: int, size: int = 0) -> None:
        """Add a message of so many bytes to the next batch; never blocks, so look at `full` before reading on."""
        if not self._parties or not _goes_with(self._parties[-1], speaker, size):
            self.join_all([heard], speaker, [ticket], size)
            return
        _, before, tickets, bytes_ = self._parties[-1]
        self._parties[-1] = (speaker, [*before, heard], [*tickets, ticket], bytes_ + size)
        self._waiting += 1
        self._bytes += size
        self._look()

    def join_all(self, heard: Sequence[Heard | Run], speaker: Speaker, tickets: Sequence[int], size: int = 0) -> None:
        """Add messages of one speaker, at least one and a ticket each, of so many bytes together, as by `join`."""
        if not self._waiting:
            self._joined.set()
        self._parties.append((speaker, heard, tickets, size))
        self._waiting += len(tickets)
        self._bytes += size
        if self._waiting >= self._most or self._bytes >= self._enough:
            self._look()

    def _look(self) -> None:
        """Find out whether so much waits that it is to be taken now, or no more is to be read."""
        self.full = self._waiting >= self._most or self._bytes >= MOST_BYTES
        if self.full or self._bytes >= self._enough:
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
        if self.full:
            await self.room()
        self._prompt = True
        waiter = _Waiter(asyncio.get_running_loop().create_future())
        self.join(heard, waiter, 0, size)
        answer = await waiter.future
        if answer is None:
            raise Busy("This cannot be kept just now; send it again in a moment.", retry_s=5)
        return answer

    async def run(self) -> None:
        """Take batch after batch until stopped and empty."""
        while not self._stopping or self._waiting:
            await self._joined.wait()
            self._joined.clear()
            if self._waiting and self._wait_s:
                await self._company()
            elif self._waiting and self._spoke >= MANY:
                await self._more()
            if self._waiting:
                await self._take()

    @property
    def _ready(self) -> bool:
        """Whether what waits is to be taken at once."""
        return self._bytes >= ENOUGH_BYTES or self._stopping or self.full

    async def _company(self) -> None:
        """Return once enough waits, or has waited for long enough."""
        if self._ready:
            return
        self._enough = ENOUGH_BYTES
        with suppress(TimeoutError):
            await asyncio.wait_for(self._joined.wait(), self._wait_s)
        self._enough = MOST_BYTES
        self._joined.clear()

    async def _more(self) -> None:
        """Return once enough waits, has waited for long enough, or hardly anybody comes any more."""
        for _ in range(MOMENTS):
            came = len(self._parties)
            if self._ready or self._prompt:
                return
            await asyncio.sleep(MOMENT_S)
            if len(self._parties) - came < MANY:
                return

    def stop(self) -> None:
        """Let `run` return after what has joined."""
        self._stopping = True
        self._joined.set()

    async def _take(self) -> None:
        """Keep one batch and tell everybody in it."""
        parties, messages = self._cut()
        self._spoke, self._prompt = len(parties), False
        if self._waiting:
            self._joined.set()
        self._make_room()
        answers: list[Answer | None] = []
        try:
            answers += await self._inbound.take([*chain.from_iterable([heard for _, heard, _, _ in parties])])
        except Busy as busy:
            log.warning("a batch could not be kept", messages=messages, why=str(busy))
        except Exception:
            log.exception("a batch could not be kept", messages=messages)
        self.batches += 1
        self.messages += messages
        unkept = messages - len(answers)
        self.unkept += unkept
        answers += repeat(None, unkept)
        _tell(parties, answers)

    def _cut(self) -> tuple[list["_Party"], int]:
        """Take what the next batch takes out of what waits, one party at least; return also how many messages it is."""
        self.rests += self.full
        parties, messages, size = self._parties, self._waiting, self._bytes
        if messages > MOST_IN_BATCH or size > MOST_BATCH_BYTES:
            count, messages, size = _fitting(parties)
            parties, self._parties = parties[:count], parties[count:]
        else:
            self._parties = []
        self._waiting -= messages
        self._bytes -= size
        self._look()
        return parties, messages

    def _make_room(self) -> None:
        """Wake those who waited for room, while there is some."""
        resumes, self._resumes = self._resumes, deque()
        while resumes and not self.full:
            resumes.popleft()()
        resumes.extend(self._resumes)
        self._resumes = resumes


_Party = tuple[Speaker, Sequence[Heard | Run], Sequence[int], int]  # who said what, its tickets, and its bytes


def _goes_with(before: _Party, speaker: Speaker, size: int) -> bool:
    """Whether a message can be answered in one go with what joined before it."""
    return before[0] is speaker and len(before[2]) < MOST_TOGETHER and before[3] + size <= MOST_TOGETHER_BYTES


def _fitting(parties: Sequence[_Party]) -> tuple[int, int, int]:
    """Return how many parties one batch can take, and their messages and bytes."""
    count = messages = size = 0
    for _, _, tickets, bytes_ in parties:
        if count and (messages + len(tickets) > MOST_IN_BATCH or size + bytes_ > MOST_BATCH_BYTES):
            break
        count, messages, size = count + 1, messages + len(tickets), size + bytes_
    return count, messages, size


def _tell(parties: Sequence[_Party], answers: list[Answer | None]) -> None:
    """Give everybody their answers; one who cannot bear it does not keep the others from theirs."""
    begin = 0
    for speaker, _, tickets, _ in parties:
        end = begin + len(tickets)
        try:
            speaker.answered(tickets, answers[begin:end])
        except Exception:
            log.exception("an answer could not be given")
        begin = end


class _Waiter:
    """A speaker with one message."""

    def __init__(self, future: "asyncio.Future[Answer | None]") -> None:
        self.future = future

    def answered(self, _tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
        if not self.future.done():
            self.future.set_result(answers[0])

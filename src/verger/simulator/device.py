"""One simulated device: measures by its own clock, remembers what it could not say, and says it later."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from verger.base.clock import MINUTE, SECOND, Clock
from verger.simulator import native
from verger.simulator.curves import ticks
from verger.simulator.history import Occurrence, in_reach, occurrences, readings
from verger.simulator.kinds import kind_named
from verger.simulator.mqtt import Link, Lost

MOST_REMEMBERED = 10_000  # samples; the oldest are forgotten first, as in a real device
AT_ONCE = 50  # samples in one message
GRACE = 10 * MINUTE  # after its birth in which it stays in reach, so that whoever started it hears it

log = structlog.get_logger()


@dataclass(frozen=True)
class Character:
    """What makes a simulated device: its access token, its kind, its seed, and how often it measures, in seconds."""

    token: str
    kind: str
    seed: int
    every_s: float = 10.0


class Device:
    """A device that lives by its clock and speaks over its link."""

    def __init__(self, character: Character, link: Link, clock: Clock) -> None:
        """Be born now, with nothing to say yet."""
        self._character, self._link, self._clock = character, link, clock
        self._kind = kind_named(character.kind)
        self._born = self._upto = clock.now()
        self._samples: deque[tuple[int, dict[str, float]]] = deque(maxlen=MOST_REMEMBERED)
        self._events: deque[Occurrence] = deque(maxlen=MOST_REMEMBERED)

    async def live(self, wait: Callable[[float], Awaitable[None]]) -> None:
        """Measure and speak for ever; `wait` waits some seconds. Ends with NotWelcome when the server refuses."""
        try:
            while True:
                await wait((self._next() - self._clock.now()) / SECOND)
                self.measure(self._clock.now())
                await self.speak()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Say farewell and hang up."""
        await self._link.close(polite=True)

    def measure(self, now: int) -> None:
        """Remember all that was measured and all that happened up to now."""
        since, self._upto, who = self._upto, now + 1, self._character
        taken = readings(self._kind, who.seed, since, now + 1, who.every_s)
        for row, at in enumerate(taken.at.tolist()):
            self._samples.append((at, {name: float(column[row]) for name, column in taken.values.items()}))
        self._events.extend(occurrences(self._kind, who.seed, since, now + 1))

    async def speak(self) -> None:
        """Say all that is remembered, if we are in reach; what was not acknowledged stays remembered."""
        if not self._in_reach():
            if self._link.is_open:
                log.info("A simulated device is out of reach for some minutes, as real ones are.")
            await self._link.close()
            return
        try:
            if not self._link.is_open:
                await self._link.open()
                await self._link.publish(*native.attributes(self._about()))
            await self._say()
        except Lost as lost:
            log.info("A simulated device was not heard.", why=str(lost), remembered=len(self._samples))

    async def _say(self) -> None:
        while self._samples:
            some = [self._samples[n] for n in range(min(AT_ONCE, len(self._samples)))]
            await self._link.publish(*native.telemetry(some))
            for _ in some:
                self._samples.popleft()
        while self._events:
            await self._link.publish(*native.event(self._events[0]))
            self._events.popleft()

    def _in_reach(self) -> bool:
        now = self._clock.now()
        return now - self._born < GRACE or in_reach(self._character.seed, now)

    def _about(self) -> dict[str, object]:
        return {"model": self._kind.model, "firmware": "1.4.2", "simulated": "yes", "every_s": self._character.every_s}

    def _next(self) -> int:
        every = round(self._character.every_s * SECOND)
        return int(ticks(self._character.seed, self._upto, self._upto + 3 * every, every)[0])

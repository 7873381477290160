"""Presence: when each device was last heard, who is online, and who has fallen silent; with its alert."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import numpy as np
from msgspec import Struct

from verger.base.clock import MINUTE, SECOND, Clock
from verger.base.work import attempt
from verger.domain.devices.hearing import NEVER, Hearing
from verger.domain.devices.kept import Kept
from verger.domain.telemetry.model import Batch
from verger.flows.falling import Alerts, Falling, portions
from verger.flows.listening import Listening
from verger.flows.oversight import Figure
from verger.flows.ports import Screens

_TICK_S = 1.0
_NEWS_S = 0.05  # between two looks at who has just come
_SAVE_EVERY = 10 * SECOND
_SAVE_ANYWAY = MINUTE
_SAVED_AT_ONCE = 500  # rows a transaction


class Ears(Protocol):
    """The log, as far as it tells whether Verger listens."""

    last: int
    pending_bytes: int
    trouble: str | None


class Quiet(Struct, frozen=True):
    """How a device is heard: times in microseconds; `for_s` is how long Verger has listened since its last word."""

    silent_since: int | None = None
    last_seen: int | None = None
    for_s: float | None = None


class Presence:
    """A follower of the log, and a listener to connections; `turned` are told who fell silent or speaks again."""

    name = "presence"

    def __init__(self, kept: Kept, alerts: Alerts, screens: Screens, clock: Clock, away_s: int) -> None:
        """Know of nobody yet; a device whose rhythm is not known is offline `away_s` after its last word."""
        self._kept, self._clock = kept, clock
        self._hearing = Hearing(away_s * SECOND)
        self._listening = Listening(kept, self._hearing)
        self._falling = Falling(kept, alerts, screens, clock, self._hearing)
        self.turned = self._falling.turned
        self._connections: dict[str, int] = {}
        self._taken = self._saved = 0
        self._saved_at = clock.now()
        self._news = asyncio.Event()

    async def fill(self, last: int) -> None:
        """Remember, at start, how each device was heard; the log ends at `last`."""
        self._hearing.listened, self._saved = await self._kept.presence.listened()
        self._taken = self._saved
        await self._listening.begin()
        for seen in await self._kept.presence.everything():
            device = self._kept.registry.known(seen.device)
            if device is not None:
                self._hearing.load(device.slot, seen, last)
                if seen.alerted:
                    self._falling.open[device.slot] = device
        self._hearing.begin()

    @property
    def newest(self) -> int:
        """When anybody was last heard, in microseconds, 0 if nobody was."""
        return max(0, int(self._hearing.seen.max()))

    # what happens

    async def take(self, batch: Batch) -> None:
        """Hear who spoke in a batch."""
        self._listening.stand()
        slots = self._kept.registry.slots_of(batch.series)
        if batch.told:
            told = (self._kept.registry.known(each.device) for each in batch.told)
            slots = np.concatenate([slots, np.array([known.slot for known in told if known], np.int32)])
        if self._hearing.hear(slots, batch.sequence, batch.received_at, self._clock.now()):
            self._news.set()
        self._taken = batch.sequence

    def settled(self) -> int | None:
        """Return the record up to which all that was heard is kept."""
        return self._saved

    def connected(self, device: str) -> None:
        """Count a connection of a device."""
        self._connections[device] = self._connections.get(device, 0) + 1
        self._link(device, linked=True)

    def disconnected(self, device: str) -> None:
        """Count a connection less; that is no silence."""
        left = self._connections.pop(device, 1) - 1
        if left > 0:
            self._connections[device] = left
        else:
            self._link(device, linked=False)

    def _link(self, device: str, *, linked: bool) -> None:
        if known := self._kept.registry.known(device):
            self._hearing.grow(self._kept.registry.slots)
            self._hearing.link(known.slot, linked=linked)
            self._news.set()

    # what people and rules see

    def connected_now(self, device: str) -> bool:
        """Tell whether a device has a connection, its own or through its gateway."""
        return device in self._connections

    def online(self, device: str) -> bool:
        """Tell whether a device is online: not silent, and connected or heard lately."""
        known = self._row(device)
        return known is not None and self._hearing.is_online(known)

    def last_seen(self, device: str) -> int | None:
        """Return when a device was last heard, in microseconds, None if never."""
        return self.silence_of(device).last_seen

    def silence_of(self, device: str) -> Quiet:
        """Return whether a device is silent, and for how long."""
        row = self._row(device)
        if row is None:
            return Quiet()
        hearing = self._hearing
        heard = int(hearing.heard[row])
        for_s = None if heard == NEVER else max(0, hearing.listened - heard) / SECOND
        return Quiet(int(hearing.since[row]) or None, int(hearing.seen[row]) or None, for_s)

    def _row(self, device: str) -> int | None:
        known = self._kept.registry.known(device)
        return known.slot if known is not None and known.slot < len(self._hearing.seen) - 1 else None

    def figures(self) -> Iterator[Figure]:
        """Return how many are online and silent."""
        there = [known.slot for known in self._kept.registry.everyone() if known.slot < len(self._hearing.seen) - 1]
        yield Figure("devices_online", "Devices that are online", int(self._hearing.online[there].sum()))
        silent = int((self._hearing.fell[there] > NEVER).sum())
        yield Figure("devices_silent", "Devices that have fallen silent", silent)
        listened = self._hearing.listened / SECOND
        yield Figure("listened_seconds", "Seconds in which Verger listened to devices", listened, grows=True)

    # what follows from it

    async def run(self, log: Ears, shut: Callable[[], bool]) -> None:
        """Look each second who has fallen silent, and at once who has come, until cancelled; `shut`: little is kept."""
        loop, last = asyncio.get_running_loop(), -1
        tick_at = loop.time() + _TICK_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(tick_at):
                    await self._news.wait()
            if loop.time() < tick_at:
                await attempt(self.look)
                await asyncio.sleep(_NEWS_S)
                continue
            tick_at = loop.time() + _TICK_S
            self._hearing.deaf = log.trouble is not None or shut() or (log.pending_bytes > 0 and log.last == last)
            last = log.last
            await attempt(lambda: self.tick(log.last))
            if self._is_to_be_saved():
                await attempt(self.save)

    async def look(self) -> None:
        """See to those who have come since."""
        self._news.clear()
        judged = self._hearing.again()
        if judged is not None:
            await self._falling.turn(judged, lambda: self._taken)

    async def tick(self, last: int) -> None:
        """Notice who has fallen silent, once all that the log holds up to `last` is heard."""
        self._listening.stand()
        judged = self._hearing.tick(self._clock.now(), last, self._taken)
        if judged is not None:
            await self._falling.turn(judged, lambda: self._taken)
        await self._falling.let_go()

    # what is kept

    def _is_to_be_saved(self) -> bool:
        waited = abs(self._clock.now() - self._saved_at)  # a clock that was put back is no reason to wait
        return waited >= _SAVE_ANYWAY or (waited >= _SAVE_EVERY and self._taken > self._saved)

    async def save(self) -> None:
        """Keep when devices were last heard, for how long Verger listened, and up to which record."""
        async with self._falling.keeping:
            self._saved_at, taken, hearing = self._clock.now(), self._taken, self._hearing
            rows, whole = hearing.unkept()
            for some in portions(rows, _SAVED_AT_ONCE):
                known = [(row, each) for row in some.tolist() if (each := self._kept.registry.at_slot(row))]
                seen = [hearing.row(row, each.device, self._taken) for row, each in known]
                async with self._kept.db.writing() as connection:
                    await self._kept.presence.keep(connection, seen)
                hearing.kept[[row for row, _ in known]] = [each.last_seen or 0 for each in seen]
            saved = taken if whole else self._saved
            async with self._kept.db.writing() as connection:
                await self._kept.presence.listen(connection, hearing.listened, saved)
            self._saved = saved

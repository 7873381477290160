"""Outbound: a command on its way, sent as soon as its device listens, again until it has it, and given up in time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count

from msgspec import structs

from verger.base.bell import Bell, whenever
from verger.base.clock import HOUR, SECOND, Clock, microseconds
from verger.base.errors import Missing
from verger.domain.commands.model import UNANSWERED, UNDELIVERED, Command, Stage, due, expired, sent
from verger.domain.commands.store import CommandStore
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.flows.oversight import Figure
from verger.flows.ports import Screens, Wire

_AT_ONCE = 200  # commands a transaction
_SOONEST = 10 * SECOND
"""How soon the clock is looked at again, should it have been moved."""
_PATIENCE_S = 2.0

Pair = tuple[str, Command]
"""A command and whose it is."""


class Outbound:
    """Sends what is queued. What the device says to it comes back through the log, to `Proving`.

    While it holds `sending`, what is on the wire is not yet noted as sent.
    """

    def __init__(self, kept: Kept, store: CommandStore, wire: Wire, screens: Screens, clock: Clock) -> None:
        """Know of nothing that is to be sent; `caught_up` returns once all answers that came are taken."""
        self.sending = asyncio.Lock()
        self.caught_up: Callable[[], Awaitable[None]] = _at_once
        self._kept, self._store, self._wire = kept, store, wire
        self._screens, self._clock = screens, clock
        self._waiting: dict[str, set[str]] = {}  # device -> commands that it does not have
        self._turns = count(1)
        self._proofs: dict[str, dict[str, int]] = {}  # device -> commands that it has and may yet prove, until when
        self._turned: dict[str, int] = {}  # device -> the turn in which it was last polled for that
        self._listening: dict[str, int] = {}  # since which turn
        self._aired: dict[str, int] = {}  # command -> the turn in which it was last on the wire
        self._had: set[tuple[str, int]] = set()  # device and number; that it has it is on its way through the log
        self._sent, self._ended = 0, Counter[Stage]()
        self._wake = Bell()
        store.told.append(self._told)

    async def fill(self) -> None:
        """Remember, at start, who is to be told something."""
        for _, command in await self._store.unanswered():
            self._note(command)

    def listens(self, device: str) -> None:
        """Learn that a device, or those behind it, may hear now what waits for them."""
        if self._waiting:
            self._listening[device] = next(self._turns)
            self._wake.ring()

    def has(self, device: str, number: int) -> None:
        """Learn that a device has a command, before it can be read in the log: nobody sends it again."""
        if device in self._waiting:
            self._had.add((device, number))

    def go_on(self) -> None:
        """Look at once for what is to be sent."""
        self._wake.ring()

    def figures(self) -> Iterator[Figure]:
        """Return the figures of commands."""
        waiting = sum(map(len, self._waiting.values()))
        yield Figure("commands_waiting", "Commands that their devices do not have yet", waiting)
        yield Figure("commands_sent", "Times that a command was sent", self._sent, grows=True)
        for stage in (Stage.succeeded, Stage.failed, Stage.expired, Stage.cancelled):
            ended = self._ended[stage]
            yield Figure("commands_ended", "Commands that ended", ended, grows=True, labels={"stage": stage})

    def _told(self, _tenant: str, command: Command) -> None:
        """Learn of a step of a command, once it is on disk."""
        self._note(command)
        if command.stage not in UNANSWERED and not command.noted:
            self._ended[command.stage] += 1
        self._screens.tell(command.device, {"type": "command", **structs.asdict(command)})
        if command.stage in UNDELIVERED:
            self._wake.ring()

    def _note(self, command: Command) -> None:
        now, before = self._clock.now(), self._proofs.pop(command.device, {})
        proofs = {each: end for each, end in before.items() if each != command.id and end > now}
        if command.stage is Stage.acknowledged and command.shows:
            proofs[command.id] = microseconds(command.expires_at)
        if proofs:
            self._proofs[command.device] = proofs
        waiting = self._waiting.setdefault(command.device, set())
        if command.stage in UNDELIVERED:
            waiting.add(command.id)
            return
        waiting.discard(command.id)
        self._aired.pop(command.id, None)
        self._had.discard((command.device, command.number))
        if not waiting:
            del self._waiting[command.device]

    async def run(self) -> None:
        """Send and give up until cancelled."""
        await whenever(self._wake, self._look, self._clock)

    async def _look(self) -> int | None:
        """Do what is to be done; return when there will be more."""
        await self.step()
        return await self._store.next_due()

    async def step(self) -> None:
        """Do what is to be done now, once."""
        now, listening = self._clock.now(), self._listening
        self._listening = {}
        try:
            since = self._reached(listening)
            reached = await self._store.undelivered(list(since))
            pairs = [pair for pair in reached if self._aired.get(pair[1].id, 0) < since[pair[1].device]]
            known = {command.id for _, command in pairs}
            pairs += [pair for pair in await self._store.due(now, _AT_ONCE) if pair[1].id not in known]
            over = [pair for pair in pairs if microseconds(pair[1].expires_at) <= now]
            ready = [pair for pair in pairs if microseconds(pair[1].expires_at) > now]
            for start in range(0, len(ready), _AT_ONCE):
                async with self.sending:
                    await self._send(ready[start : start + _AT_ONCE], now)
        except Exception:
            self._listening = listening | self._listening
            raise
        if over:
            with suppress(TimeoutError):  # while answers cannot be taken, nothing is given up
                async with asyncio.timeout(_PATIENCE_S):
                    await self.caught_up()
                for start in range(0, len(over), _AT_ONCE):
                    await self._end(over[start : start + _AT_ONCE], now)

    def _reached(self, listening: Mapping[str, int]) -> dict[str, int]:
        """Return since when devices listen, themselves or through a gateway, that are to be told something."""
        found = {}
        for device in self._waiting:
            turns = [listening.get(each, 0) for each in (device, self._kept.relays.gateway_of(device) or "")]
            if any(turns):
                found[device] = max(turns)
        return found

    def next_of(self, devices: Sequence[str], looked_at: Sequence[str], besides: Sequence[str] = ()) -> str | None:
        """Return which device is to be polled next: with commands, else looked at or about to prove one, in turns.

        `besides` are to be told something that is no command.
        """
        now, known = self._clock.now(), set(devices)
        waiting = [each for each in self._waiting if each in known and self._waits(each)]
        waiting += [each for each in besides if each not in waiting]
        proving = [each for each in known if any(end > now for end in self._proofs.get(each, {}).values())]
        candidates = waiting or [*proving, *looked_at]
        if not candidates:
            return None
        found = min(candidates, key=lambda each: (self._turned.get(each, 0), each))
        self._turned[found] = next(self._turns)
        return found

    def _waits(self, device: str) -> bool:
        """Whether a device has commands that are not about to be noted as fetched."""
        return len(self._waiting[device]) > sum(each == device for each, _ in self._had)

    async def asked(self, tenant: str, device: str, command: str) -> Command | None:
        """Return a command of a device that knows it by its id, None where it is none of its own."""
        try:
            found = await self._store.get(tenant, command)
        except Missing:
            return None
        return found if found.device == device else None

    async def fetch(self, device: str) -> list[Command]:
        """Return what waits for a device that polls, the oldest first, each noted as sent by poll."""
        if device not in self._waiting:
            return []
        now, fetched = self._clock.now(), []
        async with self.sending:
            pairs = await self._store.undelivered([device])
            async with self._kept.db.writing() as connection:
                for tenant, command in pairs:
                    found = await self._store.there(connection, tenant, command.id)
                    gone = found is None or found.stage not in UNDELIVERED or microseconds(found.expires_at) <= now
                    if found is None or gone or (device, found.number) in self._had:
                        continue
                    after = sent(found, now, "poll")
                    if after is not found:
                        await self._store.change(connection, tenant, after)
                    fetched.append(after)
                    self._sent += 1
        return fetched

    async def _send(self, pairs: Sequence[Pair], now: int) -> None:
        """Put commands on the wire, then note which way they went, or when to try again."""
        if not pairs:
            return
        devices = [await self._device(tenant, command.device) for tenant, command in pairs]
        async with self._kept.db.writing() as connection:
            for (tenant, command), device in zip(pairs, devices, strict=True):
                # Nobody can cancel it between this look and the wire.
                found = await self._store.there(connection, tenant, command.id)
                if found is None:
                    continue
                way = None if device is None else self._way(device, found)
                after = found if way is None else sent(found, now, way)
                if after is not found:
                    await self._store.change(connection, tenant, after)
                elif found.stage in UNDELIVERED:
                    at = due(found, now) if way else _later(found, now)
                    await self._store.look_at(connection, tenant, found, at)

    async def _device(self, tenant: str, device: str) -> Device | None:
        try:
            return await self._kept.devices.get(tenant, device)
        except Missing:  # it has retired
            return None

    def _way(self, device: Device, command: Command) -> str | None:
        if command.stage not in UNDELIVERED or (command.device, command.number) in self._had:
            return None
        way = self._wire.ask(device, command)
        if way:
            self._sent += 1
            self._aired[command.id] = next(self._turns)
        return way

    async def _end(self, pairs: Sequence[Pair], now: int) -> None:
        """Give up what has no answer in time."""
        async with self._kept.db.writing() as connection:
            for tenant, command in pairs:
                found = await self._store.there(connection, tenant, command.id)
                if found is None:
                    continue
                after = expired(found, now)
                if after is found:
                    await self._store.look_at(connection, tenant, found, None)
                else:
                    await self._store.change(connection, tenant, after)


async def _at_once() -> None:
    """Return: nothing is behind."""


def _later(command: Command, now: int) -> int:
    """Return when to try again to send what nobody took, ever later: most devices tell when they listen."""
    end = microseconds(command.expires_at)
    return min(end, now + min(max(now - microseconds(command.asked_at), _SOONEST), HOUR))

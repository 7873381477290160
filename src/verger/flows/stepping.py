"""Stepping: the clock of the machine was put back, and what waits is as far off as it was before."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
import structlog
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import SECOND, Clock, moment
from verger.base.jobs import bring_forward
from verger.domain.commands.store import CommandStore
from verger.domain.notifications.deliveries import DeliveryStore
from verger.domain.rules.stepping import FARTHEST_BACK, stepped
from verger.domain.telemetry.model import Attributes, Batch, Told
from verger.domain.webhooks.calls import CallStore
from verger.flows.court import Court
from verger.flows.escalating import Escalating
from verger.flows.minds import Draft
from verger.flows.reminding import KIND as REMINDERS

log = structlog.get_logger()


class Step(Struct, frozen=True):
    """How far the clock went back, and what it shows now, in microseconds."""

    back: int
    now: int


Heed = Callable[[AsyncConnection, Step], Awaitable[None]]
"""Whoever keeps what is due later: moves it within the transaction of a step."""


@dataclass(frozen=True)
class Due:
    """What is kept as due later besides the timers of rules; what people wrote as a time, such as of a task, stays."""

    escalating: Escalating
    commands: CommandStore
    deliveries: DeliveryStore
    calls: CallStore

    async def stepped(self, connection: AsyncConnection, step: Step) -> None:
        """Let all of it be as far off as it was; what waits to be sent again is looked at now."""
        await self.escalating.stepped(connection, step.back)
        await bring_forward(connection, step.now, step.back, but=[REMINDERS])
        await self.commands.step_back(connection, step.back)
        await self.deliveries.wake(connection, moment(step.now))
        await self.calls.wake(connection)


class Stepping:
    """Knows the latest time that was seen, and what of the rules a step back moves."""

    def __init__(self, court: Court, clock: Clock) -> None:
        """Have seen no time yet."""
        self._court, self._clock, self._latest = court, clock, clock.now()

    def open(self, seen_at: int) -> None:
        """Know what time it was before a restart at least: when something was received, and what rules have judged."""
        now, bounds = self._clock.now(), self._court.bounds
        heard = (memory.heard for memory in self._court.minds.memories.values())
        self._latest = max(now, seen_at, max(heard, default=0))
        if bounds.newest() - now > FARTHEST_BACK:
            bounds.all_before(now)

    def look(self) -> Step | None:
        """Return how far the clock was put back since it was seen last, None for less than `FARTHEST_BACK`."""
        now = self._clock.now()
        if self._latest - now > FARTHEST_BACK:
            return Step(self._latest - now, now)
        self._latest = max(self._latest, now)
        return None

    def draft(self, step: Step, sequence: int) -> Draft:
        """Return what rules remember after a step."""
        court, draft = self._court, Draft(sequence, begun=True)
        court.bounds.all_before(step.now)
        court.saved(anew=True)
        for (name, device), memory in court.minds.memories.items():
            rule = court.book.rule(court.tenants.get(name, ""), name)
            if rule is not None:
                draft.memories[name, device] = stepped(rule, memory, step.back, step.now)
        return draft

    def done(self, step: Step) -> None:
        """Know that all of it is on disk."""
        court, self._latest = self._court, step.now
        court.minds.stepped(step.back)
        court.up_since = court.minds.up_since = min(court.up_since, step.now)
        log.warning("the clock was put back, and timers with it", seconds=step.back // SECOND)

    def timely(self, batch: Batch) -> Batch:
        """Return a record as if it had been received now, where its time has not come by the clock as it is."""
        now = self._clock.now()
        ahead = batch.received_at - now
        if ahead <= FARTHEST_BACK:
            return batch
        told = tuple(_timely(each, ahead, now) for each in batch.told)
        return structs.replace(batch, received_at=now, at=np.minimum(batch.at - ahead, now), told=told)


def _timely(told: Told, ahead: int, now: int) -> Told:
    said = told.said
    if not isinstance(said, Attributes) or said.at is None:
        return told  # an event is known again by its own time
    return structs.replace(told, said=structs.replace(said, at=min(said.at - ahead, now)))

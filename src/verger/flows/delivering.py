"""Delivering: what waits for a target leaves the house when its owner wants it, again until it has arrived."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import HOUR, SECOND, Clock, moment
from verger.base.errors import Missing, Refused
from verger.base.ids import new_id
from verger.base.plural import counted
from verger.domain.backups.mark import Mark
from verger.domain.notifications.deliveries import Waiting
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import Notice, Urgency, one
from verger.domain.notifications.preferences import Preferences, may_go, next_free
from verger.domain.notifications.targets import FAILURES, Target
from verger.domain.notifications.ways import Gone
from verger.domain.tenancy.users import Users
from verger.flows.carrying import Carries, written

_LOOK_S = 1.0
_AT_ONCE = 8
_FIRST_WAIT = 10 * SECOND
_ORDER = list(Urgency)

log = structlog.get_logger()


class Leaving(Struct, frozen=True):
    """What leaves in one message: for whom, by which target, and the deliveries that it ends."""

    tenant: str
    user: str
    target: Target
    message: str
    some: Sequence[Waiting]


@dataclass(frozen=True)
class Untold:
    """What was on its way to people when a backup was taken may have reached them, and is not sent again."""

    room: Mailroom

    async def returned(self, _mark: Mark, _last: int) -> list[str]:
        """Give up what waits; it stays in the list of each person."""
        given_up = await self.room.deliveries.give_up()
        return [f"Not sent: {counted(given_up, 'notification')} that may have reached people already."]


@dataclass(frozen=True)
class Delivering:
    """Carries what is due; a message keeps its id and what it tells however often it is tried."""

    room: Mailroom
    users: Users
    courier: Carries
    clock: Clock
    home: str  # where people find Verger, empty when nobody said

    async def run(self) -> None:
        """Deliver what falls due until cancelled."""
        while True:
            try:
                await self.deliver()
            except Exception:
                log.exception("nothing could be delivered")
            await asyncio.sleep(_LOOK_S)

    async def deliver(self) -> int:
        """Try everything that is due once, some targets at a time; return how many targets that were."""
        due = await self.room.deliveries.targets_due(moment(self.clock.now()))
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one_of(tenant: str, target: str) -> None:
            async with gate:
                await self._target(tenant, target)

        for outcome in await asyncio.gather(*(one_of(*each) for each in due), return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, Missing):
                log.error("a target could not be served", exc_info=outcome)
        return len(due)

    async def _target(self, tenant: str, target: str) -> None:
        async with self.room.db.writing() as connection:
            leaving = await self._leaving(connection, tenant, target)
            if leaving is None:
                return
            told = await self.room.inbox.some(connection, tenant, [each.notification for each in leaving.some])
        message = written(leaving.message, told, self.home)
        try:
            await self.courier.carry(await self.room.targets.way(tenant, target), message)
        except Refused as refused:
            await self._failed(leaving, str(refused), gone=isinstance(refused, Gone))
        except Exception:
            log.exception("a notification could not be sent", target=leaving.target.id)
            await self._failed(leaving, "Verger could not send it; why was logged.", gone=False)
        else:
            await self._arrived(leaving)

    async def _leaving(self, connection: AsyncConnection, tenant: str, target: str) -> Leaving | None:
        """Return what leaves now, put off what is to come later; None when nothing leaves."""
        now, deliveries = moment(self.clock.now()), self.room.deliveries
        user, kept = await self.room.targets.whose(connection, tenant, target)
        due = await deliveries.due(connection, target, now)
        again = next((each.message for each in due if each.message), None)
        if again is not None:
            return Leaving(tenant, user, kept, again, [each for each in due if each.message == again])
        wanted = await self.room.preferences.find(connection, tenant, user) or Preferences()
        zone = ZoneInfo(wanted.timezone or (await self.users.tenant(tenant)).timezone)
        ready = []
        for each in due:
            at = may_go(wanted, zone, each.severity, each.put, now)
            if at <= now:
                ready.append(each)
            else:
                await deliveries.note(connection, [each.id], due_at=at)
        if not ready:
            return None
        worst = max((each.severity for each in ready), key=_ORDER.index)
        free = next_free(wanted, worst, await deliveries.sent(connection, target, now), now)
        if free > now:
            await deliveries.note(connection, [each.id for each in ready], due_at=free)
            return None
        message = new_id()
        await deliveries.note(connection, [each.id for each in ready], message=message)
        return Leaving(tenant, user, kept, message, ready)

    async def _arrived(self, leaving: Leaving) -> None:
        now = moment(self.clock.now())
        async with self.room.db.writing() as connection:
            ids = [each.id for each in leaving.some]
            await self.room.deliveries.note(connection, ids, state="sent", sent_at=now, error=None)
            how = {"failures": 0, "error": None, "delivered_at": now}
            await self.room.targets.note(connection, leaving.tenant, leaving.target.id, **how)

    async def _failed(self, leaving: Leaving, why: str, *, gone: bool) -> None:
        """Try again later, ever later; at the tenth failure in a row, or when nobody is there, pause and say so."""
        now, tenant, target = self.clock.now(), leaving.tenant, leaving.target
        attempts, failures = leaving.some[0].attempts + 1, target.failures + 1
        again = moment(now + min(_FIRST_WAIT << min(attempts - 1, 12), HOUR))
        pauses = gone or failures >= FAILURES
        async with self.room.db.writing() as connection:
            ids = [each.id for each in leaving.some]
            await self.room.deliveries.note(connection, ids, attempts=attempts, due_at=again, error=why)
            how = {"failures": failures, "error": why, "paused_at": moment(now) if pauses else None}
            await self.room.targets.note(connection, tenant, target.id, **how)
            if pauses:
                await self.room.outbox.put(connection, tenant, _paused(leaving, why, failures))
        log.warning("a notification did not arrive", target=target.id, kind=target.kind, failures=failures, why=why)


def _paused(leaving: Leaving, why: str, failures: int) -> Notice:
    times = "It failed once" if failures == 1 else f"It failed {failures} times in a row"
    return Notice(
        severity=Urgency.warning,
        kind="target_paused",
        title=f"{leaving.target.name} is paused: nothing reaches you there",
        body=f"{times}, at last because: {why} What is for you waits. Send yourself a test once it is mended.",
        subject=f"target:{leaving.target.id}",
        to=one(leaving.user),
    )

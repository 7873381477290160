"""Delivering: what waits for a target leaves the house when its owner wants it, again until it has arrived."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.bell import whenever
from verger.base.clock import HOUR, SECOND, Clock, moment
from verger.base.errors import Missing, Refused
from verger.base.ids import new_id
from verger.base.plural import counted
from verger.base.turns import Turns
from verger.domain.backups.mark import Mark
from verger.domain.notifications.deliveries import Waiting, Waits
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import Notice, Urgency, one
from verger.domain.notifications.preferences import Preferences, may_go, next_free
from verger.domain.notifications.targets import FAILURES, Target
from verger.domain.notifications.ways import Closed, Gone
from verger.domain.tenancy.tenancy import Tenancy
from verger.flows.carrying import Carries, written
from verger.flows.oversight import Figure

_AT_ONCE, _OF_ONE = 64, 8  # targets, of all tenants and of one
_MAIL_AT_ONCE, _MAIL_OF_ONE = 8, 4  # all by the one server that the operator named
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
    zone: ZoneInfo


@dataclass(frozen=True)
class Untold:
    """What was on its way to people when a backup was taken may have reached them, and is not sent again."""

    room: Mailroom

    async def returned(self, _mark: Mark, _last: int) -> list[str]:
        """Give up what waits; it stays in the list of each person."""
        given_up = await self.room.deliveries.give_up()
        return [f"Not sent: {counted(given_up, 'notification')} that may have reached people already."]


class Lane(Struct, frozen=True):
    """Ways that wait for each other: a slow mail server holds up mail and nothing else."""

    mail: bool
    turns: Turns


@dataclass
class Delivering:
    """Carries what is due; a message keeps its id and what it tells however often it is tried."""

    room: Mailroom
    tenancy: Tenancy
    courier: Carries
    clock: Clock
    home: str  # where people find Verger, empty when nobody said
    done: Counter[str] = field(default_factory=Counter)
    lanes: tuple[Lane, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Serve nobody yet."""
        bell = self.room.deliveries.fresh
        others = Turns(self.clock, bell, at_once=_AT_ONCE, of_one=_OF_ONE)
        mail = Turns(self.clock, bell, at_once=_MAIL_AT_ONCE, of_one=_MAIL_OF_ONE)
        self.lanes = (Lane(mail=False, turns=others), Lane(mail=True, turns=mail))

    async def run(self) -> None:
        """Deliver what falls due until cancelled; what is under way then is carried again later."""
        try:
            await whenever(self.room.deliveries.fresh, self.begin, self.clock)
        finally:
            for lane in self.lanes:
                await lane.turns.stop()

    async def begin(self) -> int | None:
        """Begin to serve the targets that something is due for, as many as may be; return when more falls due."""
        now, later = moment(self.clock.now()), list[int | None]()
        first = await self.room.deliveries.next_due()
        for lane in self.lanes:
            begun = first is not None and moment(first) <= now
            while begun and lane.turns.room:
                waits = Waits(now, lane.mail, lane.turns.away, lane.turns.full)
                begun = lane.turns.begin(await self.room.deliveries.targets_due(waits), self._target) > 0
            later.append(lane.turns.rests.wakes_at())
        later.append(first if first is None or moment(first) > now else await self.room.deliveries.next_due(now))
        return min((at for at in later if at is not None), default=None)

    async def settled(self) -> None:
        """Return once nothing is due any more."""
        await self.begin()
        while any([await lane.turns.settled() for lane in self.lanes]):
            await self.begin()

    async def _target(self, tenant: str, target: str) -> None:
        """Carry to one target what leaves for it now, in one message."""
        try:
            async with self.room.db.writing() as connection:
                leaving = await self._leaving(connection, tenant, target)
                if leaving is None:
                    return
                told = await self.room.inbox.some(connection, tenant, [each.notification for each in leaving.some])
        except Missing:
            return  # its owner took it away
        message = written(leaving.message, told, self.home, leaving.zone)
        try:
            await self.courier.carry(await self.room.targets.way(tenant, target), message)
        except Refused as refused:
            await self._failed(leaving, str(refused), refused)
        except Exception:
            log.exception("a notification could not be sent", target=leaving.target.id)
            await self._failed(leaving, "Verger could not send it; why was logged.")
        else:
            await self._arrived(leaving)

    async def _leaving(self, connection: AsyncConnection, tenant: str, target: str) -> Leaving | None:
        """Return what leaves now, put off what is to come later; None when nothing leaves.

        When it is tried again is noted before it leaves: what arrives and cannot be noted is not sent at once again.
        """
        now, deliveries = moment(self.clock.now()), self.room.deliveries
        user, kept = await self.room.targets.whose(connection, tenant, target)
        if not await self.tenancy.members.among(connection, tenant, user):
            await deliveries.give_up_of(connection, target, "Whoever it was for is no member any more.")
            return None
        wanted = await self.room.preferences.find(connection, tenant, user) or Preferences()
        zone = ZoneInfo(wanted.timezone or (await self.tenancy.users.tenant(tenant)).timezone)
        due = await deliveries.due(connection, target, now)
        again = await deliveries.tried_next(connection, target, now, moment(self.clock.now() + _rest(kept.failures)))
        if kept.failures and again is not None:
            await deliveries.put_off(connection, {each.id: again for each in due})
            return None
        message = next((each.message for each in due if each.message), None)
        some = due if message is None else [each for each in due if each.message == message]
        later = {each.id: at for each in some if (at := may_go(wanted, zone, each.severity, each.put, now)) > now}
        if message is not None and len(later) < len(some):
            later = {}  # what left in one message is told in one message
        await deliveries.put_off(connection, later)
        ready = [each for each in some if each.id not in later]
        if not ready:
            return None
        if message is None:
            worst = max((each.severity for each in ready), key=_ORDER.index)
            free = next_free(wanted, worst, await deliveries.sent(connection, target, now), now)
            if free > now:
                await deliveries.put_off(connection, {each.id: free for each in ready})
                return None
        leaving = Leaving(tenant, user, kept, message or new_id(), ready, zone)
        await self._note(connection, leaving, message=leaving.message, due_at=self._again(leaving))
        return leaving

    def _again(self, leaving: Leaving) -> datetime:
        """Return when a message is tried once more: after each failure later."""
        return moment(self.clock.now() + _rest(max(leaving.some[0].attempts, leaving.target.failures)))

    async def _note(self, connection: AsyncConnection, leaving: Leaving, **how: Any) -> None:
        await self.room.deliveries.note(connection, [each.id for each in leaving.some], **how)

    async def _arrived(self, leaving: Leaving) -> None:
        now, target = moment(self.clock.now()), leaving.target
        self.done["arrived"] += 1
        async with self.room.db.writing() as connection:
            await self._note(connection, leaving, state="sent", sent_at=now, error=None)
            how = {"failures": 0, "error": None, "delivered_at": now}
            if target.failures >= FAILURES:
                how["paused_at"] = None
            await self.room.targets.note(connection, leaving.tenant, target.id, **how)
        if target.failures:
            await self.room.deliveries.go_on(target.id, now)

    async def _failed(self, leaving: Leaving, why: str, refused: Refused | None = None) -> None:
        """Try again later, ever later; at the tenth failure in a row, or when nobody is there, pause and say so.

        All that waits for a target is tried together, so that an outage counts by how long it is. One that failed so
        often is tried once an hour. What no way leads to yet counts for nothing.
        """
        now, tenant, target = self.clock.now(), leaving.tenant, leaving.target
        failures = target.failures + (not isinstance(refused, Closed))
        pauses = target.paused_at is None and (isinstance(refused, Gone) or failures >= FAILURES)
        self.done["failed"] += 1
        async with self.room.db.writing() as connection:
            attempts = leaving.some[0].attempts + 1
            await self._note(connection, leaving, error=why, attempts=attempts, due_at=self._again(leaving))
            how: dict[str, Any] = {"failures": failures, "error": why}
            if pauses:
                how["paused_at"] = moment(now)
                await self.room.outbox.put(connection, tenant, _paused(leaving, why, failures))
            await self.room.targets.note(connection, tenant, target.id, **how)
        log.warning("a notification did not arrive", target=target.id, kind=target.kind, failures=failures, why=why)

    async def check(self) -> str:
        """Tell whether Verger itself is able to send what it has to tell people."""
        stuck = [rest for lane in self.lanes for rest in lane.turns.rests.stubborn()]
        if not stuck:
            return "ok"
        ways = counted(len(stuck), "way")
        return f"Verger cannot send what is for people by {ways} ({stuck[0].why}); the server's log tells more."

    def figures(self) -> Iterator[Figure]:
        """Return the figures of deliveries."""
        for how in ("arrived", "failed"):
            count, labels = float(self.done[how]), {"outcome": how}
            yield Figure(
                "notifications_sent", "Messages to people by what came of them", count, grows=True, labels=labels
            )
        faults = float(sum(lane.turns.rests.failures for lane in self.lanes))
        yield Figure("notifications_faults", "Faults of Verger itself in sending messages", faults, grows=True)


def _rest(failures: int) -> int:
    return min(_FIRST_WAIT << min(failures, 12), HOUR)


def _paused(leaving: Leaving, why: str, failures: int) -> Notice:
    hourly = " It is tried once an hour." if failures >= FAILURES else ""
    times = "It failed once" if failures == 1 else f"It failed {failures} times in a row"
    return Notice(
        severity=Urgency.warning,
        kind="target_paused",
        title=f"{leaving.target.name} is paused: nothing reaches you there",
        body=f"{times}, at last because: {why} What is for you waits.{hourly} Send yourself a test once it is mended.",
        subject=f"target:{leaving.target.id}",
        to=one(leaving.user),
    )

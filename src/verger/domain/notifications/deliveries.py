"""Deliveries: each notification on its way to each target, as rows that survive a restart."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds
from verger.base.db import Database, rings
from verger.base.ids import new_id
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.notifications import tables
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.targets import FAILURES
from verger.domain.notifications.ways import Kind

State = Literal["waiting", "sent", "given_up"]

_TABLE, _TARGET, _TOLD = tables.delivery.c, tables.target.c, tables.notification.c
_WAITS, _MAIL = _TABLE.state == "waiting", "email"
_GOES = or_(_TARGET.paused_at.is_(None), _TARGET.failures >= FAILURES)  # who failed so often is tried now and then
_HOUR = timedelta(hours=1)
_HOW = ("state", "due_at", "attempts", "sent_at", "error")


class Delivery(Struct, frozen=True, kw_only=True):
    """How far a notification came on one way: `due_at` is when it is tried next, `error` why it was not sent."""

    id: str
    notification: str
    target: str
    severity: Urgency
    state: State
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    error: str | None


class Passage(Struct, frozen=True, kw_only=True):
    """How far a notification came by one target: `paused` tells that nothing is sent there now.

    While it waits `due_at` is when it is tried, at first or again, and `error` why it did not arrive so far.
    """

    target: str
    kind: Kind
    name: str
    state: State
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    error: str | None
    paused: bool


class Waiting(Struct, frozen=True):
    """A delivery that is due: `message` is what it was tried in before, `put` when its notification was made."""

    id: str
    notification: str
    severity: Urgency
    put: datetime
    attempts: int
    message: str | None


class Waits(Struct, frozen=True):
    """Whom to look for that something is due for by now, by mail or otherwise: nobody of `away`, none of `full`."""

    now: datetime
    mail: bool
    away: Sequence[tuple[str, str]] = ()
    full: Sequence[str] = ()


_COLUMNS = [_TABLE[name] for name in Delivery.__struct_fields__]
_ORDERING = Ordering(key=_TABLE.id, sorts={"due_at": _TABLE.due_at}, first="-due_at")


class DeliveryStore:
    """Where deliveries are kept; the bell `fresh` rings when there are more of them, or sooner than was said."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db
        self.fresh = db.bell(tables.delivery.name)

    async def add(
        self, connection: AsyncConnection, tenant: str, ways: Iterable[tuple[str, str]], severity: Urgency, at: datetime
    ) -> None:
        """Send (notification, target) on their way within the caller's transaction."""
        known = {"tenant": tenant, "severity": severity.value, "state": "waiting", "due_at": at, "attempts": 0}
        rows = [known | {"id": new_id(), "notification": told, "target": target} for told, target in ways]
        if rows:
            await connection.execute(tables.delivery.insert(), rows)
            rings(connection, tables.delivery.name)

    async def page(self, tenant: str, user: str, asked: Asked, notification: str | None = None) -> Page[Delivery]:
        """Return a page of somebody's deliveries, of all their notifications or of one."""
        query = select(*_COLUMNS).join_from(tables.delivery, tables.target, _TABLE.target == _TARGET.id)
        query = query.where(_TABLE.tenant == tenant, _TARGET.user == user)
        if notification is not None:
            query = query.where(_TABLE.notification == notification)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _delivery)

    async def progress(self, tenant: str, user: str, notifications: Sequence[str]) -> dict[str, list[Passage]]:
        """Return by notification how far some of somebody's came, by each of their targets."""
        columns = [_TABLE[name] for name in ("notification", "target", *_HOW)]
        query = select(*columns, _TARGET.kind, _TARGET.name, _TARGET.paused_at)
        query = query.join_from(tables.delivery, tables.target, _TABLE.target == _TARGET.id)
        mine = (_TABLE.tenant == tenant, _TARGET.user == user, _TABLE.notification.in_(notifications))
        found: dict[str, list[Passage]] = {}
        async with self._db.reading() as connection:
            for row in await connection.execute(query.where(*mine).order_by(_TARGET.created_at, _TARGET.id)):
                known = {name: getattr(row, name) for name in ("target", "kind", "name", *_HOW)}
                found.setdefault(row.notification, []).append(Passage(**known, paused=row.paused_at is not None))
        return found

    async def targets_due(self, waits: Waits, most: int = 100) -> list[tuple[str, str]]:
        """Return (tenant, target) of those that something is due for and that nobody paused, the longest due first."""
        query = select(_TABLE.tenant, _TABLE.target).join_from(
            tables.delivery, tables.target, _TABLE.target == _TARGET.id
        )
        kind = _TARGET.kind == _MAIL if waits.mail else _TARGET.kind != _MAIL
        query = query.where(_WAITS, _TABLE.due_at <= waits.now, _GOES, kind)
        query = query.where(_TABLE.target.not_in([target for _, target in waits.away]))
        query = query.where(_TABLE.tenant.not_in(waits.full)).group_by(_TABLE.tenant, _TABLE.target)
        async with self._db.reading() as connection:
            rows = await connection.execute(query.order_by(func.min(_TABLE.due_at)).limit(most))
            return [(row.tenant, row.target) for row in rows]

    async def next_due(self, after: datetime | None = None) -> int | None:
        """Return when something is due first, or first after a time, at a target that nobody paused (microseconds)."""
        query = select(_TABLE.due_at).join_from(tables.delivery, tables.target, _TABLE.target == _TARGET.id)
        query = query.where(_WAITS, _GOES)
        if after is not None:
            query = query.where(_TABLE.due_at > after)
        async with self._db.reading() as connection:
            at = await connection.scalar(query.order_by(_TABLE.due_at).limit(1))
        return None if at is None else microseconds(at)

    async def due(self, connection: AsyncConnection, target: str, now: datetime, most: int = 500) -> list[Waiting]:
        """Return what is due for a target, the oldest first."""
        query = select(_TABLE.id, _TABLE.notification, _TABLE.severity, _TOLD.at, _TABLE.attempts, _TABLE.message)
        query = query.join_from(tables.delivery, tables.notification, _TABLE.notification == _TOLD.id)
        mine = (_TABLE.target == target, _TABLE.state == "waiting", _TABLE.due_at <= now)
        rows = await connection.execute(query.where(*mine).order_by(_TOLD.at, _TABLE.id).limit(most))
        return [Waiting(r.id, r.notification, Urgency(r.severity), r.at, r.attempts, r.message) for r in rows]

    async def tried_next(
        self, connection: AsyncConnection, target: str, after: datetime, until: datetime
    ) -> datetime | None:
        """Return when something that failed is tried again first, after a time and by another, None if nothing is."""
        failed = (_TABLE.target == target, _TABLE.state == "waiting", _TABLE.attempts > 0)
        query = select(_TABLE.due_at).where(*failed, _TABLE.due_at > after, _TABLE.due_at <= until)
        found: datetime | None = await connection.scalar(query.order_by(_TABLE.due_at).limit(1))
        return found

    async def sent(self, connection: AsyncConnection, target: str, now: datetime) -> list[datetime]:
        """Return when messages reached a target within the last hour, the oldest first."""
        mine = (_TABLE.target == target, _TABLE.sent_at > now - _HOUR)
        rows = await connection.execute(select(_TABLE.message, _TABLE.sent_at).where(*mine).distinct())
        return sorted(row.sent_at for row in rows)

    async def note(self, connection: AsyncConnection, deliveries: Sequence[str], **how: Any) -> None:
        """Note how far some deliveries came."""
        await connection.execute(update(tables.delivery).where(_TABLE.id.in_(deliveries)).values(how))

    async def put_off(self, connection: AsyncConnection, until: Mapping[str, datetime]) -> None:
        """Let some deliveries be due at later times."""
        for at in set(until.values()):
            await self.note(connection, [each for each, then in until.items() if then == at], due_at=at)

    async def give_up(self) -> int:
        """Send nothing of what waits, of any tenant; return how much that was."""
        async with self._db.writing() as connection:
            waits = _TABLE.state == "waiting"
            return (await connection.execute(update(tables.delivery).where(waits).values(state="given_up"))).rowcount

    async def give_up_of(self, connection: AsyncConnection, target: str, why: str) -> None:
        """Send nothing of what waits for a target."""
        waits = (_WAITS, _TABLE.target == target)
        await connection.execute(update(tables.delivery).where(*waits).values(state="given_up", error=why))

    async def wake(self, connection: AsyncConnection, now: datetime) -> None:
        """Have all that waits, for whomever, looked at now: it leaves, or is put off anew."""
        await connection.execute(update(tables.delivery).where(_WAITS, _TABLE.due_at > now).values(due_at=now))
        rings(connection, tables.delivery.name)

    async def reconsider(self, connection: AsyncConnection, tenant: str, user: str, now: datetime) -> None:
        """Have looked at now what waits for somebody's hours; what failed, and is tried again soon, stays as it is."""
        theirs = select(_TARGET.id).where(_TARGET.tenant == tenant, _TARGET.user == user)
        waits = (_WAITS, _TABLE.target.in_(theirs), _TABLE.due_at > now)
        for_hours = or_(_TABLE.attempts == 0, _TABLE.due_at > now + _HOUR)
        await connection.execute(update(tables.delivery).where(*waits, for_hours).values(due_at=now))
        rings(connection, tables.delivery.name)

    async def go_on(self, target: str, now: datetime) -> None:
        """Let all that waits for a target be tried at once."""
        waits = (_TABLE.target == target, _TABLE.state == "waiting")
        async with self._db.writing() as connection:
            await connection.execute(update(tables.delivery).where(*waits).values(due_at=now, attempts=0))
            rings(connection, tables.delivery.name)


def _delivery(row: AnyRow) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__struct_fields__}
    return Delivery(**values | {"severity": Urgency(row.severity)})

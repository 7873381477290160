"""Deliveries: each notification on its way to each target, as rows that survive a restart."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database
from verger.base.ids import new_id
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.notifications import tables
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.ways import Kind

State = Literal["waiting", "sent", "given_up"]

_TABLE, _TARGET, _TOLD = tables.delivery.c, tables.target.c, tables.notification.c
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


_COLUMNS = [_TABLE[name] for name in Delivery.__struct_fields__]
_ORDERING = Ordering(key=_TABLE.id, sorts={"due_at": _TABLE.due_at}, first="-due_at")


class DeliveryStore:
    """Where deliveries are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def add(
        self, connection: AsyncConnection, tenant: str, ways: Iterable[tuple[str, str]], severity: Urgency, at: datetime
    ) -> None:
        """Send (notification, target) on their way within the caller's transaction."""
        known = {"tenant": tenant, "severity": severity.value, "state": "waiting", "due_at": at, "attempts": 0}
        rows = [known | {"id": new_id(), "notification": told, "target": target} for told, target in ways]
        if rows:
            await connection.execute(tables.delivery.insert(), rows)

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

    async def targets_due(self, now: datetime, most: int = 100) -> list[tuple[str, str]]:
        """Return (tenant, target) of those that something is due for and that are not paused."""
        due = (_TABLE.state == "waiting", _TABLE.due_at <= now, _TARGET.paused_at.is_(None))
        query = select(_TABLE.tenant, _TABLE.target).join_from(
            tables.delivery, tables.target, _TABLE.target == _TARGET.id
        )
        async with self._db.reading() as connection:
            rows = await connection.execute(query.where(*due).distinct().limit(most))
            return [(row.tenant, row.target) for row in rows]

    async def due(self, connection: AsyncConnection, target: str, now: datetime, most: int = 500) -> list[Waiting]:
        """Return what is due for a target, the oldest first."""
        query = select(_TABLE.id, _TABLE.notification, _TABLE.severity, _TOLD.at, _TABLE.attempts, _TABLE.message)
        query = query.join_from(tables.delivery, tables.notification, _TABLE.notification == _TOLD.id)
        mine = (_TABLE.target == target, _TABLE.state == "waiting", _TABLE.due_at <= now)
        rows = await connection.execute(query.where(*mine).order_by(_TOLD.at, _TABLE.id).limit(most))
        return [Waiting(r.id, r.notification, Urgency(r.severity), r.at, r.attempts, r.message) for r in rows]

    async def sent(self, connection: AsyncConnection, target: str, now: datetime) -> list[datetime]:
        """Return when messages reached a target within the last hour, the oldest first."""
        mine = (_TABLE.target == target, _TABLE.sent_at > now - _HOUR)
        rows = await connection.execute(select(_TABLE.message, _TABLE.sent_at).where(*mine).distinct())
        return sorted(row.sent_at for row in rows)

    async def note(self, connection: AsyncConnection, deliveries: Sequence[str], **how: Any) -> None:
        """Note how far some deliveries came."""
        await connection.execute(update(tables.delivery).where(_TABLE.id.in_(deliveries)).values(how))

    async def give_up(self) -> int:
        """Send nothing of what waits, of any tenant; return how much that was."""
        async with self._db.writing() as connection:
            waits = _TABLE.state == "waiting"
            return (await connection.execute(update(tables.delivery).where(waits).values(state="given_up"))).rowcount

    async def go_on(self, target: str, now: datetime) -> None:
        """Let all that waits for a target be tried at once."""
        waits = (_TABLE.target == target, _TABLE.state == "waiting")
        async with self._db.writing() as connection:
            await connection.execute(update(tables.delivery).where(*waits).values(due_at=now, attempts=0))


def _delivery(row: AnyRow) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__struct_fields__}
    return Delivery(**values | {"severity": Urgency(row.severity)})

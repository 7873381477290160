"""What each person has been told, and whether they have seen it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database
from verger.base.errors import Missing
from verger.base.ids import new_id
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.notifications import tables
from verger.domain.notifications.model import Notice, Notification, Put, Urgency

_TABLE, _NOTICE = tables.notification.c, tables.notice.c
_TOLD = [_NOTICE[name] for name in ("severity", "kind", "title", "body", "subject", "place", "device")]
_WHOLE = select(_TABLE.id, *_TOLD, _TABLE.at, _TABLE.read_at).join_from(tables.notification, tables.notice)
_ORDERING = Ordering(key=_TABLE.id, sorts={"at": _TABLE.at}, first="-at", names=[_NOTICE.title, _NOTICE.body])


class Inbox:
    """The notifications of people; each sees their own only."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def give(
        self, connection: AsyncConnection, put: Put, users: Collection[str], at: datetime
    ) -> list[tuple[str, Notification]]:
        """Let some people have a notice; return (user, notification) of each."""
        given = [(user, _given(put, at)) for user in users]
        rows = [
            {"id": told.id, "tenant": put.tenant, "user": user, "notice": put.id, "at": at, "read_at": None}
            for user, told in given
        ]
        if rows:
            await connection.execute(tables.notification.insert(), rows)
        return given

    async def page(self, tenant: str, user: str, asked: Asked, *, unread: bool = False) -> Page[Notification]:
        """Return a page of what somebody was told, the newest first."""
        query = _WHOLE.where(_TABLE.tenant == tenant, _TABLE.user == user)
        if unread:
            query = query.where(_TABLE.read_at.is_(None))
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _notification)

    async def get(self, tenant: str, user: str, notification: str) -> Notification:
        """Return one notification; raise Missing."""
        mine = (_TABLE.tenant == tenant, _TABLE.user == user, _TABLE.id == notification)
        async with self._db.reading() as connection:
            row = (await connection.execute(_WHOLE.where(*mine))).first()
        if row is None:
            raise Missing("There is no such notification.")
        return _notification(row)

    async def some(self, connection: AsyncConnection, tenant: str, notifications: Sequence[str]) -> list[Notification]:
        """Return some notifications of a tenant, the oldest first."""
        query = _WHOLE.where(_TABLE.tenant == tenant, _TABLE.id.in_(notifications)).order_by(_TABLE.at, _TABLE.id)
        return [_notification(row) for row in await connection.execute(query)]

    async def unread(self, tenant: str, user: str) -> int:
        """Return how many notifications somebody has not seen."""
        new = (_TABLE.tenant == tenant, _TABLE.user == user, _TABLE.read_at.is_(None))
        async with self._db.reading() as connection:
            count = select(func.count()).select_from(tables.notification)
            return int(await connection.scalar(count.where(*new)) or 0)

    async def read(self, tenant: str, user: str, at: datetime, notifications: Sequence[str] | None = None) -> int:
        """Note that somebody has seen some notifications, or all of theirs; return how many were new to them."""
        new = [_TABLE.tenant == tenant, _TABLE.user == user, _TABLE.read_at.is_(None)]
        if notifications is not None:
            new.append(_TABLE.id.in_(notifications))
        async with self._db.writing() as connection:
            done = await connection.execute(update(tables.notification).where(*new).values(read_at=at))
        return done.rowcount


def _given(put: Put, at: datetime) -> Notification:
    told: dict[str, Any] = {name: getattr(put.notice, name) for name in Notice.__struct_fields__ if name != "to"}
    return Notification(id=new_id(), at=at, **told)


def _notification(row: AnyRow) -> Notification:
    values = {name: getattr(row, name) for name in Notification.__struct_fields__}
    return Notification(**values | {"severity": Urgency(row.severity)})

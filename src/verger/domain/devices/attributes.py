"""Attributes: what a device reports of itself, and what people desire of it, kept apart."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, ColumnElement, ForeignKey, String, Table, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, delete_some, metadata
from verger.base.errors import Fault, Invalid
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.base.patch import merge
from verger.base.plural import counted
from verger.domain.devices.model import Changed, State

REPORTED = "reported"
DESIRED = "desired"

attribute_table = Table(
    "attribute",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("scope", String(10), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("value", JSON, nullable=True),
    Column("at", Instant, nullable=False),
)

attribute_change_table = Table(
    "attribute_change",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("value", JSON, nullable=True),
)


class AttributeStore:
    """Where attributes are kept, and the history of the reported ones."""

    def __init__(self, db: Database, most: int = 10_000) -> None:
        """Keep them in a database, and of each device about the `most` latest changes; `dropped` only grows."""
        self.dropped = 0
        self._db, self._most = db, most
        self._changes: dict[str, int] = {}  # how many a device has, since this was last counted

    async def report(
        self, connection: AsyncConnection, tenant: str, device: str, values: Mapping[str, Any], at: datetime
    ) -> None:
        """Keep what a device reported, within the caller's transaction; told twice it is kept once.

        A value that is what it was makes no history.
        """
        change, now = attribute_change_table.c, attribute_table.c
        told = change.device == device, change.key.in_(values), change.at == at
        there = set(await connection.scalars(select(change.key).where(*told)))
        known = now.device == device, now.scope == REPORTED, now.key.in_(values)
        rows = await connection.execute(select(now.key, now.value, now.at).where(*known))
        last = {row.key: (row.value, row.at) for row in rows}
        fresh = 0
        for key, value in values.items():
            before = last.get(key)
            if key in there or (before is not None and before[1] <= at and _same(before[0], value)):
                continue
            row = {"tenant": tenant, "device": device, "key": key, "value": value, "at": at}
            await connection.execute(attribute_change_table.insert().values(**row))
            fresh += 1
            if before is None or at >= before[1]:
                await _put(connection, tenant, device, REPORTED, key, value, at)

        if fresh:
            await self._bound(connection, device, fresh)

    async def _bound(self, connection: AsyncConnection, device: str, fresh: int) -> None:
        """Drop a device's earliest changes once it has a tenth more than it may; its values stay."""
        table = attribute_change_table.c
        mine = table.device == device
        if (known := self._changes.get(device)) is None:
            known, fresh = await connection.scalar(select(func.count()).where(mine)) or 0, 0
        self._changes[device] = known + fresh
        if self._changes[device] <= self._most + self._most // 10:
            return
        latest = select(table.at).where(mine).order_by(table.at.desc()).offset(self._most).limit(1)
        last = (await connection.execute(latest)).scalar_one_or_none()
        if last is not None:
            gone = await connection.execute(delete(attribute_change_table).where(mine, table.at <= last))
            self.dropped += gone.rowcount
        del self._changes[device]

    async def history(
        self,
        tenant: str,
        device: str,
        key: str,
        asked: Asked,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Page[Changed]:
        """Return a page of the changes of one reported attribute, the latest first; `end` is exclusive."""
        table = attribute_change_table.c
        before = func.lag(table.value, type_=JSON()).over(order_by=table.at).label("before")
        every = select(table.key, table.at, table.value, before)
        known = every.where(table.tenant == tenant, table.device == device, table.key == key).subquery().c
        query = select(known.at, known.value, known.before)
        if start is not None:
            query = query.where(known.at >= start)
        if end is not None:
            query = query.where(known.at < end)
        ordering = Ordering(key=known.key, sorts={"at": known.at}, first="-at", names=[known.key])
        async with self._db.reading() as connection:
            return await page(connection, query, ordering, asked, _changed)

    async def desire(
        self, tenant: str, device: str, change: Mapping[str, Any], at: datetime, most: int
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Merge a change into what is desired of a device (RFC 7396); raise Invalid past `most` keys.

        Return the values it named, as they stand now, and the keys that are gone.
        """
        async with self._db.writing() as connection:
            return await self.desire_within(connection, tenant, device, change, at, most)

    async def desire_within(
        self,
        connection: AsyncConnection,
        tenant: str,
        device: str,
        change: Mapping[str, Any],
        at: datetime,
        most: int,
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Do as `desire` does, within the caller's transaction."""
        table = attribute_table.c
        mine = (table.tenant == tenant, table.device == device, table.scope == DESIRED)
        rows = await connection.execute(select(table.key, table.value).where(*mine))
        before = {row.key: row.value for row in rows}
        after = with_change(before, change, most)
        values = {key: after[key] for key in change if key in after}
        gone = tuple(key for key in change if key in before and key not in after)
        for key, value in values.items():
            await _put(connection, tenant, device, DESIRED, key, value, at)
        await connection.execute(delete(attribute_table).where(*mine, table.key.in_(gone)))
        return values, gone

    async def names(self) -> list[tuple[str, str]]:
        """Return (device, name) of what was reported in every tenant, to fill the registry at start."""
        query = select(attribute_table.c.device, attribute_table.c.key).where(attribute_table.c.scope == REPORTED)
        async with self._db.reading() as connection:
            return [(device, key) for device, key in await connection.execute(query)]

    async def of(self, tenant: str, devices: Iterable[str]) -> dict[str, State]:
        """Return the attributes of some devices."""
        table = attribute_table.c
        query = select(table.device, table.scope, table.key, table.value).where(
            table.tenant == tenant, table.device.in_(list(devices))
        )
        found: dict[str, State] = {}
        async with self._db.reading() as connection:
            for device, scope, key, value in await connection.execute(query):
                state = found.setdefault(device, State(reported={}, desired={}))
                (state.reported if scope == REPORTED else state.desired)[key] = value
        return found

    async def expiring(
        self, tenant: str, devices: Sequence[str], start: datetime, before: datetime
    ) -> tuple[int, datetime | None]:
        """Return how many changes of some devices lie in start <= time < before, and when the first of them was."""
        table = attribute_change_table.c
        query = select(func.count(), func.min(table.at)).where(*_within(tenant, devices, start, before))
        async with self._db.reading() as connection:
            count, oldest = (await connection.execute(query)).one()
        return count, oldest

    async def expire(self, tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> int:
        """Remove a few changes of some devices with start <= time < before; return how many, 0 at the end."""
        async with self._db.writing() as connection:
            return await delete_some(connection, attribute_change_table, *_within(tenant, devices, start, before))


def with_change(desired: Mapping[str, Any], change: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return what is desired with a change merged in (RFC 7396); raise Invalid past `most` keys."""
    after: dict[str, Any] = merge(desired, change)
    if len(after) > max(most, len(desired)):
        sentence = f"A device has at most {counted(most, 'desired attribute')}; remove some first."
        raise Invalid(sentence, [Fault("attributes.desired", sentence)])
    return after


def _within(tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> tuple[ColumnElement[bool], ...]:
    table = attribute_change_table.c
    return table.tenant == tenant, table.device.in_(devices), table.at >= start, table.at < before


def _changed(row: AnyRow) -> Changed:
    return Changed(at=row.at, value=row.value, before=row.before)


def _same(one: Any, other: Any) -> bool:
    # True is not 1 to whoever reads it.
    return msgspec.json.encode(one) == msgspec.json.encode(other)


async def _put(
    connection: AsyncConnection, tenant: str, device: str, scope: str, key: str, value: Any, at: datetime
) -> None:
    """Keep a value unless a later one is there; what people desire stands, also after a clock has moved back."""
    table = attribute_table.c
    same = (table.device == device, table.scope == scope, table.key == key)
    there = (await connection.execute(select(table.at).where(*same))).scalar_one_or_none()
    if there is None:
        row = {"tenant": tenant, "device": device, "scope": scope, "key": key, "value": value, "at": at}
        await connection.execute(attribute_table.insert().values(**row))
    elif at >= there or scope == DESIRED:
        await connection.execute(update(attribute_table).where(*same).values(value=value, at=at))

"""Events: what happened, kept once each."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import moment
from verger.base.db import Database, Instant, delete_some, metadata
from verger.base.ids import new_id
from verger.base.pages import Asked, Ordering, Page, page
from verger.domain.telemetry.model import Event

event_table = Table(
    "event",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("device", String(36), ForeignKey("device.id"), nullable=False),
    Column("kind", String(200), nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("data", JSON, nullable=True),
    Column("identity", String(200), nullable=False),
    UniqueConstraint("device", "identity"),
    Index("ix_event_tenant_device_at", "tenant", "device", "at"),
)
_TABLE = event_table.c
_COLUMNS = (_TABLE.id, _TABLE.kind, _TABLE.at, _TABLE.received_at, _TABLE.data)
_ORDERING = Ordering(key=_TABLE.id, sorts={"at": _TABLE.at}, first="-at", names=[_TABLE.kind])


class Happened(Struct, frozen=True, kw_only=True):
    """An event as it was kept."""

    id: str
    kind: str
    at: datetime
    received_at: datetime
    data: Any = None


def identity(event: Event) -> str:
    """Return what tells an event from every other of its device: its own id, else its kind, time and data."""
    if event.id is not None:
        return f"id:{event.id}"
    told = msgspec.json.encode([event.kind, event.at, event.data], order="deterministic")
    return f"sha256:{hashlib.sha256(told).hexdigest()}"


class EventStore:
    """Where events are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def add(
        self, connection: AsyncConnection, told: Sequence[tuple[str, str, Event]], received_at: int
    ) -> list[Happened | None]:
        """Keep events, given as (tenant, device, event), within the caller's transaction.

        Return each as it was kept, or None where it is kept already, in the same order.
        """
        marks = [(device, identity(event)) for _, device, event in told]
        query = select(_TABLE.device, _TABLE.identity).where(tuple_(_TABLE.device, _TABLE.identity).in_(marks))
        there = {(row.device, row.identity) for row in await connection.execute(query)}
        kept: list[Happened | None] = []
        rows = []
        for (tenant, device, event), mark in zip(told, marks, strict=True):
            if mark in there:
                kept.append(None)
                continue
            there.add(mark)
            at = moment(received_at if event.at is None else event.at)
            happened = Happened(id=new_id(), kind=event.kind, at=at, received_at=moment(received_at), data=event.data)
            rows.append(msgspec.structs.asdict(happened) | {"tenant": tenant, "device": device, "identity": mark[1]})
            kept.append(happened)
        if rows:
            await connection.execute(event_table.insert(), rows)
        return kept

    async def is_old(self, device: str, event: Event, received_at: datetime) -> bool:
        """Tell whether a device had told of an event before a time; told by the follower of all tenants."""
        where = (_TABLE.device == device, _TABLE.identity == identity(event), _TABLE.received_at < received_at)
        async with self._db.reading() as connection:
            return await connection.scalar(select(_TABLE.id).where(*where).limit(1)) is not None

    async def count(self) -> int:
        """Return how many events are kept, of every tenant."""
        async with self._db.reading() as connection:
            return await connection.scalar(select(func.count()).select_from(event_table)) or 0

    async def page(
        self,
        tenant: str,
        device: str,
        asked: Asked,
        *,
        kind: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Page[Happened]:
        """Return a page of a device's events; a kind matches itself and its children, `end` is exclusive."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.device == device)
        if kind is not None:
            query = query.where(or_(_TABLE.kind == kind, func.substr(_TABLE.kind, 1, len(kind) + 1) == f"{kind}."))
        if start is not None:
            query = query.where(_TABLE.at >= start)
        if end is not None:
            query = query.where(_TABLE.at < end)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _happened)

    async def expiring(
        self, tenant: str, devices: Sequence[str], start: datetime, before: datetime
    ) -> tuple[int, datetime | None]:
        """Return how many events of some devices lie in start <= time < before, and when the first of them was."""
        query = select(func.count(), func.min(_TABLE.at)).where(*_within(tenant, devices, start, before))
        async with self._db.reading() as connection:
            count, oldest = (await connection.execute(query)).one()
        return count, oldest

    async def expire(self, tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> int:
        """Remove a few events of some devices with start <= time < before; return how many, 0 at the end."""
        async with self._db.writing() as connection:
            return await delete_some(connection, event_table, *_within(tenant, devices, start, before))


def _within(tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> tuple[ColumnElement[bool], ...]:
    return _TABLE.tenant == tenant, _TABLE.device.in_(devices), _TABLE.at >= start, _TABLE.at < before


def _happened(row: Row[Any]) -> Happened:
    return Happened(id=row.id, kind=row.kind, at=row.at, received_at=row.received_at, data=row.data)

"""Events: what happened, kept once each."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import DAY, moment
from verger.base.db import Database, Instant, delete_some, metadata
from verger.base.ids import new_id
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
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
    Index("ix_event_tenant_device_at_kind", "tenant", "device", "at", "kind"),
)
_MOST_SUMS = 100_000
"""Sums of one answer: a year of three hundred kinds, or of ninety devices with three."""

_AT_ONCE = 500
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


class Sought(Struct, frozen=True, kw_only=True):
    """Which events are counted: of some kinds and their children, or all; those of `booked` kinds as many as they say.

    Days are those of a clock that is so many microseconds `ahead` of UTC. Devices are told `apart`, or together as "".
    Of sums, and of booked events, there are one more than `most` where there are others.
    """

    kinds: tuple[str, ...] = ()
    booked: tuple[str, ...] = ()
    ahead: int = 0
    apart: bool = True
    most: int = _MOST_SUMS


class Summed(Struct, frozen=True):
    """How often a device did something within a day, and when first and last; `booked` is what only counters know."""

    device: str
    kind: str
    count: int
    first: datetime
    last: datetime
    booked: bool = False


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

    async def count_of(self, told: Sequence[tuple[str, Event]]) -> int:
        """Return how many of some events, given as (device, event) of one tenant's devices, are kept already."""
        marks = {(device, identity(event)) for device, event in told}
        query = select(func.count()).where(tuple_(_TABLE.device, _TABLE.identity).in_(marks))
        async with self._db.reading() as connection:
            return await connection.scalar(query) or 0

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
            query = query.where(_of(kind))
        if start is not None:
            query = query.where(_TABLE.at >= start)
        if end is not None:
            query = query.where(_TABLE.at < end)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _happened)

    async def first_heard(self, marks: Collection[tuple[str, str]], at: datetime) -> set[tuple[str, str]]:
        """Return those (device, identity) of events that were received at a time, and not before; of all tenants."""
        found: set[tuple[str, str]] = set()
        wanted = sorted(marks)
        for start in range(0, len(wanted), _AT_ONCE):
            some = tuple_(_TABLE.device, _TABLE.identity).in_(wanted[start : start + _AT_ONCE])
            query = select(_TABLE.device, _TABLE.identity).where(some, _TABLE.received_at == at)
            async with self._db.reading() as connection:
                found |= {(row.device, row.identity) for row in await connection.execute(query)}
        return found

    async def latest(
        self, tenant: str, devices: Collection[str], kind: str, most: int, start: datetime | None = None
    ) -> list[tuple[str, Happened]]:
        """Return (device, event) of the latest events of some devices, of a kind and its children, the newest first."""
        found: list[tuple[str, Happened]] = []
        async with self._db.reading() as connection:
            for device in devices:  # one after the other, each in its order: sorting all would read all
                query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.device == device, _of(kind))
                if start is not None:
                    query = query.where(_TABLE.at >= start)
                rows = await connection.execute(query.order_by(_TABLE.at.desc(), _TABLE.id.desc()).limit(most))
                found += [(device, _happened(row)) for row in rows]
                if len(found) > most:
                    found = sorted(found, key=lambda each: (each[1].at, each[1].id), reverse=True)[:most]
                    start = found[-1][1].at
        return sorted(found, key=lambda each: (each[1].at, each[1].id), reverse=True)

    async def begins(self, tenant: str, start: str) -> tuple[str, Happened] | None:
        """Return (device, event) of the one whose id begins so."""
        query = select(_TABLE.device, *_COLUMNS).where(
            _TABLE.tenant == tenant, _TABLE.id >= start, _TABLE.id < f"{start}~"
        )
        async with self._db.reading() as connection:
            row = (await connection.execute(query.order_by(_TABLE.id).limit(1))).first()
        return None if row is None else (row.device, _happened(row))

    async def sums(
        self, tenant: str, devices: Collection[str], span: tuple[datetime, datetime] | None, sought: Sought
    ) -> list[Summed]:
        """Return how often devices did what within a span, by day; without a span all together."""
        where = [_TABLE.tenant == tenant, _TABLE.device.in_(devices)]
        day: ColumnElement[int] = literal(0)
        if span is not None:
            where += [_TABLE.at >= span[0], _TABLE.at < span[1]]
            day = (type_coerce(_TABLE.at, BigInteger) + sought.ahead) // DAY
        who = _TABLE.device if sought.apart else literal("").label("device")
        told = [*where, _TABLE.kind.not_in(sought.booked)]
        if sought.kinds:
            told.append(or_(*map(_of, sought.kinds)))
        number, first, last = func.count(), func.min(_TABLE.at), func.max(_TABLE.at)
        counting = select(who, _TABLE.kind, number, first, last).where(*told).group_by(who, _TABLE.kind, day)
        booked = select(who, _TABLE.kind, _TABLE.at, _TABLE.data).where(*where, _TABLE.kind.in_(sought.booked))
        async with self._db.reading() as connection:
            sums = [Summed(*row) for row in await connection.execute(counting.limit(sought.most + 1))]
            if sought.booked:
                sums += [
                    Summed(row.device, row.kind, _count(row.data), row.at, row.at, booked=True)
                    for row in await connection.execute(booked.limit(sought.most + 1))
                ]
        return sums

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


def _of(kind: str) -> ColumnElement[bool]:
    """Return the condition that an event is of a kind, or of a child of it."""
    return or_(_TABLE.kind == kind, func.substr(_TABLE.kind, 1, len(kind) + 1) == f"{kind}.")


def _count(data: Any) -> int:
    """Return how many a booking is about."""
    count = data.get("count") if isinstance(data, dict) else None
    return count if isinstance(count, int) else 0


def _happened(row: AnyRow) -> Happened:
    return Happened(id=row.id, kind=row.kind, at=row.at, received_at=row.received_at, data=row.data)

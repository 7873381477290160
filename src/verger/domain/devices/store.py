"""Where devices and their stays are kept."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

from msgspec import convert, structs, to_builtins
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Conflict, Missing, Stale
from verger.base.ids import new_id
from verger.base.pages import Asked, Ordering, Page, page
from verger.domain.devices.model import Device, Stay
from verger.domain.devices.silence import Silence

device_table = Table(
    "device",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("place", String(36), ForeignKey("place.id"), nullable=True),  # NULL once retired and its place is gone
    Column("type", String(120), nullable=True),
    Column("dialect", String(40), nullable=False),
    Column("address", String(200), nullable=True),
    Column("gateway", String(36), ForeignKey("device.id"), nullable=True),
    Column("called", String(200), nullable=True),
    Column("is_gateway", Boolean, nullable=False, server_default=false()),
    Column("channels", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant, nullable=True),
    Column("silence", JSON, nullable=False, server_default="{}"),
    Column("last_seen", Instant, nullable=True),
    Column("silent_since", Instant, nullable=True),
    Column("alerted", Boolean, nullable=False, server_default=false()),
    Column("heard", BigInteger, nullable=True),  # this and the next are presence's own
    Column("back", BigInteger, nullable=True),
    Column("gaps", LargeBinary, nullable=True),
    Column("record", BigInteger, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant", "dialect", "address"),
    Index("ix_device_tenant_place", "tenant", "place"),
    Index("ix_device_gateway_called", "gateway", "called", unique=True),
)
stay_table = Table(
    "stay",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("device", String(36), ForeignKey("device.id"), nullable=False, index=True),
    Column("place", String(36), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=True),
)
_TABLE = device_table.c
_HIDDEN = {"tenant", "alerted", "heard", "back", "gaps", "record"}
_COLUMNS = [column for column in device_table.columns if column.name not in _HIDDEN]
_KEPT = [column.name for column in _COLUMNS if column.name not in {"last_seen", "silent_since"}]
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"created_at": _TABLE.created_at, "name": _TABLE.name},
    first="-created_at",
    names=[_TABLE.name, _TABLE.address],
)

Leaving = Callable[[AsyncConnection, str, str], Awaitable[None]]
"""Hears, within its transaction, that a tenant's device retires: (connection, tenant, device)."""


class DeviceStore:
    """Where devices are kept; a retired one is there no longer, but its history is."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db
        self.leaving: list[Leaving] = []

    async def get(self, tenant: str, device: str) -> Device:
        """Return one device; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == device, _TABLE.retired_at.is_(None))
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such device.")
        return _device(row)

    async def known_as(self, tenant: str, name: str) -> str | None:
        """Return the id of a tenant's device of this id, or of this name where only one has it."""
        query = select(_TABLE.id).where(
            _TABLE.tenant == tenant, _TABLE.retired_at.is_(None), or_(_TABLE.id == name, _TABLE.name == name)
        )
        async with self._db.reading() as connection:
            found = (await connection.scalars(query.limit(2))).all()
        return found[0] if len(found) == 1 else None

    async def is_named(self, tenant: str, name: str) -> bool:
        """Whether a tenant has a device of this name."""
        query = select(_TABLE.id).where(_TABLE.tenant == tenant, _TABLE.retired_at.is_(None), _TABLE.name == name)
        async with self._db.reading() as connection:
            return await connection.scalar(query.limit(1)) is not None

    async def page(self, tenant: str, asked: Asked, places: Collection[str] | None = None) -> Page[Device]:
        """Return a page of devices, all or those at some places."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.retired_at.is_(None))
        if places is not None:
            query = query.where(_TABLE.place.in_(places))
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _device)

    async def at(self, tenant: str, places: Collection[str] | None = None) -> list[Device]:
        """Return all devices at some places, or all there are, by name."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.retired_at.is_(None)).order_by(_TABLE.name)
        if places is not None:
            query = query.where(_TABLE.place.in_(places))
        async with self._db.reading() as connection:
            return [_device(row) for row in await connection.execute(query)]

    async def add(self, connection: AsyncConnection, tenant: str, device: Device) -> None:
        """Keep a new device, within the caller's transaction, and that it stays at its place; raise Conflict."""
        try:
            await connection.execute(device_table.insert().values(tenant=tenant, **_row(device)))
        except IntegrityError as error:
            raise Conflict(f"A {device.dialect} device with the address {device.address} is there already.") from error
        await _arrive(connection, tenant, device, device.created_at)

    async def change(self, tenant: str, device: Device, at: datetime) -> Device:
        """Keep a changed device as the next version; a new place begins a new stay. Raise Stale or Conflict."""
        async with self._db.writing() as connection:
            return await self.change_within(connection, tenant, device, at)

    async def change_within(self, connection: AsyncConnection, tenant: str, device: Device, at: datetime) -> Device:
        """Do as `change` does, within the caller's transaction."""
        after = structs.replace(device, version=device.version + 1)
        mine = (_TABLE.tenant == tenant, _TABLE.id == device.id)
        before = (await connection.execute(select(_TABLE.place).where(*mine))).scalar_one_or_none()
        changing = update(device_table).where(*mine, _TABLE.version == device.version).values(**_row(after))
        try:
            done = await connection.execute(changing)
        except IntegrityError as error:
            raise Conflict(f"A {device.dialect} device with the address {device.address} is there already.") from error
        if done.rowcount == 0:
            raise Stale("Somebody changed this device since you read it. Read it again, then change it.")
        if before != device.place:
            await _leave(connection, tenant, device.id, at)
            await _arrive(connection, tenant, device, at)
        return after

    async def retire(self, connection: AsyncConnection, tenant: str, device: str, at: datetime) -> None:
        """End a device within the caller's transaction: its stay ends, its address is free, its history is kept.

        The devices it was the gateway of speak for themselves from then on.
        """
        for which, values in (
            (_TABLE.id == device, {"retired_at": at, "address": None, "called": None}),
            (_TABLE.gateway == device, {"gateway": None}),
        ):
            change = update(device_table).where(_TABLE.tenant == tenant, which)
            await connection.execute(change.values(version=_TABLE.version + 1, **values))
        await _leave(connection, tenant, device, at)
        for leave in self.leaving:
            await leave(connection, tenant, device)

    async def leave_place(self, tenant: str, place: str) -> None:
        """Let the retired devices of a place go, so that the place can be deleted."""
        async with self._db.writing() as connection:
            await connection.execute(
                update(device_table)
                .where(_TABLE.tenant == tenant, _TABLE.place == place, _TABLE.retired_at.is_not(None))
                .values(place=None)
            )

    async def stays(self, tenant: str, device: str) -> list[Stay]:
        """Return where a device was, the latest first."""
        table = stay_table.c
        query = (
            select(table.device, table.place, table.since, table.until)
            .where(table.tenant == tenant, table.device == device)
            .order_by(table.since.desc(), table.id.desc())
        )
        async with self._db.reading() as connection:
            return [Stay(**row) for row in (await connection.execute(query)).mappings()]

    async def stays_at(self, tenant: str, places: Collection[str]) -> list[tuple[Stay, bool]]:
        """Return who ever stayed at some places, the earliest first, and whether it was the device's first stay."""
        table = stay_table.c
        first = func.min(table.since).over(partition_by=table.device).label("first")
        every = select(table.id, table.device, table.place, table.since, table.until, first)
        known = every.where(table.tenant == tenant).subquery()
        query = select(known).where(known.c.place.in_(places)).order_by(known.c.since, known.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            (Stay(device=row.device, place=row.place, since=row.since, until=row.until), row.since == row.first)
            for row in rows
        ]

    async def every_stay(self, tenant: str) -> list[Stay]:
        """Return every stay of a tenant's devices, also of those that have retired, the earliest first."""
        table = stay_table.c
        query = select(table.device, table.place, table.since, table.until).where(table.tenant == tenant)
        async with self._db.reading() as connection:
            rows = await connection.execute(query.order_by(table.since, table.id))
            return [Stay(device=row.device, place=row.place, since=row.since, until=row.until) for row in rows]

    async def stood(self, tenant: str, device: str, since: datetime) -> None:
        """Let the first stay of a device begin no later than at a time."""
        table = stay_table.c
        mine = (table.tenant == tenant, table.device == device)
        first = select(table.id).where(*mine).order_by(table.since, table.id).limit(1).scalar_subquery()
        async with self._db.writing() as connection:
            earlier = update(stay_table).where(*mine, table.id == first, table.since > since)
            await connection.execute(earlier.values(since=since))

    async def these(self, tenant: str, devices: Collection[str]) -> list[Device]:
        """Return some devices, also those that have retired."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id.in_(devices))
        async with self._db.reading() as connection:
            return [_device(row) for row in await connection.execute(query)]

    async def name(self, connection: AsyncConnection, tenant: str, device: str) -> str:
        """Return how a device is called, within a transaction; empty for one that is not there."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == device)
        return await connection.scalar(select(_TABLE.name).where(*mine)) or ""

    async def everything(self) -> list[tuple[str, Device]]:
        """Return (tenant, device) of every tenant, to fill the registry at start."""
        query = select(_TABLE.tenant, *_COLUMNS).where(_TABLE.retired_at.is_(None))
        async with self._db.reading() as connection:
            return [(row.tenant, _device(row)) for row in await connection.execute(query)]


async def _arrive(connection: AsyncConnection, tenant: str, device: Device, at: datetime) -> None:
    stay = {"id": new_id(), "tenant": tenant, "device": device.id, "place": device.place, "since": at}
    await connection.execute(stay_table.insert().values(**stay))


async def _leave(connection: AsyncConnection, tenant: str, device: str, at: datetime) -> None:
    table = stay_table.c
    await connection.execute(
        update(stay_table).where(table.tenant == tenant, table.device == device, table.until.is_(None)).values(until=at)
    )


def _row(device: Device) -> dict[str, Any]:
    return {name: getattr(device, name) for name in _KEPT} | {"silence": to_builtins(device.silence)}


def _device(row: Row[Any]) -> Device:
    fields = {column.name: getattr(row, column.name) for column in _COLUMNS}
    return Device(**fields | {"place": row.place or "", "silence": convert(row.silence, Silence)})

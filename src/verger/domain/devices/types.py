"""Device types: what a kind of device measures and can be told."""

from collections.abc import Callable
from typing import Any

from msgspec import convert, structs, to_builtins
from sqlalchemy import JSON, Column, ForeignKey, Integer, Row, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.bell import Bell
from verger.base.db import Database, Instant, after_commit, metadata, rings
from verger.base.errors import Conflict, Missing, Stale
from verger.base.pages import Asked, Ordering, Page, page
from verger.domain.devices.model import DeviceType, TypeLimits
from verger.domain.devices.store import device_table

device_type_table = Table(
    "device_type",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id"), primary_key=True),
    Column("key", String(120), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("dialect", String(40), nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("capabilities", JSON, nullable=False),
    Column("limits", JSON, nullable=False, server_default="{}"),
    Column("repairs", JSON, nullable=False, server_default="[]"),
    Column("silence", JSON, nullable=False, server_default="{}"),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)
_TABLE = device_type_table.c
_COLUMNS = [column for column in device_type_table.columns if column.name != "tenant"]
_ORDERING = Ordering(
    key=_TABLE.key,
    sorts={"created_at": _TABLE.created_at, "name": _TABLE.name, "key": _TABLE.key},
    first="-created_at",
    names=[_TABLE.name, _TABLE.key],
)


class DeviceTypeStore:
    """Where device types are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self.changed: Callable[[str, DeviceType], None] = lambda _tenant, _kind: None  # told of each that is kept anew
        self._db = db

    async def all(self, tenant: str) -> list[DeviceType]:
        """Return every type of a tenant, by key."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant).order_by(_TABLE.key)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [_kind(row) for row in rows]

    def bell(self) -> Bell:
        """Return what rings whenever a type was changed."""
        return self._db.bell(device_type_table.name)

    async def limits(self) -> dict[tuple[str, str], TypeLimits]:
        """Return the limits of every tenant's types that have some, by tenant and key."""
        async with self._db.reading() as connection:
            rows = (await connection.execute(select(_TABLE.tenant, _TABLE.key, _TABLE.limits))).all()
        return {(row.tenant, row.key): convert(row.limits, TypeLimits) for row in rows if row.limits}

    async def everything(self) -> list[tuple[str, DeviceType]]:
        """Return (tenant, type) of every tenant, to know at start how devices are listened to."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(_TABLE.tenant, *_COLUMNS))
            return [(row.tenant, _kind(row)) for row in rows]

    async def page(self, tenant: str, asked: Asked) -> Page[DeviceType]:
        """Return a page of a tenant's types."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _kind)

    async def get(self, tenant: str, key: str) -> DeviceType:
        """Return one type; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.key == key)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such device type.")
        return _kind(row)

    async def add(self, tenant: str, kind: DeviceType) -> DeviceType:
        """Keep a new type; raise Conflict when its key is taken."""
        async with self._db.writing() as connection:
            if not await self.put(connection, tenant, kind):
                raise Conflict(f"There is a device type {kind.key} already; change that one, or choose another key.")
        return kind

    async def put(self, connection: AsyncConnection, tenant: str, kind: DeviceType) -> bool:
        """Keep a new type within the caller's transaction, unless its key is taken; tell whether it was free."""
        there = select(_TABLE.key).where(_TABLE.tenant == tenant, _TABLE.key == kind.key)
        if (await connection.execute(there)).first() is not None:
            return False
        await connection.execute(device_type_table.insert().values(tenant=tenant, **_row(kind)))
        after_commit(connection, lambda: self.changed(tenant, kind))
        rings(connection, device_type_table.name)
        return True

    async def change(self, tenant: str, kind: DeviceType) -> DeviceType:
        """Keep a changed type as the next version; raise Stale when somebody was faster."""
        after = structs.replace(kind, version=kind.version + 1)
        async with self._db.writing() as connection:
            done = await connection.execute(
                update(device_type_table)
                .where(_TABLE.tenant == tenant, _TABLE.key == kind.key, _TABLE.version == kind.version)
                .values(**_row(after))
            )
            if done.rowcount == 0:
                raise Stale("Somebody changed this type since you read it. Read it again.")
            rings(connection, device_type_table.name)
        self.changed(tenant, after)
        return after

    async def delete(self, tenant: str, key: str) -> None:
        """Remove a type; raise Conflict while a device is of it."""
        device = device_table.c
        mine = (device.tenant == tenant, device.type == key, device.retired_at.is_(None))
        async with self._db.writing() as connection:
            if await connection.scalar(select(device.id).where(*mine).limit(1)) is not None:
                raise Conflict("There are devices of this type; give them another type first, or none.")
            await connection.execute(delete(device_type_table).where(_TABLE.tenant == tenant, _TABLE.key == key))
            rings(connection, device_type_table.name)


def _kind(row: Row[Any]) -> DeviceType:
    return convert({name: getattr(row, name) for name in DeviceType.__struct_fields__}, DeviceType)


def _row(kind: DeviceType) -> dict[str, object]:
    plain: dict[str, object] = to_builtins(kind)
    return plain | {"created_at": kind.created_at}

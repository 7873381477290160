"""Where derived metrics are kept, and what they remember."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing, Stale
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.derived.calculating import Ledger
from verger.domain.derived.model import Derived

derived_table = Table(
    "derived",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("place", String(36), ForeignKey("place.id", ondelete="CASCADE"), nullable=False),
    Column("metric", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("unit", String(40), nullable=False),
    Column("expression", Text, nullable=False),
    Column("device", String(36), nullable=True),
    Column("fresh_s", Float, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)
ledger_table = Table(
    "derived_ledger",
    metadata,
    Column("derived", String(36), ForeignKey("derived.id", ondelete="CASCADE"), primary_key=True),
    Column("device", String(36), primary_key=True),
    Column("state", LargeBinary, nullable=False),
)
_TABLE, _LEDGER = derived_table.c, ledger_table.c
_COLUMNS = [_TABLE[name] for name in Derived.__struct_fields__]
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"created_at": _TABLE.created_at, "metric": _TABLE.metric},
    first="-created_at",
    names=[_TABLE.metric, _TABLE.name],
)
_decode = msgspec.msgpack.Decoder(Ledger).decode
_AT_ONCE = 100  # rows a statement
_STALE = "This was changed since you read it; read it again and repeat your change."


class DerivedStore:
    """The only SQL of derived metrics."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def get(self, tenant: str, derived: str) -> Derived:
        """Return one; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == derived)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such derived metric.")
        return _derived(row)

    async def page(self, tenant: str, asked: Asked) -> Page[Derived]:
        """Return a page of derived metrics, the newest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _derived)

    async def everything(self) -> list[tuple[str, Derived]]:
        """Return (tenant, derived metric) of every tenant, to go on at start."""
        async with self._db.reading() as connection:
            return [(row.tenant, _derived(row)) for row in await connection.execute(select(_TABLE.tenant, *_COLUMNS))]

    async def add(self, tenant: str, derived: Derived) -> Derived:
        """Keep a new one."""
        async with self._db.writing() as connection:
            await connection.execute(derived_table.insert().values(tenant=tenant, **structs.asdict(derived)))
        return derived

    async def put(self, connection: AsyncConnection, tenant: str, derived: Derived) -> bool:
        """Keep a new one within the caller's transaction, unless its metric is reckoned at its place; tell if not."""
        there = (_TABLE.tenant == tenant, _TABLE.place == derived.place, _TABLE.metric == derived.metric)
        if (await connection.execute(select(_TABLE.id).where(*there))).first() is not None:
            return False
        await connection.execute(derived_table.insert().values(tenant=tenant, **structs.asdict(derived)))
        return True

    async def change(self, tenant: str, derived: Derived) -> Derived:
        """Keep a changed one as its next version, which remembers nothing; raise Stale."""
        after = structs.replace(derived, version=derived.version + 1)
        mine = (_TABLE.tenant == tenant, _TABLE.id == derived.id, _TABLE.version == derived.version)
        async with self._db.writing() as connection:
            done = await connection.execute(update(derived_table).where(*mine).values(structs.asdict(after)))
            if done.rowcount == 0:
                raise Stale(_STALE)
            await connection.execute(delete(ledger_table).where(_LEDGER.derived == derived.id))
        return after

    async def remove(self, tenant: str, derived: str) -> None:
        """Reckon one no longer; what was reckoned stays."""
        async with self._db.writing() as connection:
            await connection.execute(delete(derived_table).where(_TABLE.tenant == tenant, _TABLE.id == derived))

    async def ledgers(self) -> dict[tuple[str, str], Ledger]:
        """Return what is remembered, by derived metric and device, of every tenant."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(ledger_table))
            return {(row.derived, row.device): _decode(row.state) for row in rows}

    async def save(self, connection: AsyncConnection, ledgers: Iterable[tuple[tuple[str, str], Ledger]]) -> None:
        """Keep what is remembered now, of derived metrics that are still there."""
        there = set(await connection.scalars(select(_TABLE.id)))
        rows = [
            {"derived": derived, "device": device, "state": msgspec.msgpack.encode(ledger)}
            for (derived, device), ledger in ledgers
            if derived in there
        ]
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            keys = [(row["derived"], row["device"]) for row in some]
            await connection.execute(delete(ledger_table).where(tuple_(_LEDGER.derived, _LEDGER.device).in_(keys)))
            await connection.execute(ledger_table.insert(), some)


def _derived(row: AnyRow) -> Derived:
    values: dict[str, Any] = {name: getattr(row, name) for name in Derived.__struct_fields__}
    return Derived(**values)

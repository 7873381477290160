"""Where plans of shedding are kept, and what is remembered of each meter."""

import msgspec
from msgspec import Struct
from sqlalchemy import JSON, Column, ForeignKey, Integer, LargeBinary, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, metadata
from verger.base.errors import Missing
from verger.base.pages import AnyRow
from verger.domain.shedding.model import Memory, Plan

shedding_table = Table(
    "shedding",
    metadata,
    Column("device", String(36), ForeignKey("device.id", ondelete="CASCADE"), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("plan", JSON, nullable=False),
    Column("memory", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
)
_TABLE = shedding_table.c
_decode = msgspec.msgpack.Decoder(Memory).decode


class KeptPlan(Struct, frozen=True):
    """The plan of a meter as it stands, and what is remembered of that."""

    tenant: str
    device: str
    plan: Plan
    memory: Memory
    version: int


class SheddingStore:
    """The only SQL of shedding."""

    def __init__(self, db: Database) -> None:
        """Keep it in a database."""
        self._db = db

    async def everything(self) -> list[KeptPlan]:
        """Return all plans of every tenant, to go on at start."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(*_TABLE))
            return [_kept(row) for row in rows]

    async def of_tenant(self, tenant: str) -> list[KeptPlan]:
        """Return the plans of a tenant."""
        query = select(*_TABLE).where(_TABLE.tenant == tenant).order_by(_TABLE.device.desc())
        async with self._db.reading() as connection:
            return [_kept(row) for row in await connection.execute(query)]

    async def get(self, tenant: str, device: str) -> KeptPlan:
        """Return the plan of a meter; raise Missing."""
        async with self._db.reading() as connection:
            found = await self.there(connection, tenant, device)
        if found is None:
            raise Missing("There is no plan for this device.")
        return found

    async def there(self, connection: AsyncConnection, tenant: str, device: str) -> KeptPlan | None:
        """Return the plan of a meter within a transaction, None without one."""
        query = select(*_TABLE).where(_TABLE.tenant == tenant, _TABLE.device == device)
        row = (await connection.execute(query)).first()
        return None if row is None else _kept(row)

    async def put(self, connection: AsyncConnection, kept: KeptPlan) -> None:
        """Keep a plan in place of what was there."""
        await self.remove(connection, kept.tenant, kept.device)
        row = {"device": kept.device, "tenant": kept.tenant, "version": kept.version}
        row |= {"plan": msgspec.to_builtins(kept.plan), "memory": msgspec.msgpack.encode(kept.memory)}
        await connection.execute(shedding_table.insert().values(row))

    async def remember(self, connection: AsyncConnection, tenant: str, device: str, memory: Memory) -> None:
        """Keep what is remembered of a meter now."""
        mine = (_TABLE.tenant == tenant, _TABLE.device == device)
        row = {"memory": msgspec.msgpack.encode(memory)}
        await connection.execute(update(shedding_table).where(*mine).values(row))

    async def remove(self, connection: AsyncConnection, tenant: str, device: str) -> None:
        """Let a plan go."""
        await connection.execute(delete(shedding_table).where(_TABLE.tenant == tenant, _TABLE.device == device))


def _kept(row: AnyRow) -> KeptPlan:
    plan = msgspec.convert(row.plan, Plan)
    return KeptPlan(row.tenant, row.device, plan, _decode(row.memory), row.version)

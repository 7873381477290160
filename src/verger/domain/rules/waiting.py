"""Facts that stand in no log: kept with what they tell of, until rules have judged them."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, metadata
from verger.base.ids import new_id
from verger.domain.rules.facts import Fact

fact_table = Table(
    "rule_fact",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("asked_by", String(80), nullable=False),  # whose doing it is: a rule does not hear of its own
    Column("fact", LargeBinary, nullable=False),
)
_TABLE = fact_table.c
_decoder = msgspec.msgpack.Decoder(Fact)


class WaitingFact(Struct, frozen=True):
    """A fact that no rule has judged yet."""

    id: str
    tenant: str
    asked_by: str
    fact: Fact


class FactStore:
    """Where facts wait."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def add(self, connection: AsyncConnection, tenant: str, fact: Fact, asked_by: str = "") -> None:
        """Keep a fact, in the transaction of what it tells of."""
        row = {"id": new_id(), "tenant": tenant, "asked_by": asked_by, "fact": msgspec.msgpack.encode(fact)}
        await connection.execute(fact_table.insert().values(row))

    async def first(self, most: int = 100) -> list[WaitingFact]:
        """Return the facts that have waited longest, in their order."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(fact_table).order_by(_TABLE.id).limit(most))
            return [WaitingFact(row.id, row.tenant, row.asked_by, _decoder.decode(row.fact)) for row in rows]

    async def empty(self) -> None:
        """Forget every fact."""
        async with self._db.writing() as connection:
            await connection.execute(delete(fact_table))

    async def done(self, connection: AsyncConnection, facts: Sequence[str]) -> None:
        """Forget facts that were judged."""
        await connection.execute(delete(fact_table).where(_TABLE.id.in_(facts)))

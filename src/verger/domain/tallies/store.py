"""Where tallies are kept, each with the record of the log up to which it heard everything."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, convert, to_builtins
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, String, Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, metadata
from verger.domain.tallies.model import Tally

tally_table = Table(
    "tally",
    metadata,
    Column("device", String(36), ForeignKey("device.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(80), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("tally", JSON, nullable=False),
    Column("record", BigInteger, nullable=False),
)
_TABLE = tally_table.c

Key = tuple[str, str]
"""A device, and what is counted."""


class Counted(Struct, frozen=True):
    """A tally, whose it is, and the last record of the log that it heard."""

    tenant: str
    tally: Tally
    record: int


class TallyStore:
    """The only SQL of tallies."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def everything(self) -> dict[Key, Counted]:
        """Return every tally of every tenant, to go on from at start."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(tally_table))
            return {(row.device, row.kind): Counted(row.tenant, convert(row.tally, Tally), row.record) for row in rows}

    async def save(self, connection: AsyncConnection, tallies: Mapping[Key, Counted]) -> None:
        """Keep some tallies within the caller's transaction."""
        rows: list[dict[str, Any]] = [
            {
                "device": device,
                "kind": kind,
                "tenant": one.tenant,
                "tally": to_builtins(one.tally),
                "record": one.record,
            }
            for (device, kind), one in tallies.items()
        ]
        if rows:
            keys = [(row["device"], row["kind"]) for row in rows]
            await connection.execute(delete(tally_table).where(tuple_(_TABLE.device, _TABLE.kind).in_(keys)))
            await connection.execute(tally_table.insert(), rows)

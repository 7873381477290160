"""Where it is kept what rules remember: one row for a rule and what it is judged for, and when they judged each series.

Rows are written in the transaction of what they led to, so that after a crash both are there or neither.
"""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, metadata

memory_table = Table(
    "rule_memory",
    metadata,
    Column("rule", String(36), ForeignKey("rule.id", ondelete="CASCADE"), primary_key=True),
    Column("subject", String(36), primary_key=True),  # a device, or "" where the rule is judged for none
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=True),
    Column("state", LargeBinary, nullable=False),
    Index("ix_rule_memory_due", "due"),
)
judged_table = Table(
    "rule_judged",
    metadata,
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("at", LargeBinary, nullable=False),  # int64 little-endian, microseconds, by series number
)
_MEMORY, _JUDGED = memory_table.c, judged_table.c
_BLOCK = 256  # series a row
_AT_ONCE = 100  # rows a statement


class Remembered(Struct, frozen=True, gc=False):
    """What a rule remembers of a subject: up to which record of the log, and when it wants to be judged again."""

    tenant: str
    rule: str
    subject: str
    sequence: int
    due: int | None
    state: bytes


class MemoryStore:
    """Where it is kept what rules remember."""

    def __init__(self, db: Database) -> None:
        """Keep it in a database."""
        self._db = db

    async def everything(self) -> list[Remembered]:
        """Return all that is remembered, of every tenant, to go on at start."""
        columns = [_MEMORY[name] for name in Remembered.__struct_fields__]
        async with self._db.reading() as connection:
            return [Remembered(*row) for row in await connection.execute(select(*columns))]

    async def running(self) -> list[tuple[str, str, int]]:
        """Return (rule, subject, when) of each timer that runs, the first first."""
        query = select(_MEMORY.rule, _MEMORY.subject, _MEMORY.due).where(_MEMORY.due.is_not(None))
        async with self._db.reading() as connection:
            return [tuple(row) for row in await connection.execute(query.order_by(_MEMORY.due))]

    async def save(self, connection: AsyncConnection, memories: Iterable[Remembered]) -> None:
        """Keep what is remembered now in place of what was."""
        rows = [{name: getattr(each, name) for name in each.__struct_fields__} for each in memories]
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            await _forget(connection, [(row["rule"], row["subject"]) for row in some])
            await connection.execute(memory_table.insert(), some)

    async def forget(self, connection: AsyncConnection, keys: Iterable[tuple[str, str]]) -> None:
        """Remember nothing of some (rule, subject)."""
        every = list(keys)
        for start in range(0, len(every), _AT_ONCE):
            await _forget(connection, every[start : start + _AT_ONCE])

    async def forget_rule(self, connection: AsyncConnection, tenant: str, rule: str) -> None:
        """Remember nothing of a rule."""
        await connection.execute(delete(memory_table).where(_MEMORY.tenant == tenant, _MEMORY.rule == rule))

    async def judged(self) -> NDArray[np.int64]:
        """Return by series number the time of the newest reading that rules have judged, 0 for none."""
        async with self._db.reading() as connection:
            rows = (await connection.execute(select(_JUDGED.block, _JUDGED.at))).all()
        found = np.zeros((max((row.block for row in rows), default=-1) + 1) * _BLOCK, np.int64)
        for row in rows:
            at = np.frombuffer(row.at, "<i8")
            found[row.block * _BLOCK : row.block * _BLOCK + len(at)] = at
        return found

    async def save_judged(
        self, connection: AsyncConnection, judged: NDArray[np.int64], series: Collection[int]
    ) -> None:
        """Keep when some series were judged last."""
        blocks: Mapping[int, bytes] = {
            block: judged[block * _BLOCK : (block + 1) * _BLOCK].astype("<i8").tobytes()
            for block in {number // _BLOCK for number in series}
        }
        if blocks:
            await connection.execute(delete(judged_table).where(_JUDGED.block.in_(blocks)))
            await connection.execute(
                judged_table.insert(), [{"block": block, "at": at} for block, at in blocks.items()]
            )


async def _forget(connection: AsyncConnection, keys: list[tuple[str, str]]) -> None:
    await connection.execute(delete(memory_table).where(tuple_(_MEMORY.rule, _MEMORY.subject).in_(keys)))

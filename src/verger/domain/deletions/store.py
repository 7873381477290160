"""Where deletions are remembered, for as long as a backup may bring back what was deleted."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import structs
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, String, Table, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.deletions.model import Deletion, Erasure, Part

deletion_table = Table(
    "deletion",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("what", String(16), nullable=False),
    Column("subject", String(36), nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("upto", BigInteger, nullable=False),
    Column("parts", JSON, nullable=False),
    Column("months", JSON(none_as_null=True), nullable=True),
    Column("done_at", Instant, nullable=True),
    Column("backups_until", Instant, nullable=True),
)
Index("ix_deletion_tenant", deletion_table.c.tenant, deletion_table.c.id)

_TABLE = deletion_table.c
_COLUMNS = [_TABLE[name] for name in Deletion.__struct_fields__]
_WORK = (*_COLUMNS, _TABLE.tenant, _TABLE.parts, _TABLE.months)
_ORDERING = Ordering(key=_TABLE.id, sorts={"at": _TABLE.at}, first="-at")


class DeletionStore:
    """The only SQL of deletions."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def add(self, erasure: Erasure) -> bool:
        """Remember a deletion before anything of it is done; one that is remembered already stays as it is.

        Return whether it is remembered: not where its tenant is unknown, so that there is nothing to delete.
        """
        row = structs.asdict(erasure.deletion) | {"tenant": erasure.tenant, "months": erasure.months}
        row["parts"] = msgspec.to_builtins(erasure.parts)
        async with self._db.writing() as connection:
            there = await connection.scalar(select(_TABLE.id).where(_TABLE.id == erasure.deletion.id))
            if there is None:
                try:
                    await connection.execute(deletion_table.insert().values(row))
                except IntegrityError:
                    return False
        return True

    async def take_back(self, deletion: str) -> None:
        """Forget a deletion of which nothing was done."""
        async with self._db.writing() as connection:
            await connection.execute(delete(deletion_table).where(_TABLE.id == deletion))

    async def get(self, tenant: str, deletion: str) -> Deletion:
        """Return one deletion; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == deletion)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such deletion.")
        return _deletion(row)

    async def page(self, tenant: str, asked: Asked) -> Page[Deletion]:
        """Return a page of deletions, the latest first."""
        async with self._db.reading() as connection:
            query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
            return await page(connection, query, _ORDERING, asked, _deletion)

    async def erasure(self, deletion: str) -> Erasure:
        """Return what has to be done for a deletion; raise Missing."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(*_WORK).where(_TABLE.id == deletion))).first()
        if row is None:
            raise Missing("There is no such deletion.")
        return _erasure(row)

    async def undone(self) -> list[Erasure]:
        """Return what is not off the disk yet, of every tenant, the oldest first."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(*_WORK).where(_TABLE.done_at.is_(None)).order_by(_TABLE.id))
            return [_erasure(row) for row in rows]

    async def since(self, at: datetime) -> list[Erasure]:
        """Return every deletion asked for or done since a time, of every tenant, for a restore to do again."""
        late = or_(_TABLE.at >= at, _TABLE.done_at >= at)
        async with self._db.reading() as connection:
            rows = await connection.execute(select(*_WORK).where(late).order_by(_TABLE.id))
            return [_erasure(row) for row in rows]

    async def every(self) -> list[Erasure]:
        """Return every deletion that is remembered, of every tenant, the oldest first."""
        async with self._db.reading() as connection:
            return [_erasure(row) for row in await connection.execute(select(*_WORK).order_by(_TABLE.id))]

    async def found(self, deletion: str, months: Sequence[int]) -> None:
        """Note which month files held it, before the first of them changes."""
        await self._change(deletion, months=list(months))

    async def done(self, deletion: str, at: datetime) -> None:
        """Note that it is off the disk."""
        await self._change(deletion, done_at=at)

    async def again(self, deletion: str, upto: int) -> None:
        """Note that a restore brought it back, in records of the log up to this one."""
        await self._change(deletion, upto=upto, done_at=None, months=None)

    async def _change(self, deletion: str, **values: object) -> None:
        async with self._db.writing() as connection:
            await connection.execute(update(deletion_table).where(_TABLE.id == deletion).values(**values))


def _deletion(row: AnyRow) -> Deletion:
    return Deletion(**{name: getattr(row, name) for name in Deletion.__struct_fields__})


def _erasure(row: AnyRow) -> Erasure:
    return Erasure(row.tenant, _deletion(row), msgspec.convert(row.parts, list[Part]), row.months)

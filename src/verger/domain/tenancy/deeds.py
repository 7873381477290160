"""Deeds: what people and programs did. Names are left out, so that whoever or whatever is deleted is gone from here."""

from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy import Column, ForeignKey, Index, String, Table, select

from verger.base.db import Database, Instant, delete_some, metadata
from verger.base.pages import AnyRow, Asked, Ordering, Page, page

deed_table = Table(
    "deed",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(80), nullable=False),
    Column("did", String(120), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("subject", String(200), nullable=True),
    Index("ix_deed_tenant_at", "tenant", "at"),
)
_TABLE = deed_table.c


class Deed(Struct, frozen=True, kw_only=True):
    """What a caller did, and to what: `by` is such as `user:<id>`, `kind` such as `devices`, `subject` an id of one."""

    id: str
    at: datetime
    by: str
    did: str
    kind: str
    subject: str | None = None


_COLUMNS = [_TABLE[name] for name in Deed.__struct_fields__]
_ORDERING = Ordering(key=_TABLE.id, sorts={"at": _TABLE.at}, first="-at", names=[_TABLE.did])


class DeedStore:
    """The only SQL of deeds."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def add(self, tenant: str, deed: Deed) -> None:
        """Keep what was done."""
        async with self._db.writing() as connection:
            await connection.execute(deed_table.insert().values(tenant=tenant, **structs.asdict(deed)))

    async def page(self, tenant: str, asked: Asked, kind: str | None, subject: str | None) -> Page[Deed]:
        """Return a page of deeds, all or those to a kind of things or to one of them."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        if kind is not None:
            query = query.where(_TABLE.kind == kind)
        if subject is not None:
            query = query.where(_TABLE.subject == subject)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _deed)

    async def purge(self, before: datetime) -> int:
        """Remove some deeds of before a time, whosever they are; return how many, 0 at the end."""
        async with self._db.writing() as connection:
            return await delete_some(connection, deed_table, _TABLE.at < before)


def _deed(row: AnyRow) -> Deed:
    return Deed(id=row.id, at=row.at, by=row.by, did=row.did, kind=row.kind, subject=row.subject)

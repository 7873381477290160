"""Where enrolments are kept; of their keys only hashes."""

from typing import Any

from msgspec import structs
from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing, Stale
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.enrolments.model import Enrolment

enrolment_table = Table(
    "enrolment",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("dialect", String(40), nullable=False),
    Column("place", String(36), ForeignKey("place.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("open_until", Instant, nullable=False),
    Column("max_devices", Integer, nullable=False),
    Column("networks", JSON, nullable=False),
    Column("certificates", JSON, nullable=False),
    Column("port", Integer, nullable=True),
    Column("let_in", Integer, nullable=False),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)
_TABLE = enrolment_table.c
_COLUMNS = [_TABLE[name] for name in Enrolment.__struct_fields__]
_ORDERING = Ordering(key=_TABLE.id, sorts={"created_at": _TABLE.created_at}, first="-created_at")


class EnrolmentStore:
    """Where enrolments are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def get(self, tenant: str, enrolment: str) -> Enrolment:
        """Return one enrolment; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == enrolment)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such enrolment.")
        return _enrolment(row)

    async def page(self, tenant: str, asked: Asked) -> Page[Enrolment]:
        """Return a page of enrolments, the newest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _enrolment)

    async def everything(self) -> list[tuple[str, str, Enrolment]]:
        """Return (tenant, key hash, enrolment) of every tenant, to know at start who may come."""
        query = select(_TABLE.tenant, _TABLE.key_hash, *_COLUMNS)
        async with self._db.reading() as connection:
            return [(row.tenant, row.key_hash, _enrolment(row)) for row in await connection.execute(query)]

    async def add(self, tenant: str, enrolment: Enrolment, key_hash: str) -> None:
        """Keep a new enrolment."""
        row = _row(enrolment) | {"tenant": tenant, "key_hash": key_hash}
        async with self._db.writing() as connection:
            await connection.execute(enrolment_table.insert().values(row))

    async def change(self, tenant: str, enrolment: Enrolment) -> Enrolment:
        """Keep a changed enrolment as its next version; raise Stale."""
        after = structs.replace(enrolment, version=enrolment.version + 1)
        mine = (_TABLE.tenant == tenant, _TABLE.id == enrolment.id, _TABLE.version == enrolment.version)
        values = {name: value for name, value in _row(after).items() if name != "let_in"}
        async with self._db.writing() as connection:
            done = await connection.execute(update(enrolment_table).where(*mine).values(values))
        if done.rowcount == 0:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        return after

    async def remove(self, connection: AsyncConnection, tenant: str, enrolment: str) -> None:
        """End an enrolment, and forget its strangers, within the caller's transaction."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == enrolment)
        await connection.execute(delete(enrolment_table).where(*mine))


async def count_in(connection: AsyncConnection, tenant: str, enrolment: str, more: int) -> None:
    """Count who was let in, within the caller's transaction."""
    mine = (_TABLE.tenant == tenant, _TABLE.id == enrolment)
    await connection.execute(update(enrolment_table).where(*mine).values(let_in=_TABLE.let_in + more))


def _row(enrolment: Enrolment) -> dict[str, Any]:
    lists = {"networks": list(enrolment.networks), "certificates": list(enrolment.certificates)}
    return structs.asdict(enrolment) | lists


def _enrolment(row: AnyRow) -> Enrolment:
    values = {name: getattr(row, name) for name in Enrolment.__struct_fields__}
    lists = {"networks": tuple(values["networks"]), "certificates": tuple(values["certificates"])}
    return Enrolment(**values | lists)

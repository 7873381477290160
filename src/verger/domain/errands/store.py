"""Where errands are kept."""

from datetime import datetime
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, String, Table, Text, delete, select, update

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.errands.model import Errand, ErrandState

errand_table = Table(
    "errand",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("given", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=True),
    Column("result", JSON, nullable=True),
    Column("error", Text, nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=True, index=True),
)
Index("ix_errand_tenant", errand_table.c.tenant, errand_table.c.id)

_TABLE = errand_table.c
_COLUMNS = [_TABLE[name] for name in Errand.__struct_fields__]
_ORDERING = Ordering(key=_TABLE.id, sorts={"created_at": _TABLE.created_at}, first="-created_at")


class Cut(Struct, frozen=True):
    """An errand that was under way when the program ended, and what it was given."""

    tenant: str
    errand: Errand
    given: Any


class ErrandStore:
    """Where errands are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def add(self, tenant: str, errand: Errand, given: Any) -> None:
        """Keep a new errand and what it was given."""
        row = structs.asdict(errand) | {"tenant": tenant, "given": given}
        async with self._db.writing() as connection:
            await connection.execute(errand_table.insert().values(row))

    async def end(self, tenant: str, errand: Errand) -> None:
        """Keep how an errand ended; what it was given is needed no longer."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == errand.id)
        async with self._db.writing() as connection:
            await connection.execute(update(errand_table).where(*mine).values(**structs.asdict(errand), given=None))

    async def get(self, tenant: str, errand: str, asked_by: str | None = None) -> Errand:
        """Return one errand, if it was asked by somebody of that name when one is given; raise Missing."""
        query = _of(tenant, asked_by).where(_TABLE.id == errand)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such job.")
        return _errand(row)

    async def page(self, tenant: str, asked: Asked, asked_by: str | None = None) -> Page[Errand]:
        """Return a page of errands, all or those that somebody of a name asked for."""
        async with self._db.reading() as connection:
            return await page(connection, _of(tenant, asked_by), _ORDERING, asked, _errand)

    async def cut(self) -> list[Cut]:
        """Return what was under way when the program ended, in every tenant; to be asked at start."""
        query = select(*_COLUMNS, _TABLE.tenant, _TABLE.given).where(_TABLE.state == ErrandState.running)
        async with self._db.reading() as connection:
            return [Cut(row.tenant, _errand(row), row.given) for row in await connection.execute(query)]

    async def purge(self, before: datetime) -> None:
        """Forget what ended before a time."""
        async with self._db.writing() as connection:
            await connection.execute(delete(errand_table).where(_TABLE.ended_at < before))


def _of(tenant: str, asked_by: str | None) -> Any:
    query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
    return query if asked_by is None else query.where(_TABLE.asked_by == asked_by)


def _errand(row: AnyRow) -> Errand:
    values = {name: getattr(row, name) for name in Errand.__struct_fields__}
    return Errand(**values | {"state": ErrandState(row.state)})

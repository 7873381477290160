"""Where strangers are kept that knocked, and the last of what each said; an adopted one is there no longer."""

from collections.abc import Callable
from typing import Any

from msgspec import structs, to_builtins
from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    delete,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.enrolments.model import Stranger
from verger.domain.enrolments.store import count_in, enrolment_table

stranger_table = Table(
    "stranger",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("enrolment", String(36), ForeignKey("enrolment.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("dialect", String(40), nullable=False),
    Column("identity", String(200), nullable=False),  # what all ways of writing its address have in common
    Column("address", String(200), nullable=False),
    Column("gateway", String(200), nullable=True),
    Column("path", JSON, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("sample", JSON, nullable=False),
    Column("readings", Integer, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    UniqueConstraint("tenant", "dialect", "identity"),
)
word_table = Table(
    "stranger_word",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stranger", String(36), ForeignKey("stranger.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("readings", Integer, nullable=False),
    Column("said", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
_TABLE = stranger_table.c
_PLAIN = [name for name in Stranger.__struct_fields__ if name != "place"]
_COLUMNS = [*(_TABLE[name] for name in _PLAIN), enrolment_table.c.place]
_FROM = stranger_table.join(enrolment_table, enrolment_table.c.id == _TABLE.enrolment)
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"last_seen": _TABLE.last_seen, "first_seen": _TABLE.first_seen, "address": _TABLE.address},
    first="-first_seen",
    names=[_TABLE.address],
)


class StrangerStore:
    """Where strangers are kept; `dropped` counts readings that found no room."""

    def __init__(self, db: Database, most: Callable[[str], int]) -> None:
        """Keep at most so many readings of each of a tenant, the last ones."""
        self._db, self._most = db, most
        self.dropped = 0

    async def get(self, tenant: str, stranger: str) -> Stranger:
        """Return one stranger; raise Missing."""
        query = select(*_COLUMNS).select_from(_FROM).where(_TABLE.tenant == tenant, _TABLE.id == stranger)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such device waiting.")
        return _stranger(row)

    async def page(self, tenant: str, asked: Asked) -> Page[Stranger]:
        """Return a page of strangers, the newest first."""
        query = select(*_COLUMNS).select_from(_FROM).where(_TABLE.tenant == tenant)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _stranger)

    async def all(self, tenant: str) -> list[Stranger]:
        """Return every stranger of a tenant, by address."""
        query = select(*_COLUMNS).select_from(_FROM).where(_TABLE.tenant == tenant).order_by(_TABLE.address)
        async with self._db.reading() as connection:
            return [_stranger(row) for row in await connection.execute(query)]

    async def everything(self) -> list[tuple[str, str, str]]:
        """Return (tenant, identity, id) of every stranger, with its dialect before the identity, at start."""
        query = select(_TABLE.tenant, _TABLE.dialect, _TABLE.identity, _TABLE.id)
        async with self._db.reading() as connection:
            rows = await connection.execute(query)
            return [(row.tenant, f"{row.dialect} {row.identity}", row.id) for row in rows]

    async def begin(self, tenant: str, identity: str, stranger: Stranger) -> None:
        """Keep a new stranger, and count it at its enrolment; on disk on return."""
        row = {name: value for name, value in structs.asdict(stranger).items() if name in _PLAIN}
        row |= {"path": to_builtins(stranger.path), "tenant": tenant, "identity": identity}
        async with self._db.writing() as connection:
            await connection.execute(stranger_table.insert().values(row))
            await count_in(connection, tenant, stranger.enrolment, 1)

    async def hear(self, tenant: str, stranger: Stranger, said: bytes, readings: int) -> None:
        """Keep what a stranger said as of its `last_seen`, and what changed of it; on disk on return.

        What is more than may be kept goes, the oldest first.
        """
        values = {"last_seen": stranger.last_seen, "sample": stranger.sample, "channels": stranger.channels}
        values |= {"gateway": stranger.gateway, "path": to_builtins(stranger.path), "address": stranger.address}
        mine = (_TABLE.tenant == tenant, _TABLE.id == stranger.id)
        async with self._db.writing() as connection:
            if said:
                row = {"stranger": stranger.id, "readings": readings, "said": said}
                await connection.execute(word_table.insert().values(row))
            over = stranger.readings + readings - self._most(tenant)
            gone = await self._make_room(connection, stranger.id, over) if over > 0 else 0
            total = stranger.readings + readings - gone
            await connection.execute(update(stranger_table).where(*mine).values(**values, readings=total))
        self.dropped += gone

    async def _make_room(self, connection: AsyncConnection, stranger: str, over: int) -> int:
        table, gone, last = word_table.c, 0, 0
        oldest = select(table.id, table.readings).where(table.stranger == stranger).order_by(table.id)
        for row in await connection.execute(oldest):
            if gone >= over:
                break
            gone, last = gone + row.readings, row.id
        await connection.execute(delete(word_table).where(table.stranger == stranger, table.id <= last))
        return gone

    async def words(self, stranger: str, after: int, most: int = 200) -> list[tuple[int, bytes]]:
        """Return (number, what it said) of a stranger, the oldest first, from after a number on."""
        table = word_table.c
        query = select(table.id, table.said).where(table.stranger == stranger, table.id > after)
        async with self._db.reading() as connection:
            rows = await connection.execute(query.order_by(table.id).limit(most))
            return [(row.id, row.said) for row in rows]

    async def forget(self, tenant: str, stranger: str, *, adopted: bool) -> None:
        """Forget a stranger and what it said; one that was not adopted leaves its place at the enrolment."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == stranger)
        async with self._db.writing() as connection:
            enrolment = await connection.scalar(select(_TABLE.enrolment).where(*mine))
            await connection.execute(delete(word_table).where(word_table.c.stranger == stranger))
            await connection.execute(delete(stranger_table).where(*mine))
            if enrolment is not None and not adopted:
                await count_in(connection, tenant, enrolment, -1)

    async def there(self, connection: AsyncConnection, tenant: str) -> set[str]:
        """Return the strangers of a tenant, within the caller's transaction."""
        return set(await connection.scalars(select(_TABLE.id).where(_TABLE.tenant == tenant)))


def newest(before: dict[str, Any], fresh: dict[str, Any], most: int) -> dict[str, Any]:
    """Return what is known by name after more of it came: the last of each, and so many that came last."""
    joined = {name: value for name, value in before.items() if name not in fresh} | fresh
    return dict(list(joined.items())[-most:])


def _stranger(row: AnyRow) -> Stranger:
    values = {name: getattr(row, name) for name in Stranger.__struct_fields__}
    path = tuple((str(kind), str(name)) for kind, name in values["path"])
    return Stranger(**values | {"path": path})

"""Where places are kept."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from msgspec import structs
from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, Row, String, Table, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Conflict, Missing, Stale
from verger.base.pages import Asked, Ordering, Page, page
from verger.base.patch import merge
from verger.domain.places.model import Place, Tree

place_table = Table(
    "place",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("parent", String(36), ForeignKey("place.id"), nullable=True),
    Column("timezone", String(64), nullable=False),
    Column("latitude", Float, nullable=True),
    Column("longitude", Float, nullable=True),
    Column("address", String(500), nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_place_tenant_id", "tenant", "id"),
)
_TABLE = place_table.c
_COLUMNS = [column for column in place_table.columns if column.name != "tenant"]
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"created_at": _TABLE.created_at, "name": _TABLE.name},
    first="-created_at",
    names=[_TABLE.name],
)

Leaving = Callable[[AsyncConnection, str, str], Awaitable[None]]
"""Hears, within its transaction, that a tenant's place goes: (connection, tenant, place)."""


class PlaceStore:
    """Where places are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db
        self.leaving: list[Leaving] = []

    async def get(self, tenant: str, place: str) -> Place:
        """Return one place; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == place)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such place.")
        return _place(row)

    async def page(self, tenant: str, asked: Asked, parent: str | None = None) -> Page[Place]:
        """Return a page of places, all or those directly in one."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        if parent is not None:
            query = query.where(_TABLE.parent == parent)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _place)

    async def tree(self, tenant: str) -> Tree:
        """Return all places of a tenant as the tree they are."""
        async with self._db.reading() as connection:
            return await _tree(connection, tenant)

    async def zones(self) -> list[tuple[str, str]]:
        """Return (place, time zone) of every tenant."""
        async with self._db.reading() as connection:
            return [(row.id, row.timezone) for row in await connection.execute(select(_TABLE.id, _TABLE.timezone))]

    async def owner(self, name: str) -> tuple[str, str]:
        """Return (tenant, id) of a place by its id or name, of every tenant; raise Missing or Conflict."""
        query = select(_TABLE.tenant, _TABLE.id).where(or_(_TABLE.id == name, _TABLE.name == name)).limit(2)
        async with self._db.reading() as connection:
            found = (await connection.execute(query)).all()
        if len(found) > 1:
            raise Conflict(
                f"Several places are called {name}: give the id of one, as it stands in the address of its page."
            )
        if not found:
            raise Missing(f"There is no place {name}.")
        return found[0].tenant, found[0].id

    async def below(self, tenant: str, place: str) -> list[str]:
        """Return a place and everything below it, parents before children; raise Missing."""
        tree = await self.tree(tenant)
        if place not in tree.places:
            raise Missing("There is no such place.")
        return tree.below(place)

    async def add(self, tenant: str, place: Place) -> Place:
        """Keep a new place; raise Invalid when its parent is not there."""
        async with self._db.writing() as connection:
            (await _tree(connection, tenant)).check(place)
            await connection.execute(place_table.insert().values(tenant=tenant, **structs.asdict(place)))
        return place

    async def change(self, tenant: str, place: Place) -> Place:
        """Keep a changed place as the next version; raise Invalid or Stale."""
        after = structs.replace(place, version=place.version + 1)
        async with self._db.writing() as connection:
            (await _tree(connection, tenant)).check(place)
            done = await connection.execute(
                update(place_table)
                .where(_TABLE.tenant == tenant, _TABLE.id == place.id, _TABLE.version == place.version)
                .values(**structs.asdict(after))
            )
            if done.rowcount == 0:
                raise Stale("Somebody changed this place since you read it. Read it again and repeat your change.")
        return after

    async def note(self, connection: AsyncConnection, tenant: str, place: str, said: Mapping[str, Any]) -> None:
        """Merge attributes into those of a place, within the caller's transaction; None takes one away."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == place)
        row = (await connection.execute(select(_TABLE.attributes).where(*mine))).first()
        if row is not None and (after := merge(row.attributes, said)) != row.attributes:
            change = {"attributes": after, "version": _TABLE.version + 1}
            await connection.execute(update(place_table).where(*mine).values(change))

    async def delete(self, tenant: str, places: Iterable[str]) -> None:
        """Remove places, given children first; raise Conflict when something has come into one of them meanwhile."""
        try:
            async with self._db.writing() as connection:
                for place in places:
                    await connection.execute(delete(place_table).where(_TABLE.tenant == tenant, _TABLE.id == place))
                    for leave in self.leaving:
                        await leave(connection, tenant, place)
        except IntegrityError:
            raise Conflict("Something came into this place meanwhile; look again, then repeat it.") from None

    async def move_children(self, tenant: str, place: str, to: str) -> None:
        """Put what lies directly in a place into another one."""
        async with self._db.writing() as connection:
            await connection.execute(
                update(place_table)
                .where(_TABLE.tenant == tenant, _TABLE.parent == place)
                .values(parent=to, version=_TABLE.version + 1)
            )


async def _tree(connection: AsyncConnection, tenant: str) -> Tree:
    rows = await connection.execute(select(*_COLUMNS).where(_TABLE.tenant == tenant))
    return Tree(_place(row) for row in rows)


def _place(row: Row[Any]) -> Place:
    return Place(**{column.name: getattr(row, column.name) for column in _COLUMNS})

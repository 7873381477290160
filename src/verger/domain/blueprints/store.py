"""Where it is kept which blueprint laid what on which place."""

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.domain.blueprints.model import Kind, Laid, Mark

blueprint_table = Table(
    "blueprint",
    metadata,
    Column("place", String(36), ForeignKey("place.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("by", String(80), nullable=False),
)
mark_table = Table(
    "blueprint_mark",
    metadata,
    Column("place", String(36), primary_key=True),
    Column("blueprint", String(120), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("key", String(120), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("made", String(120), nullable=True),  # no reference: what a person removed is not laid again
    Column("at", Instant, nullable=False),
    ForeignKeyConstraint(["place", "blueprint"], ["blueprint.place", "blueprint.name"], ondelete="CASCADE"),
)
_LAID, _MARK = blueprint_table.c, mark_table.c
_COLUMNS = [_LAID[name] for name in Laid.__struct_fields__]


class BlueprintStore:
    """The only SQL of blueprints; what writes does so in the caller's transaction."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def at(self, tenant: str, places: Sequence[str]) -> list[Laid]:
        """Return what was laid on some places, those of the first place first, and of one place the earliest first."""
        query = select(*_COLUMNS).where(_LAID.tenant == tenant, _LAID.place.in_(places)).order_by(_LAID.at, _LAID.name)
        async with self._db.reading() as connection:
            found = [Laid(**row) for row in (await connection.execute(query)).mappings()]
        return sorted(found, key=lambda each: places.index(each.place))

    async def begin(self, connection: AsyncConnection, tenant: str, laid: Laid) -> Laid:
        """Keep that a blueprint is laid on a place; return how it was laid first."""
        mine = (_LAID.tenant == tenant, _LAID.place == laid.place, _LAID.name == laid.name)
        there = (await connection.execute(select(*_COLUMNS).where(*mine))).mappings().first()
        if there is not None:
            return Laid(**there)
        await connection.execute(blueprint_table.insert().values(tenant=tenant, **structs.asdict(laid)))
        return laid

    async def marks(
        self, connection: AsyncConnection, tenant: str, place: str, name: str
    ) -> dict[tuple[str, str], Mark]:
        """Return which parts of a blueprint were laid on a place, by kind and key."""
        query = select(_MARK.kind, _MARK.key, _MARK.made).where(
            _MARK.tenant == tenant, _MARK.place == place, _MARK.blueprint == name
        )
        rows = (await connection.execute(query)).mappings()
        return {(row["kind"], row["key"]): Mark(**row) for row in rows}

    async def made(self, tenant: str, name: str, kind: Kind) -> list[str]:
        """Return what a blueprint was made into anywhere, of one kind; some of it may be gone since."""
        mine = (_MARK.tenant == tenant, _MARK.blueprint == name, _MARK.kind == kind, _MARK.made.is_not(None))
        async with self._db.reading() as connection:
            return list(await connection.scalars(select(_MARK.made).where(*mine)))

    async def mark(self, connection: AsyncConnection, tenant: str, laid: Laid, mark: Mark) -> None:
        """Keep that a part of a blueprint was laid."""
        about = {"tenant": tenant, "place": laid.place, "blueprint": laid.name, "at": laid.at}
        await connection.execute(mark_table.insert().values(**about, **structs.asdict(mark)))

"""Where growing cycles are kept, with what happened in them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Conflict, Missing, Stale
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.cycles.model import Cycle, Happening

cycle_table = Table(
    "cycle",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("place", String(36), ForeignKey("place.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("crop", String(120), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("stages", JSON, nullable=False),
    Column("notes", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("expected_at", Instant, nullable=True),
    Column("ended_at", Instant, nullable=True),
    Column("outcome", String(20), nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("runs_at", String(36), nullable=True, unique=True),  # its place while it runs
    Index("ix_cycle_tenant_started_at", "tenant", "started_at"),
)
happening_table = Table(
    "cycle_event",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("cycle", String(36), ForeignKey("cycle.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Column("weight_kg", Float, nullable=True),
    Column("note", Text, nullable=False),
    Column("by", String(80), nullable=False),
)
_TABLE, _EVENT = cycle_table.c, happening_table.c
_SUMS = ("harvested_kg", "contaminations")
_OWN = [name for name in Cycle.__struct_fields__ if name not in _SUMS]
_COLUMNS = [
    *(_TABLE[name] for name in _OWN),
    select(func.coalesce(func.sum(_EVENT.weight_kg), 0.0))
    .where(_EVENT.cycle == _TABLE.id, _EVENT.kind == "harvest")
    .scalar_subquery()
    .label("harvested_kg"),
    select(func.count())
    .select_from(happening_table)
    .where(_EVENT.cycle == _TABLE.id, _EVENT.kind == "contamination")
    .scalar_subquery()
    .label("contaminations"),
]
_ORDERING = Ordering(
    key=_TABLE.id, sorts={"started_at": _TABLE.started_at}, first="-started_at", names=[_TABLE.crop, _TABLE.notes]
)
_COURSE = Ordering(key=_EVENT.id, sorts={"at": _EVENT.at}, first="-at", names=[_EVENT.note])


class WantedCycles(Struct, frozen=True, kw_only=True):
    """Which cycles a list shows; what is None does not matter."""

    places: Collection[str] | None = None
    runs: bool | None = None


class CycleStore:
    """Where cycles are kept; what writes does so in the caller's transaction."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def get(self, tenant: str, cycle: str) -> Cycle:
        """Return one cycle; raise Missing."""
        async with self._db.reading() as connection:
            return await self.find(connection, tenant, cycle)

    async def find(self, connection: AsyncConnection, tenant: str, cycle: str) -> Cycle:
        """Return one cycle as it stands within a transaction; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == cycle)
        row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such cycle.")
        return _cycle(row)

    async def running(self, connection: AsyncConnection, tenant: str, place: str) -> Cycle | None:
        """Return the cycle that runs at a place, None without one."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.runs_at == place)
        row = (await connection.execute(query)).first()
        return None if row is None else _cycle(row)

    async def page(self, tenant: str, asked: Asked, wanted: WantedCycles) -> Page[Cycle]:
        """Return a page of cycles, those that began last first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        if wanted.places is not None:
            query = query.where(_TABLE.place.in_(wanted.places))
        if wanted.runs is not None:
            query = query.where(_TABLE.ended_at.is_(None) if wanted.runs else _TABLE.ended_at.is_not(None))
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _cycle)

    async def add(self, connection: AsyncConnection, tenant: str, cycle: Cycle) -> None:
        """Keep a new cycle; raise Conflict while another one runs at its place."""
        try:
            await connection.execute(cycle_table.insert().values(tenant=tenant, **_row(cycle)))
        except IntegrityError:
            raise Conflict("A cycle runs at this place already: end it first.") from None

    async def change(self, connection: AsyncConnection, tenant: str, cycle: Cycle) -> Cycle:
        """Keep a changed cycle as its next version; raise Stale."""
        after = structs.replace(cycle, version=cycle.version + 1)
        mine = (_TABLE.tenant == tenant, _TABLE.id == cycle.id, _TABLE.version == cycle.version)
        if (await connection.execute(update(cycle_table).where(*mine).values(**_row(after)))).rowcount == 0:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        return after

    async def remove(self, connection: AsyncConnection, tenant: str, cycle: str) -> None:
        """Take a cycle away with all that happened in it."""
        await connection.execute(delete(cycle_table).where(_TABLE.tenant == tenant, _TABLE.id == cycle))

    # what happened

    async def happen(self, connection: AsyncConnection, tenant: str, happening: Happening) -> None:
        """Keep something that happened."""
        await connection.execute(happening_table.insert().values(tenant=tenant, **structs.asdict(happening)))

    async def undo(self, connection: AsyncConnection, tenant: str, cycle: str, happening: str) -> None:
        """Take something away that did not happen; raise Missing."""
        mine = (_EVENT.tenant == tenant, _EVENT.cycle == cycle, _EVENT.id == happening)
        if (await connection.execute(delete(happening_table).where(*mine))).rowcount == 0:
            raise Missing("There is no such event of this cycle.")

    async def happenings(self, tenant: str, cycle: str, asked: Asked) -> Page[Happening]:
        """Return a page of what happened in a cycle, the newest first."""
        columns = [_EVENT[name] for name in Happening.__struct_fields__]
        query = select(*columns).where(_EVENT.tenant == tenant, _EVENT.cycle == cycle)
        async with self._db.reading() as connection:
            return await page(connection, query, _COURSE, asked, _happening)

    async def times(
        self, tenant: str, places: Collection[str] | None, start: datetime, end: datetime
    ) -> list[tuple[str, str, datetime]]:
        """Return (place, kind, time) of what happened at some places, or all, with start <= time < end."""
        query = select(_TABLE.place, _EVENT.kind, _EVENT.at).join(cycle_table, _TABLE.id == _EVENT.cycle)
        query = query.where(_EVENT.tenant == tenant, _EVENT.at >= start, _EVENT.at < end)
        if places is not None:
            query = query.where(_TABLE.place.in_(places))
        async with self._db.reading() as connection:
            return [(row.place, row.kind, row.at) for row in await connection.execute(query)]


def _row(cycle: Cycle) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(cycle, name) for name in _OWN}
    return row | {"stages": msgspec.to_builtins(cycle.stages), "runs_at": cycle.place if cycle.runs else None}


def _cycle(row: AnyRow) -> Cycle:
    known = {name: getattr(row, name) for name in Cycle.__struct_fields__}
    return msgspec.convert(known, Cycle)


def _happening(row: AnyRow) -> Happening:
    return Happening(**{name: getattr(row, name) for name in Happening.__struct_fields__})

"""Runs of rules: when one fired, because of which readings, and how each of its actions ended."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table, Text, cast, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, delete_some, metadata
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.rules.actions import Action
from verger.domain.rules.memory import Because
from verger.domain.rules.store import rule_table

run_table = Table(
    "rule_run",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("rule", String(36), ForeignKey("rule.id", ondelete="CASCADE"), nullable=False),
    Column("device", String(36), nullable=True),
    Column("at", Instant, nullable=False),
    Column("because", JSON, nullable=False),
    Column("then", JSON, nullable=False),
    Index("ix_rule_run_rule_at", "rule", "at"),
    Index("ix_rule_run_at", "at"),
)
_TABLE = run_table.c
_COLUMNS = [column for column in run_table.columns if column.name not in ("tenant", "rule")]
_ORDERING = Ordering(key=_TABLE.id, sorts={"at": _TABLE.at}, first="-at", names=[])


class Done(Struct, frozen=True, kw_only=True):
    """What became of one action of a run: `id` is that of the command, alert or task that it made.

    `state` is `done`, `refused`, `queued` where others take it from here, or the stage of a command; `error` says why
    it failed.
    """

    action: Action
    state: str
    id: str | None = None
    error: str | None = None


class Run(Struct, frozen=True, kw_only=True):
    """A rule that fired, of a device or of none, at a time; `because` holds the readings and all else it went by."""

    id: str
    device: str | None
    at: datetime
    because: tuple[Because, ...]
    then: tuple[Done, ...]


class RunStore:
    """Where runs are kept; what writes does so in the caller's transaction."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def add(self, connection: AsyncConnection, tenant: str, rule: str, run: Run) -> None:
        """Keep a run."""
        row = structs.asdict(run) | {"because": msgspec.to_builtins(run.because), "then": msgspec.to_builtins(run.then)}
        await connection.execute(run_table.insert().values(tenant=tenant, rule=rule, **row))

    async def page(self, tenant: str, rule: str, asked: Asked) -> Page[Run]:
        """Return a page of the runs of a rule, the newest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.rule == rule)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _run)

    async def counted(self, since: datetime) -> list[tuple[str, str | None, datetime]]:
        """Return (rule, device, time) of each run of every tenant since a time that still counts, the oldest first."""
        counts = or_(rule_table.c.counted_after.is_(None), _TABLE.id > rule_table.c.counted_after)
        query = select(_TABLE.rule, _TABLE.device, _TABLE.at).join(rule_table, rule_table.c.id == _TABLE.rule)
        query = query.where(_TABLE.at >= since, counts).order_by(_TABLE.at)
        async with self._db.reading() as connection:
            return [(row.rule, row.device, row.at) for row in await connection.execute(query)]

    async def ended(
        self, connection: AsyncConnection, tenant: str, run: str, action: str, state: str, error: str | None
    ) -> None:
        """Keep how one action of a run, known by the id of what it made, stands now."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == run)
        row = (await connection.execute(select(*_COLUMNS).where(*mine))).first()
        if row is None:
            return
        then = [
            structs.replace(done, state=state, error=error) if done.id == action else done for done in _run(row).then
        ]
        await connection.execute(update(run_table).where(*mine).values(then=msgspec.to_builtins(then)))

    async def expire(self, tenant: str, devices: Collection[str], start: datetime, before: datetime) -> int:
        """Remove some runs of devices, or due to them, with start <= time < before; return how many, 0 at the end."""
        because = cast(_TABLE.because, Text)
        of = or_(_TABLE.device.in_(devices), *(because.contains(device, autoescape=True) for device in devices))
        mine = (_TABLE.tenant == tenant, of, _TABLE.at >= start, _TABLE.at < before)
        async with self._db.writing() as connection:
            return await delete_some(connection, run_table, *mine)

    async def purge(self, before: datetime) -> int:
        """Forget some runs of before a time; return how many, 0 at the end."""
        async with self._db.writing() as connection:
            return await delete_some(connection, run_table, _TABLE.at < before)


def _run(row: AnyRow) -> Run:
    because: Sequence[Any] = row.because
    return Run(
        id=row.id,
        device=row.device,
        at=row.at,
        because=msgspec.convert(because, tuple[Because, ...]),
        then=msgspec.convert(row.then, tuple[Done, ...]),
    )

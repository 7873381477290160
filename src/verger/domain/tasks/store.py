"""Where tasks are kept."""

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    case,
    delete,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds, moment
from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing, Stale
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.tasks.model import Priority, Task, TaskState

task_table = Table(
    "task",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("title", String(200), nullable=False),
    Column("notes", Text, nullable=False),
    Column("place", String(36), ForeignKey("place.id", ondelete="SET NULL"), nullable=True),
    Column("device", String(36), nullable=True),
    Column("priority", String(10), nullable=False),
    Column("assignee", String(36), ForeignKey("user.id", ondelete="SET NULL"), nullable=True),
    Column("due", Instant, nullable=True),
    Column("state", String(10), nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("alert", String(36), ForeignKey("alert.id", ondelete="SET NULL"), nullable=True, index=True),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant, nullable=True),
    Column("done_by", String(80), nullable=True),
    Column("version", Integer, nullable=False),
    Index("ix_task_tenant_state", "tenant", "state"),
)
_TABLE = task_table.c
_COLUMNS = [_TABLE[name] for name in Task.__struct_fields__]
_NEVER = microseconds(datetime(9999, 1, 1, tzinfo=UTC))  # what has time comes after all that is due
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={
        "created_at": _TABLE.created_at,
        "title": _TABLE.title,
        "due": type_coerce(func.coalesce(_TABLE.due, _NEVER), Instant),
        "priority": case({each.value: rank for rank, each in enumerate(Priority)}, value=_TABLE.priority, else_=0),
    },
    first="-created_at",
    names=[_TABLE.title],
)

Listener = Callable[[AsyncConnection, str, Task, bool], Awaitable[None]]
"""Hears, within its transaction, (connection, tenant, task, gone) of each change; gone: it was taken away."""


class WantedTasks(Struct, frozen=True, kw_only=True):
    """Which tasks a list shows; what is None does not matter."""

    state: TaskState | None = None
    places: Collection[str] | None = None
    device: str | None = None
    assignee: str | None = None
    alert: str | None = None


class TaskStore:
    """Where tasks are kept; what writes does so in the caller's transaction, and tells the `listeners`."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db
        self.listeners: list[Listener] = []

    async def get(self, tenant: str, task: str) -> Task:
        """Return one task; raise Missing."""
        async with self._db.reading() as connection:
            return await self.find(connection, tenant, task)

    async def find(self, connection: AsyncConnection, tenant: str, task: str) -> Task:
        """Return one task as it stands within a transaction; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == task)
        row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such task.")
        return _task(row)

    async def page(self, tenant: str, asked: Asked, wanted: WantedTasks) -> Page[Task]:
        """Return a page of tasks, the newest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        for name in ("state", "device", "assignee", "alert"):
            if (value := getattr(wanted, name)) is not None:
                query = query.where(_TABLE[name] == value)
        if wanted.places is not None:
            query = query.where(_TABLE.place.in_(wanted.places))
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _task)

    async def due(self, tenant: str, by: datetime, most: int = 500) -> list[Task]:
        """Return the open tasks that are due by a time, and urgent ones, also without a time; the earliest first."""
        query = select(*_COLUMNS).where(
            _TABLE.tenant == tenant,
            _TABLE.state == TaskState.open,
            (_TABLE.due <= by) | (_TABLE.priority == Priority.urgent),
        )
        async with self._db.reading() as connection:
            rows = await connection.execute(query.order_by(_TABLE.due.nulls_first(), _TABLE.id).limit(most))
            return [_task(row) for row in rows]

    async def to_come(self, after: int) -> list[tuple[str, Task]]:
        """Return (tenant, task) of the open tasks of all tenants that are due after a time, in microseconds."""
        query = select(_TABLE.tenant, *_COLUMNS).where(_TABLE.state == TaskState.open, _TABLE.due > moment(after))
        async with self._db.reading() as connection:
            return [(row.tenant, _task(row)) for row in await connection.execute(query)]

    async def add(self, connection: AsyncConnection, tenant: str, task: Task) -> None:
        """Keep a new task."""
        await connection.execute(task_table.insert().values(tenant=tenant, **structs.asdict(task)))
        await self._tell(connection, tenant, task)

    async def change(self, connection: AsyncConnection, tenant: str, task: Task) -> Task:
        """Keep a changed task as its next version; raise Stale."""
        after = structs.replace(task, version=task.version + 1)
        mine = (_TABLE.tenant == tenant, _TABLE.id == task.id, _TABLE.version == task.version)
        done = await connection.execute(update(task_table).where(*mine).values(structs.asdict(after)))
        if done.rowcount == 0:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        await self._tell(connection, tenant, after)
        return after

    async def remove(self, connection: AsyncConnection, tenant: str, task: Task) -> None:
        """Remove a task."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == task.id)
        if (await connection.execute(delete(task_table).where(*mine))).rowcount:
            await self._tell(connection, tenant, task, gone=True)

    async def _tell(self, connection: AsyncConnection, tenant: str, task: Task, *, gone: bool = False) -> None:
        for listener in self.listeners:
            await listener(connection, tenant, task, gone)


def _task(row: AnyRow) -> Task:
    values: dict[str, Any] = {name: getattr(row, name) for name in Task.__struct_fields__}
    return Task(**values | {"priority": Priority(row.priority), "state": TaskState(row.state)})

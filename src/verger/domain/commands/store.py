"""Where commands are kept."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import SECOND, microseconds, moment
from verger.base.db import Database, Instant, after_commit, delete_some, metadata
from verger.base.errors import Missing
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.commands.model import (
    UNANSWERED,
    UNDELIVERED,
    Command,
    Stage,
    Step,
    begun,
    cancelled,
    due,
    replaces,
    stepped,
)

command_table = Table(
    "command",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("device", String(36), ForeignKey("device.id"), nullable=False),
    Column("method", String(200), nullable=False),
    Column("params", JSON, nullable=True),
    Column("stage", String(14), nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("sent_at", Instant, nullable=True),
    Column("acknowledged_at", Instant, nullable=True),
    Column("answered_at", Instant, nullable=True),
    Column("expires_at", Instant, nullable=False),
    Column("result", JSON, nullable=True),
    Column("error", Text, nullable=True),
    Column("number", Integer, nullable=False),
    Column("one_way", Boolean, nullable=False),
    Column("shows", JSON(none_as_null=True), nullable=True),
    Column("batch", String(36), nullable=True, index=True),
    Column("steps", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("due", Instant, nullable=True, index=True),
    UniqueConstraint("device", "number"),
    Index("ix_command_tenant_asked_at", "tenant", "asked_at"),
)
_TABLE = command_table.c
_COLUMNS = [_TABLE[name] for name in Command.__struct_fields__]
_ORDERING = Ordering(key=_TABLE.id, sorts={"asked_at": _TABLE.asked_at}, first="-asked_at", names=[_TABLE.method])
_NUMBERS_BEGIN = microseconds(datetime.fromisoformat("2020-01-01T00:00:00Z"))

Listener = Callable[[AsyncConnection, str, Command], Awaitable[None]]
"""Hears of every step of every command of a tenant, within the transaction that keeps it."""
Told = Callable[[str, Command], None]
"""Hears of it once that is on disk."""


class WantedCommands(Struct, frozen=True, kw_only=True):
    """Which commands a list shows; what is None does not matter."""

    device: str | None = None
    devices: Collection[str] | None = None
    batch: str | None = None
    stage: Stage | None = None


class CommandStore:
    """Where commands are kept; what writes does so in the caller's transaction, and tells the `listeners`.

    After the commit it tells `told`.
    """

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db
        self.listeners: list[Listener] = []
        self.told: list[Told] = []

    async def get(self, tenant: str, command: str) -> Command:
        """Return one command; raise Missing."""
        async with self._db.reading() as connection:
            return await self.find(connection, tenant, command)

    async def find(self, connection: AsyncConnection, tenant: str, command: str) -> Command:
        """Return one command as it stands within a transaction; raise Missing."""
        found = await self.there(connection, tenant, command)
        if found is None:
            raise Missing("There is no such command.")
        return found

    async def there(self, connection: AsyncConnection, tenant: str, command: str) -> Command | None:
        """Return one command as it stands within a transaction, None when it is not there."""
        return next(iter(await self._some(connection, _TABLE.tenant == tenant, _TABLE.id == command)), None)

    async def numbered(self, connection: AsyncConnection, tenant: str, device: str, number: int) -> Command | None:
        """Return the command that a device knows by a number, as it stands within a transaction."""
        where = (_TABLE.tenant == tenant, _TABLE.device == device, _TABLE.number == number)
        return next(iter(await self._some(connection, *where)), None)

    async def page(self, tenant: str, asked: Asked, wanted: WantedCommands) -> Page[Command]:
        """Return a page of commands, the newest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        for name in ("device", "batch", "stage"):
            if (value := getattr(wanted, name)) is not None:
                query = query.where(_TABLE[name] == value)
        if wanted.devices is not None:
            query = query.where(_TABLE.device.in_(wanted.devices))
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _command)

    async def answered(self, tenant: str, devices: Collection[str]) -> dict[tuple[str, str], datetime]:
        """Return when some devices last answered a command, by device and method."""
        last = func.max(_TABLE.answered_at).label("last")
        query = select(_TABLE.device, _TABLE.method, last).where(
            _TABLE.tenant == tenant, _TABLE.device.in_(devices), _TABLE.answered_at.is_not(None)
        )
        async with self._db.reading() as connection:
            rows = await connection.execute(query.group_by(_TABLE.device, _TABLE.method))
            return {(row.device, row.method): row.last for row in rows}

    async def of_batch(self, tenant: str, batch: str, stages: Collection[Stage] = ()) -> list[Command]:
        """Return the commands that were asked together, all or those at some stages."""
        where = [_TABLE.tenant == tenant, _TABLE.batch == batch]
        if stages:
            where.append(_TABLE.stage.in_(stages))
        async with self._db.reading() as connection:
            return await self._some(connection, *where)

    async def asked_in(self, tenant: str, batch: str) -> list[tuple[str, str]]:
        """Return (device, method) of each command that was asked together."""
        query = select(_TABLE.device, _TABLE.method).where(_TABLE.tenant == tenant, _TABLE.batch == batch)
        async with self._db.reading() as connection:
            return [(row.device, row.method) for row in await connection.execute(query)]

    async def stages(self, tenant: str, batch: str) -> tuple[dict[str, int], int]:
        """Return how many of those that were asked together are at each stage, and of how many something is awaited."""
        query = select(_TABLE.stage, _TABLE.one_way, func.count().label("many"))
        query = query.where(_TABLE.tenant == tenant, _TABLE.batch == batch).group_by(_TABLE.stage, _TABLE.one_way)
        found, waiting = Counter[str](), 0
        async with self._db.reading() as connection:
            for row in await connection.execute(query):
                found[row.stage] += row.many
                waits = row.stage in UNDELIVERED or (row.stage == Stage.acknowledged and not row.one_way)
                waiting += row.many * waits
        return dict(found), waiting

    async def undelivered(self, devices: Sequence[str]) -> list[tuple[str, Command]]:
        """Return (tenant, command) of what some devices have not confirmed to have, the oldest first."""
        return await self._pairs(_TABLE.device.in_(devices), _TABLE.stage.in_(UNDELIVERED))

    async def due(self, by: int, most: int = 200) -> list[tuple[str, Command]]:
        """Return (tenant, command) of those about which something is to be done by a time, the oldest first."""
        return await self._pairs(_TABLE.due <= moment(by), most=most)

    async def next_due(self) -> int | None:
        """Return when something is to be done next, in microseconds."""
        async with self._db.reading() as connection:
            at = await connection.scalar(select(func.min(_TABLE.due)))
        return None if at is None else microseconds(at)

    async def unproved(self) -> list[tuple[str, Command]]:
        """Return (tenant, command) of those that a device's report may still prove."""
        open_ = (Stage.sent, Stage.acknowledged)
        return await self._pairs(_TABLE.stage.in_(open_), _TABLE.due.is_not(None), _TABLE.shows.is_not(None))

    async def unanswered(self) -> list[tuple[str, Command]]:
        """Return (tenant, command) of all that have not ended."""
        return await self._pairs(_TABLE.stage.in_(UNANSWERED), _TABLE.due.is_not(None))

    async def add(self, connection: AsyncConnection, tenant: str, command: Command) -> Command:
        """Keep a new command and return it under its number; what it `replaces` is cancelled."""
        older = (_TABLE.tenant == tenant, _TABLE.device == command.device, _TABLE.stage.in_(UNDELIVERED))
        for each in await self._some(connection, *older):
            if not replaces(command, each):
                continue
            had = "before it was sent" if each.stage is Stage.queued else "before the device confirmed to have it"
            why = f"A newer command took its place {had}."
            await self.change(connection, tenant, cancelled(each, microseconds(command.asked_at), "newer command", why))
        fresh = begun(command, await self._number(connection, command))
        row = _row(fresh) | {"tenant": tenant, "due": command.asked_at}
        await connection.execute(command_table.insert().values(row))
        await self._tell(connection, tenant, fresh)
        return fresh

    async def change(self, connection: AsyncConnection, tenant: str, command: Command) -> Command:
        """Keep the next step of a command, as its next version; return that."""
        after = structs.replace(command, version=command.version + 1)
        at = due(after, microseconds(after.steps[-1].at))
        mine = (_TABLE.tenant == tenant, _TABLE.id == command.id)
        row = _row(after) | {"due": None if at is None else moment(at)}
        await connection.execute(update(command_table).where(*mine).values(row))
        await self._tell(connection, tenant, after)
        return after

    async def look_at(self, connection: AsyncConnection, tenant: str, command: Command, at: int | None) -> None:
        """Have a command looked at again at a time, or never."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == command.id, _TABLE.version == command.version)
        when = None if at is None else moment(at)
        await connection.execute(update(command_table).where(*mine).values(due=when))

    async def step_back(self, connection: AsyncConnection, by: int) -> None:
        """Let all times of those that have not ended be so many microseconds earlier."""
        open_ = (_TABLE.stage.in_(UNANSWERED), _TABLE.due.is_not(None))
        rows = (await connection.execute(select(*_COLUMNS, _TABLE.due).where(*open_))).all()
        for row in rows:
            after, at = stepped(_command(row), by), moment(microseconds(row.due) - by)
            await connection.execute(update(command_table).where(_TABLE.id == row.id).values(_row(after) | {"due": at}))

    async def purge(self, before: datetime) -> int:
        """Forget some commands that were asked before a time and have ended; return how many, 0 at the end."""
        async with self._db.writing() as connection:
            return await delete_some(connection, command_table, _TABLE.asked_at < before, _TABLE.due.is_(None))

    async def _number(self, connection: AsyncConnection, command: Command) -> int:
        """Return a number that a device has not had, also after a restore: a counter that keeps up with the seconds."""
        last = await connection.scalar(select(func.max(_TABLE.number)).where(_TABLE.device == command.device))
        return max((last or 0) + 1, (microseconds(command.asked_at) - _NUMBERS_BEGIN) // SECOND)

    async def _some(self, connection: AsyncConnection, *where: ColumnElement[bool]) -> list[Command]:
        rows = await connection.execute(select(*_COLUMNS).where(*where).order_by(_TABLE.asked_at, _TABLE.id))
        return [_command(row) for row in rows]

    async def _pairs(self, *where: ColumnElement[bool], most: int | None = None) -> list[tuple[str, Command]]:
        query = select(_TABLE.tenant, *_COLUMNS).where(*where).order_by(_TABLE.asked_at, _TABLE.id).limit(most)
        async with self._db.reading() as connection:
            return [(row.tenant, _command(row)) for row in await connection.execute(query)]

    async def _tell(self, connection: AsyncConnection, tenant: str, command: Command) -> None:
        for listener in self.listeners:
            await listener(connection, tenant, command)
        for told in self.told:
            after_commit(connection, partial(told, tenant, command))


def _row(command: Command) -> dict[str, Any]:
    return structs.asdict(command) | {"steps": msgspec.to_builtins(command.steps)}


def _command(row: AnyRow) -> Command:
    values: dict[str, Any] = {name: getattr(row, name) for name in Command.__struct_fields__}
    steps = msgspec.convert(values["steps"], tuple[Step, ...])
    return Command(**values | {"stage": Stage(row.stage), "steps": steps})

"""Remarks: the device's own log page of what was refused or put right, and why."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)

from verger.base.clock import Clock, moment
from verger.base.db import Database, Instant, delete_some, metadata
from verger.base.ids import new_id
from verger.domain.devices.model import Remark

_LONGEST = 500
_KEPT = 100  # distinct remarks of one kind a device, so that a flood of one hides none of another
_WAITING = 10_000  # distinct remarks in memory between two writes
_OF_TENANT = 2_000  # of them of one organisation
_AT_ONCE = 50  # remarks a transaction, which keeps it under 50 ms

remark_table = Table(
    "device_remark",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("device", String(36), ForeignKey("device.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("message", Text, nullable=False),
    Column("count", Integer, nullable=False),
    UniqueConstraint("device", "kind", "message"),
)

Key = tuple[str, str, str, str]
Waiting = dict[Key, tuple[datetime, int]]
"""Tenant, device, kind and message of each remark: when it was made last, and how often."""


class Remarks:
    """Counts remarks in memory and writes them together, so that a device that errs at full speed costs little."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Keep them in a database."""
        self._db = db
        self._clock = clock
        self._waiting: Waiting = {}
        self._distinct: Counter[tuple[str, ...]] = Counter()  # by tenant, and by device and kind
        self.total = 0

    def note(self, tenant: str, device: str, kind: str, message: str) -> None:
        """Count a remark; it is on disk after the next `write`."""
        self.total += 1
        self._count((tenant, device, kind, message[:_LONGEST]), moment(self._clock.now()), 1)

    def _count(self, key: Key, at: datetime, times: int) -> None:
        before = self._waiting.get(key)
        if before is not None:
            self._waiting[key] = (max(at, before[0]), before[1] + times)
        elif len(self._waiting) < _WAITING and self._has_room(key):
            self._waiting[key] = (at, times)
            self._distinct.update((key[:1], key[1:3]))

    def _has_room(self, key: Key) -> bool:
        return self._distinct[key[:1]] < _OF_TENANT and self._distinct[key[1:3]] < _KEPT

    async def write(self) -> None:
        """Write what was counted since the last time; where that fails it waits for the next."""
        waiting, self._waiting, self._distinct = self._waiting, {}, Counter()
        keys = list(waiting)
        for start in range(0, len(keys), _AT_ONCE):
            try:
                await self._write({key: waiting[key] for key in keys[start : start + _AT_ONCE]})
            except Exception:
                for key in keys[start:]:
                    self._count(key, *waiting[key])
                raise

    async def _write(self, waiting: Waiting) -> None:
        table = remark_table.c
        async with self._db.writing() as connection:
            for (tenant, device, kind, message), (at, count) in waiting.items():
                same = (table.tenant == tenant, table.device == device, table.kind == kind, table.message == message)
                changed = await connection.execute(
                    update(remark_table).where(*same).values(at=at, count=table.count + count)
                )
                if changed.rowcount == 0:
                    row = {"tenant": tenant, "device": device, "kind": kind, "message": message}
                    await connection.execute(remark_table.insert().values(id=new_id(), at=at, count=count, **row))
            for tenant, device, kind in {key[:3] for key in waiting}:
                mine = (table.tenant == tenant, table.device == device, table.kind == kind)
                newest = select(table.id).where(*mine).order_by(table.at.desc()).limit(_KEPT)
                await connection.execute(delete(remark_table).where(*mine, table.id.not_in(newest)))

    async def of(self, tenant: str, device: str) -> list[Remark]:
        """Return a device's remarks, the latest first."""
        table = remark_table.c
        query = (
            select(table.at, table.kind, table.message, table.count)
            .where(table.tenant == tenant, table.device == device)
            .order_by(table.at.desc(), table.id.desc())
        )
        async with self._db.reading() as connection:
            return [Remark(**row) for row in (await connection.execute(query)).mappings()]

    async def expiring(
        self, tenant: str, devices: Sequence[str], start: datetime, before: datetime
    ) -> tuple[int, datetime | None]:
        """Return how many remarks of some devices lie in start <= time < before, and when the first of them was."""
        table = remark_table.c
        query = select(func.count(), func.min(table.at)).where(*_within(tenant, devices, start, before))
        async with self._db.reading() as connection:
            count, oldest = (await connection.execute(query)).one()
        return count, oldest

    async def expire(self, tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> int:
        """Remove a few remarks of some devices with start <= time < before; return how many, 0 at the end."""
        async with self._db.writing() as connection:
            return await delete_some(connection, remark_table, *_within(tenant, devices, start, before))


def _within(tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> tuple[ColumnElement[bool], ...]:
    table = remark_table.c
    return table.tenant == tenant, table.device.in_(devices), table.at >= start, table.at < before

"""Series: one metric of one device, numbered; the row is on disk before the log may name the number."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from msgspec import Struct
from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database, Instant, metadata

_AT_ONCE = 500  # rows a transaction, which keeps it under 50 ms

series_table = Table(
    "series",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("device", String(36), ForeignKey("device.id"), nullable=False),
    Column("metric", String(200), nullable=False),
    Column("unit", String(40), nullable=False),
    Column("name", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("device", "metric"),
    Index("ix_series_tenant_device", "tenant", "device"),
    sqlite_autoincrement=True,  # a number is never used again
)


class Series(Struct, frozen=True):
    """One metric of one device and its number."""

    number: int
    device: str
    metric: str
    unit: str = ""
    name: str = ""


class SeriesStore:
    """Where series are kept."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Keep them in a database."""
        self._db = db
        self._clock = clock

    async def create(self, wanted: Mapping[tuple[str, str], Iterable[str]]) -> list[Series]:
        """Give numbers to new metrics of devices, {(tenant, device): metrics}; all rows are on disk on return.

        What has a number keeps it, so that what failed half-way may be asked again.
        """
        rows = iter(
            {"tenant": tenant, "device": device, "metric": metric, "unit": "", "name": ""}
            for (tenant, device), metrics in wanted.items()
            for metric in metrics
        )
        made: list[Series] = []
        while slice_ := list(islice(rows, _AT_ONCE)):
            made += await self._insert(slice_)
        return made

    async def _insert(self, rows: Sequence[dict[str, str]]) -> list[Series]:
        now = moment(self._clock.now())
        statement = series_table.insert().returning(series_table.c.number, series_table.c.device, series_table.c.metric)
        there = select(series_table.c.number, series_table.c.device, series_table.c.metric)
        async with self._db.writing() as connection:
            found = await connection.execute(there.where(series_table.c.device.in_({row["device"] for row in rows})))
            numbers = {(device, metric): number for number, device, metric in found}
            if fresh := [row | {"created_at": now} for row in rows if (row["device"], row["metric"]) not in numbers]:
                made = await connection.execute(statement, fresh)
                numbers |= {(device, metric): number for number, device, metric in made}
        return [Series(numbers[row["device"], row["metric"]], row["device"], row["metric"]) for row in rows]

    async def of(self, tenant: str, devices: Sequence[str]) -> list[Series]:
        """Return the series of some devices of a tenant, by device and metric."""
        query = (
            select(*_COLUMNS)
            .where(series_table.c.tenant == tenant, series_table.c.device.in_(devices))
            .order_by(series_table.c.device, series_table.c.metric)
        )
        async with self._db.reading() as connection:
            return [Series(*row) for row in await connection.execute(query)]

    async def of_tenant(self, tenant: str) -> list[Series]:
        """Return every series of a tenant, also of devices that have retired."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(series_table.c.tenant == tenant))
            return [Series(*row) for row in rows]

    async def name(self, tenant: str, device: str, names: Mapping[str, Mapping[str, str]]) -> None:
        """Say what some metrics of a device are called (`name`) and measured in (`unit`); what is left out stays.

        A metric never heard stays unknown.
        """
        async with self._db.writing() as connection:
            await self.name_within(connection, tenant, device, names)

    async def name_within(
        self, connection: AsyncConnection, tenant: str, device: str, names: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Do as `name` does, within the caller's transaction."""
        table = series_table.c
        for metric, values in ((metric, values) for metric, values in names.items() if values):
            mine = (table.tenant == tenant, table.device == device, table.metric == metric)
            await connection.execute(update(series_table).where(*mine).values(**values))

    async def call(
        self, tenant: str, metric: str, devices: Sequence[str], before: Mapping[str, str], after: Mapping[str, str]
    ) -> None:
        """Say what a metric of some devices is called and measured in, where that still is as it was `before`."""
        for start in range(0, len(devices), _AT_ONCE):
            mine = (
                series_table.c.tenant == tenant,
                series_table.c.metric == metric,
                series_table.c.device.in_(devices[start : start + _AT_ONCE]),
            )
            async with self._db.writing() as connection:
                for field, value in after.items():
                    as_before = series_table.c[field] == before.get(field, "")
                    await connection.execute(update(series_table).where(*mine, as_before).values({field: value}))

    async def everything(self) -> list[Series]:
        """Return every series of every tenant, to fill the registry at start."""
        async with self._db.reading() as connection:
            return [Series(*row) for row in await connection.execute(select(*_COLUMNS))]

    async def delete(self, tenant: str, device: str) -> None:
        """Remove a device's series; their numbers are never used again."""
        async with self._db.writing() as connection:
            await connection.execute(
                delete(series_table).where(series_table.c.tenant == tenant, series_table.c.device == device)
            )


_COLUMNS = (
    series_table.c.number,
    series_table.c.device,
    series_table.c.metric,
    series_table.c.unit,
    series_table.c.name,
)

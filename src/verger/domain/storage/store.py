"""Where the sizes of the data folder are kept."""

from sqlalchemy import BigInteger, Column, Table, delete, select, update

from verger.base.db import Database, metadata
from verger.domain.storage.model import LOOKS_BACK, Sample

sample_table = Table(
    "storage_sample",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)
_TABLE = sample_table.c


class SampleStore:
    """The sizes of the last week; they belong to the whole house, not to a tenant."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def all(self) -> list[Sample]:
        """Return what is kept, the oldest first."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(_TABLE.at, _TABLE.size).order_by(_TABLE.at))
            return [Sample(*row) for row in rows]

    async def keep(self, sample: Sample) -> None:
        """Keep the sample of an hour in place of the one that is there, and let go what is too old to matter."""
        async with self._db.writing() as connection:
            done = await connection.execute(update(sample_table).where(_TABLE.at == sample.at).values(size=sample.size))
            if done.rowcount == 0:
                await connection.execute(sample_table.insert().values(at=sample.at, size=sample.size))
            await connection.execute(delete(sample_table).where(_TABLE.at <= sample.at - LOOKS_BACK))

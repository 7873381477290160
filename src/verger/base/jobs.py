"""Jobs: work that has to be done later, kept as rows, so that it survives a restart."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Delete,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    Update,
    delete,
    func,
    select,
)
from sqlalchemy import update as sql_update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.bell import whenever
from verger.base.clock import HOUR, SECOND, Clock
from verger.base.db import Database, metadata, rings
from verger.base.ids import new_id

job = Table(
    "job",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(80), nullable=False),
    Column("key", String(200), nullable=False),
    Column("run_at", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", Text, nullable=True),
    UniqueConstraint("kind", "key"),
)

Work = Callable[[Any], Awaitable[None]]
_LONGEST_WAIT = HOUR
_AGAIN_AND_AGAIN = 3

log = structlog.get_logger()


def backoff(attempts: int) -> int:
    """Return how long to wait after so many failed attempts, in microseconds: 1 s, 2 s, 4 s … to an hour."""
    return min(SECOND << min(attempts - 1, 12), _LONGEST_WAIT)


async def ask(connection: AsyncConnection, kind: str, key: str, run_at: int, payload: Any = None) -> None:
    """Ask for a job within the caller's transaction; one (kind, key) stands once, asked again it is moved."""
    body = msgspec.msgpack.encode(payload)
    moved = await connection.execute(
        sql_update(job)
        .where(job.c.kind == kind, job.c.key == key)
        .values(run_at=run_at, payload=body, attempts=0, error=None)
    )
    if moved.rowcount == 0:
        await connection.execute(
            job.insert().values(id=new_id(), kind=kind, key=key, run_at=run_at, payload=body, attempts=0)
        )
    rings(connection, job.name)


class Waiting(Struct, frozen=True):
    """A job that is not done yet, and why it was not when it was tried."""

    kind: str
    key: str
    run_at: int
    payload: Any
    error: str | None


async def waiting(connection: AsyncConnection) -> list[Waiting]:
    """Return every job that is not done yet, who is due first first."""
    return await _waiting(connection)


async def failing(connection: AsyncConnection) -> list[Waiting]:
    """Return the jobs that have failed several times in a row."""
    return await _waiting(connection, job.c.attempts >= _AGAIN_AND_AGAIN)


async def _waiting(connection: AsyncConnection, *where: ColumnElement[bool]) -> list[Waiting]:
    rows = await connection.execute(select(job).where(*where).order_by(job.c.run_at, job.c.id))
    return [Waiting(row.kind, row.key, row.run_at, msgspec.msgpack.decode(row.payload), row.error) for row in rows]


async def forgo(connection: AsyncConnection, kind: str, key: str) -> None:
    """Ask for a job no longer."""
    await connection.execute(delete(job).where(job.c.kind == kind, job.c.key == key))


async def bring_forward(connection: AsyncConnection, now: int, by: int, *, but: Collection[str] = ()) -> None:
    """Let what is due after a time be due so many microseconds sooner, but for some kinds."""
    later = (job.c.run_at > now, job.c.kind.not_in(but))
    await connection.execute(sql_update(job).where(*later).values(run_at=job.c.run_at - by))
    rings(connection, job.name)


async def find(connection: AsyncConnection, kind: str, key: str) -> Waiting | None:
    """Return a job that is asked for, None when it is not."""
    found = await _waiting(connection, job.c.kind == kind, job.c.key == key)
    return found[0] if found else None


async def asked(connection: AsyncConnection, kind: str, key: str) -> bool:
    """Tell whether a job is asked for."""
    return await connection.scalar(select(job.c.id).where(job.c.kind == kind, job.c.key == key)) is not None


class Jobs:
    """Runs the jobs that are due, one after another; a failing one is tried again, ever later."""

    def __init__(self, db: Database, clock: Clock, works: Mapping[str, Work]) -> None:
        """Do each kind of job with the work of that name."""
        self._db = db
        self._clock = clock
        self._works = works
        self._bell = db.bell(job.name)
        self.done = 0
        self.failed = 0

    async def run_due(self) -> int:
        """Run what is due by now, oldest first; return how many were tried."""
        async with self._db.reading() as connection:
            rows = await connection.execute(
                select(job)
                .where(job.c.run_at <= self._clock.now(), job.c.kind.in_(list(self._works)))
                .order_by(job.c.run_at, job.c.id)
                .limit(100)
            )
            due = rows.all()
        for row in due:
            await self._run(row)
        return len(due)

    async def _run(self, row: Any) -> None:
        try:
            await self._works[row.kind](msgspec.msgpack.decode(row.payload))
        except Exception as error:  # noqa: BLE001  whatever a job raises, the others go on
            self.failed += 1
            log.warning("job failed", kind=row.kind, key=row.key, attempts=row.attempts + 1, error=str(error))
            again = self._clock.now() + backoff(row.attempts + 1)
            change: Update | Delete = sql_update(job).values(
                attempts=row.attempts + 1, run_at=again, error=str(error)[:1000]
            )
        else:
            self.done += 1
            change = delete(job)
        # A job asked anew while it ran has another time: it stays.
        async with self._db.writing() as connection:
            await connection.execute(change.where(job.c.id == row.id, job.c.run_at == row.run_at))

    async def _look(self) -> int | None:
        """Run all that is due; return when the next job is."""
        while (at := await self._next()) is not None and at <= self._clock.now():
            await self.run_due()
        return at

    async def _next(self) -> int | None:
        mine = select(func.min(job.c.run_at)).where(job.c.kind.in_(list(self._works)))
        async with self._db.reading() as connection:
            at: int | None = await connection.scalar(mine)
        return at

    async def run(self) -> None:
        """Run what falls due until cancelled."""
        await whenever(self._bell, self._look, self._clock)

"""The database: one writer at a time on SQLite, every transaction short; PostgreSQL speaks the same tables."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from threading import Thread
from typing import Any, Self
from weakref import WeakSet

from sqlalchemy import BigInteger, ColumnElement, Dialect, MetaData, Table, delete, event, select, tuple_
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.types import TypeDecorator

from verger.base.bell import Bell
from verger.base.clock import microseconds, moment
from verger.base.errors import Busy

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ENDING_S = 0.01
_AFTER, _DATABASE = "verger.after_commit", "verger.database"


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what the database keeps."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return what Python sees."""
        return None if value is None else moment(value)


class Database:
    """Connections to one database: many that read, one that writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Use an engine; `Database.open` makes one."""
        self.engine = engine
        self._writer = asyncio.Lock()
        self._sqlite = engine.dialect.name == "sqlite"
        self._ending: asyncio.Task[None] | None = None
        self._bells: dict[str, WeakSet[Bell]] = {}

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the database at a SQLAlchemy URL; nothing is connected yet."""
        engine = create_async_engine(
            url, poolclass=AsyncAdaptedQueuePool, pool_size=4, max_overflow=4, hide_parameters=True
        )
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "close", _end_sqlite)
        return cls(engine)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading; what it sees is one moment's state."""
        async with self.engine.connect() as connection:
            if self._sqlite:
                await connection.exec_driver_sql("BEGIN")
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give the one connection for writing; committed at the end, rolled back when anything is raised.

        Raises Busy where the disk is full.
        """
        if not self._sqlite:
            async with self.engine.begin() as connection:
                self._begun(connection)
                yield connection
                acts = connection.info.pop(_AFTER, ())
            for act in acts:
                act()
            return
        try:
            async with self._alone() as connection:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
                self._begun(connection)
                yield connection
                await connection.commit()
                acts = connection.info.pop(_AFTER, ())
        except OperationalError as error:
            if "disk is full" in str(error.orig):
                raise Busy("The disk is full, so nothing can be changed: free some space on it.", retry_s=5) from error
            raise
        for act in acts:
            act()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection while nobody else writes, until nothing of it goes on.

        Who is cancelled leaves a statement behind that its thread ends in its own time; till then the file is locked.
        """
        await self._writer.acquire()
        thread: Thread | None = None
        try:
            async with self.engine.connect() as connection:
                thread = (await connection.get_raw_connection()).driver_connection._thread  # type: ignore[union-attr]  # noqa: SLF001
                try:
                    yield connection
                finally:
                    if not connection.invalidated:
                        thread = None  # it goes on, for others
        finally:
            if thread is None or not thread.is_alive():
                self._writer.release()
            else:
                self._ending = asyncio.create_task(self._release(thread))

    async def _release(self, thread: Thread) -> None:
        while thread.is_alive():  # noqa: ASYNC110  a thread has no event
            await asyncio.sleep(_ENDING_S)
        self._writer.release()

    def _begun(self, connection: AsyncConnection) -> None:
        connection.info.pop(_AFTER, None)
        connection.info[_DATABASE] = self

    def bell(self, name: str) -> Bell:
        """Return a bell that rings for work of a kind, whoever commits it: see `rings`."""
        bell = Bell()
        self._bells.setdefault(name, WeakSet()).add(bell)
        return bell

    def ring(self, name: str) -> None:
        """Ring every bell for work of a kind."""
        for bell in self._bells.get(name, ()):
            bell.ring()

    async def rewrite(self) -> None:
        """Write the whole database anew, so that no page holds what was deleted; PostgreSQL does so by itself.

        Raises Busy where the disk is full. Nobody writes meanwhile.
        """
        if not self._sqlite:
            return
        try:
            async with self._alone() as connection:
                await connection.exec_driver_sql("VACUUM")
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        except OperationalError as error:
            if "disk is full" in str(error.orig):
                raise Busy("The disk is too full to rewrite the database: free some space.", retry_s=60) from error
            raise

    async def check(self) -> str:
        """Return "ok" when the database answers."""
        async with self.reading() as connection:
            await connection.execute(select(1))
        return "ok"

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def after_commit(connection: AsyncConnection, act: Callable[[], None]) -> None:
    """Do something once the transaction that is under way is on disk, and not at all should it not come to that."""
    connection.info.setdefault(_AFTER, []).append(act)


def rings(connection: AsyncConnection, name: str) -> None:
    """Ring the bells for work of a kind once the transaction that adds some is on disk."""
    after_commit(connection, partial(connection.info[_DATABASE].ring, name))


async def delete_some(connection: AsyncConnection, table: Table, *where: ColumnElement[bool], most: int = 500) -> int:
    """Delete the first few rows that fulfil all conditions, within the caller's transaction; return how many."""
    keys = list(table.primary_key.columns)
    rows = (await connection.execute(select(*keys).where(*where).limit(most))).all()
    if rows:
        await connection.execute(delete(table).where(tuple_(*keys).in_([tuple(row) for row in rows])))
    return len(rows)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Leave transactions to us, and make every commit durable."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own knows ASCII only: a search for ÄITI would not find äiti.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _end_sqlite(connection: Any, _record: Any) -> None:
    """Roll back what was cut short, on the connection's thread: only closed, it would stay locked by a cursor."""
    driver = connection.driver_connection
    if driver._connection is not None:  # noqa: SLF001
        driver._tx.put_nowait((None, driver._connection.rollback))  # noqa: SLF001


def _lower(text: str | None) -> str | None:
    return None if text is None else str(text).lower()

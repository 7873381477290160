"""One database: what it says when its disk is full."""

import asyncio
from threading import Event, Timer
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, String, Table, event, insert

from verger.base.db import Database
from verger.base.errors import Busy

word = Table("word", MetaData(), Column("word", String))


async def test_a_full_disk_is_told_as_busy_and_with_room_it_goes_on(db: Database) -> None:
    async with db.writing() as connection:
        await connection.run_sync(word.metadata.create_all)
        full = await connection.exec_driver_sql("PRAGMA page_count")
        pages = full.scalar_one()

    def bound(connection: object, most: int = pages) -> None:
        connection.execute(f"PRAGMA max_page_count={most}").close()  # type: ignore[attr-defined]

    await db.engine.dispose()
    event.listen(db.engine.sync_engine, "connect", lambda connection, _: bound(connection))
    with pytest.raises(Busy, match="The disk is full"):
        async with db.writing() as connection:
            await connection.execute(insert(word), [{"word": "x" * 10_000}])
    await db.engine.dispose()
    event.listen(db.engine.sync_engine, "connect", lambda connection, _: bound(connection, 10_000))
    async with db.writing() as connection:
        await connection.execute(insert(word), [{"word": "x" * 10_000}])


@pytest.mark.parametrize("times", [1, 3])
async def test_who_is_cut_short_in_a_long_statement_locks_nobody_out(db: Database, times: int) -> None:
    """Whoever writes next would give up after 10 ms; the statement that was left behind goes on for longer."""
    going, door = Event(), Event()

    def hold() -> int:
        going.set()
        return int(door.wait(20))

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 10").close()
        connection.create_function("hold", 0, hold)

    async def long() -> None:
        async with db.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE left_behind (a INTEGER)")
            await connection.exec_driver_sql("SELECT hold()")

    await db.close()
    event.listen(db.engine.sync_engine, "connect", prepare)
    task = asyncio.create_task(long())
    async with asyncio.timeout(20):
        while not going.is_set():  # noqa: ASYNC110  it is a thread's
            await asyncio.sleep(0)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        Timer(0.2, door.set).start()
        async with db.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE there (a INTEGER)")
    await asyncio.gather(task, return_exceptions=True)

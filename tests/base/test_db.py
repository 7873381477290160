"""One database: what it says when its disk is full."""

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

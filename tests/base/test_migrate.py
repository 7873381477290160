"""Migration."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

import verger.app  # noqa: F401  every table is known once everything is
from verger.base.db import Database, metadata
from verger.base.errors import Refused
from verger.base.migrate import _upgrade, migrate, newest


@pytest.fixture
def fresh(tmp_path: Path) -> Database:
    return Database.open(f"sqlite+aiosqlite:///{tmp_path / 'verger.db'}")


async def test_the_steps_lead_to_the_tables_that_the_stores_use(fresh: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await migrate(fresh)
    async with fresh.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    assert not await migrate(fresh)
    await fresh.close()


async def test_a_copy_is_kept_of_what_was_before_a_migration(
    fresh: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(fresh)
    async with fresh.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        await connection.execute(text("INSERT INTO follower VALUES ('history', 7)"))
    monkeypatch.setattr("verger.base.migrate._upgrade", lambda _connection: None)
    await migrate(fresh)
    await fresh.close()
    with sqlite3.connect(tmp_path / f"verger-before-0000-to-{newest()}.db") as copy:
        assert copy.execute("SELECT position FROM follower").fetchall() == [(7,)]
    copy.close()


async def test_what_is_cut_short_has_not_begun(fresh: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(connection: Connection) -> None:
        whole(connection)
        raise InterruptedError

    whole = _upgrade
    with monkeypatch.context() as patched:
        patched.setattr("verger.base.migrate._upgrade", cut_short)
        with pytest.raises(InterruptedError):
            await migrate(fresh)
    assert await migrate(fresh)
    await fresh.close()


async def test_a_database_of_a_newer_version_is_left_alone(fresh: Database) -> None:
    await migrate(fresh)
    async with fresh.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="newer Verger"):
        await migrate(fresh)
    await fresh.close()

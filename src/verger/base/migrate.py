"""Migration: brings a database to the shape this version needs, after keeping a copy of what was."""

import sqlite3
from pathlib import Path

import structlog
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url

from verger.base.db import Database
from verger.base.errors import Refused

_SCRIPTS = Path(__file__).parent / "migrations"

log = structlog.get_logger()


def newest() -> str:
    """Return the number of the last step, such as 0001."""
    return max(path.name[:4] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))


async def migrate(db: Database) -> bool:
    """Bring the database to the newest shape, wholly or not at all; return whether anything was done.

    Raise Refused for a newer one, Busy where the disk is full.
    """
    async with db.engine.connect() as connection:
        now = await connection.run_sync(_number)
    if now == newest():
        return False
    if now is not None and now > newest():
        raise Refused(f"The database was last used by a newer Verger (step {now}); start that version, or a newer one.")
    if now is not None and db.engine.dialect.name == "sqlite":
        copy = _copy(Path(make_url(db.engine.url).database or ""), now)
        log.info("the database was copied before its migration", copy=str(copy))
    async with db.writing() as connection:
        await connection.run_sync(_upgrade)
    log.info("the database was migrated", before=now, after=newest())
    return True


def _number(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _copy(path: Path, number: str) -> Path:
    copy = path.with_name(f"{path.stem}-before-{number}-to-{newest()}.db")
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    return copy


def _upgrade(connection: Connection) -> None:
    # Imported here: a start without a migration does without it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

"""What would take longer than most tests: shaping a database, and hashing passwords as slowly as people need it."""

import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from argon2 import PasswordHasher

from verger.base.db import Database, metadata
from verger.base.migrate import migrate

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def opened(path: Path) -> Database:
    """Return the database in a file."""
    return Database.open(f"sqlite+aiosqlite:///{path}")


class Shapes:
    """Keeps a database of each shape in a folder: it is made once, and each test has a copy."""

    def __init__(self, folder: Path) -> None:
        """Keep them there."""
        self._folder = folder

    async def with_tables(self, path: Path) -> None:
        """Lay a database with every table that has been imported."""
        await self._lay(path, f"tables-{len(metadata.tables)}", _create)  # they only ever become more

    async def migrated(self, db: Database) -> bool:
        """Bring a database to the newest shape, as `migrate` does; where there is none yet, lay one that is there."""
        if (path := _nowhere_yet(db)) is not None:
            await self._lay(path, "migrated", migrate)
        return await migrate(db)

    async def _lay(self, path: Path, name: str, shape: Callable[[Database], Awaitable[object]]) -> None:
        kept = self._folder / f"{name}.db"
        if not kept.exists():
            begun = self._folder / f"{name}-{os.urandom(4).hex()}.db"
            database = opened(begun)
            await shape(database)
            await database.close()
            begun.rename(kept)
        shutil.copyfile(kept, path)


def _nowhere_yet(db: Database) -> Path | None:
    """Return where a database will be; None where it is already."""
    path = Path(db.engine.url.database or "")
    return None if path.exists() else path


async def _create(database: Database) -> None:
    async with database.writing() as connection:
        await connection.run_sync(metadata.create_all)


@contextmanager
def quickened(shapes: Shapes) -> Iterator[None]:
    """Let the product copy a fresh database, and hash in no time."""
    with ExitStack() as stack:
        stack.enter_context(patch("verger.domain.tenancy.passwords.USUAL", QUICK))
        if "verger.app.stores" in sys.modules:  # a run that does without the product need not import it
            stack.enter_context(patch("verger.app.stores.migrate", shapes.migrated))
        yield

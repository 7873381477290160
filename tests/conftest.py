"""What every test may ask for: a held clock and a fresh, real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from verger.base.clock import HeldClock
from verger.base.db import Database, metadata

# a busy machine is no reason to fail
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def clock() -> HeldClock:
    """Return a clock that stands still."""
    return HeldClock()


@pytest_asyncio.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """Give a fresh database with every table that has been imported."""
    database = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'verger.db'}")
    async with database.writing() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()

"""What every test may ask for: a held clock and a fresh, real database."""

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck, settings

from tests.quick import Shapes, opened, quickened
from verger.base.clock import HeldClock
from verger.base.db import Database

# a busy machine is no reason to fail
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# the usual form of a failure shows the values in every frame, which takes longer than most tests
_PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what stays anyhow: modules and tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Shapes:
    """Return where shaped databases are kept."""
    return Shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="session", autouse=True)
def _quickened(shapes: Shapes) -> Iterator[None]:
    with quickened(shapes):
        yield


@pytest.fixture
def clock() -> HeldClock:
    """Return a clock that stands still."""
    return HeldClock()


@pytest_asyncio.fixture
async def db(tmp_path: Path, shapes: Shapes) -> AsyncIterator[Database]:
    """Give a fresh database with every table that has been imported."""
    await shapes.with_tables(tmp_path / "verger.db")
    database = opened(tmp_path / "verger.db")
    yield database
    await database.close()

"""A broker, and the product beside it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.edges.wire.bridge.broker import Broker
from tests.edges.wire.bridge.sides import Side, opened, side_of


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path).start()
    yield made
    made.stop()


@pytest_asyncio.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    tokens: dict[str, str] = {}
    async with opened(tmp_path / "data", tokens) as there, side_of(there, tokens["owner"]) as found:
        yield found

"""The town that simulated devices of families live in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.simulator.town import Town, town_at
from verger.base.clock import HeldClock


@pytest_asyncio.fixture
async def town(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Town]:
    async with town_at(tmp_path / "data", clock) as opened:
        yield opened

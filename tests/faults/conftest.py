"""A server on a weak machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import conftest as e2e
from tests.e2e.home import Home
from tests.faults.weak import Weakness

serve, settle, home, small_disk = e2e.serve, e2e.settle, e2e.home, e2e.small_disk


@pytest.fixture
def weakness(tmp_path: Path) -> Iterator[Weakness]:
    """Return what is wrong with the machine: nothing yet."""
    weakness = Weakness(tmp_path)
    yield weakness
    weakness.heal()


@pytest.fixture
def weak_home(serve: e2e.Serve, settle: e2e.Settle, weakness: Weakness) -> Home:
    """Return a home on a machine that may become weak."""
    return settle(serve(surroundings=weakness.surroundings))

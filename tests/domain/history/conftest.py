"""A folder for a history, and small parts, so that a few rows go through all that millions would."""

from collections.abc import Iterator
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from verger.domain.history import compaction, hourly, query, upkeep

SMALL = {"PART_ROWS": 16, "BAND_ROWS": 20, "SLICE_ROWS": 12, "SLICE_LOTS": 3}

SMALL_UPKEEP = {"UNIT_SERIES": 2, "UNIT_ROWS": 24, "HEAVY_ROWS": 8, "MOST_OF_HOUR": 2, "UNIT_IDS": 5, "SLICE_CHUNKS": 3}


@pytest.fixture
def small() -> Iterator[None]:
    """Make parts, slices and readings of chunks small."""
    with ExitStack() as stack:
        for name, size in SMALL.items():
            stack.enter_context(patch.object(compaction, name, size))
        for name, size in SMALL_UPKEEP.items():
            stack.enter_context(patch.object(upkeep, name, size))
        stack.enter_context(patch.object(hourly, "FEWEST", 2))
        stack.enter_context(patch.object(query, "ROWS_AT_ONCE", 4))
        yield

"""Bucket widths are round, and never cut a span into more buckets than asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verger.base.clock import DAY, HOUR, MINUTE, SECOND
from verger.domain.history.model import Damage, width_for

START = 1_800_000_000 * SECOND


@pytest.mark.parametrize(
    ("span", "points", "width"),
    [
        (HOUR, 500, 10 * SECOND),
        (DAY, 500, 3 * MINUTE),
        (7 * DAY, 500, 30 * MINUTE),
        (365 * DAY, 500, DAY),
        (365 * DAY, 9000, HOUR),
        (3650 * DAY, 500, 8 * DAY),
        (1000, 500, SECOND // 1000),
    ],
)
def test_a_width_is_round(span: int, points: int, width: int) -> None:
    start = START // DAY * DAY
    assert width_for(start, start + span, points) == width


@given(st.integers(0, 2**52), st.integers(1, 2**52), st.integers(1, 100_000))
def test_there_are_never_more_buckets_than_asked_for(start: int, span: int, points: int) -> None:
    width = width_for(start, start + span, points)
    assert (start + span - 1) // width - start // width + 1 <= points


def test_a_damaged_chunk_is_named() -> None:
    assert str(Damage("2026-11.db", "bad", 7, 498_000, 0)) == (
        "A chunk of the history cannot be read (2026-11.db, series 7, hour 498000, part 0): bad."
    )

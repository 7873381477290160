"""The hot buffer keeps order of arrival, finds one series fast, and never moves what a view reads."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from verger.domain.history.hot import MOST_LOOSE, ROW_BYTES, Columns, Hot
from verger.domain.history.model import Readings

ROWS = st.lists(st.tuples(st.integers(0, 2**17), st.integers(0, 20)), max_size=60)


def columns(rows: list[tuple[int, int]]) -> Columns:
    series, at = zip(*rows, strict=True) if rows else ((), ())
    return Columns(np.array(series, np.uint32), np.array(at, np.int64), np.arange(len(rows), dtype=np.float64))


def plain(readings: Readings) -> list[tuple[int, float]]:
    return list(zip(readings.at.tolist(), readings.value.tolist(), strict=True))


@given(ROWS, st.integers(1, 100))
def test_a_series_is_found_in_order_of_arrival_wherever_its_rows_lie(rows: list[tuple[int, int]], room: int) -> None:
    hot = Hot(room)
    hot.take(columns(rows), now=0)
    for wanted in {series for series, _ in rows}:
        expected = [(at, float(i)) for i, (series, at) in enumerate(rows) if series == wanted]
        assert plain(hot.view().of(wanted)) == expected


def test_a_view_shows_what_was_there_when_it_was_made() -> None:
    hot = Hot(64)
    hot.take(columns([(1, 1), (2, 2), (1, 3)]), now=0)
    view = hot.view()
    hot.take(columns([(1, at) for at in range(100)]), now=0)
    assert plain(view.of(1)) == [(1, 0.0), (3, 2.0)]


def test_what_is_forgotten_is_gone_from_runs_and_tail() -> None:
    hot = Hot(64)
    hot.take(columns([(1 + at % 2, at) for at in range(20)]), now=0)
    hot.forget(1)
    assert (len(hot.view().of(1)), len(hot.view().of(2))) == (0, 10)


def test_it_is_full_before_it_takes_more_than_its_bound() -> None:
    hot = Hot(1000)
    while not hot.full:
        hot.take(columns([(1, 1)]), now=0)
    assert 1000 * 0.7 < len(hot) <= 1000
    assert hot.bytes <= 1000 * ROW_BYTES


def test_one_record_larger_than_the_bound_is_taken_all_the_same() -> None:
    hot = Hot(100)
    hot.take(columns([(at % 7, at) for at in range(1000)]), now=0)
    assert len(hot.view().of(3)) == 143


def test_an_idle_buffer_uses_but_its_tail() -> None:
    assert Hot(1_600_000).bytes == MOST_LOOSE * ROW_BYTES

"""The latest reading is that with the greatest time, and of equal times the first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from verger.domain.history.latest import Latest, packed, unpacked

BATCHES = st.lists(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 5)), min_size=1, max_size=20), max_size=5)


def told(batches: list[list[tuple[int, int]]]) -> tuple[Latest, dict[int, tuple[int, float]]]:
    latest, oracle, arrival = Latest(), dict[int, tuple[int, float]](), 0
    for batch in batches:
        value = np.arange(arrival, arrival + len(batch), dtype=np.float64)
        series, at = (np.array(column) for column in zip(*batch, strict=True))
        latest.take(series.astype(np.uint32), at, value)
        for (number, when), each in zip(batch, value.tolist(), strict=True):
            if number not in oracle or when > oracle[number][0]:
                oracle[number] = (when, each)
        arrival += len(batch)
    return latest, oracle


@given(BATCHES)
def test_it_is_what_a_dictionary_would_tell(batches: list[list[tuple[int, int]]]) -> None:
    latest, oracle = told(batches)
    asked = [0, 1, 5000, *oracle]
    assert latest.of(asked) == [oracle.get(number) for number in asked]


@given(BATCHES)
def test_a_snapshot_brings_it_back(batches: list[list[tuple[int, int]]]) -> None:
    latest, oracle = told(batches)
    assert Latest(unpacked(packed(latest.snapshot()))).of([*oracle]) == [*oracle.values()]


def test_a_forgotten_series_has_none() -> None:
    latest, _ = told([[(7, 1)]])
    latest.forget(7)
    latest.forget(100_000)
    assert latest.of([7]) == [None]

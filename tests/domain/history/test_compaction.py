"""Compaction writes a reading but a few times, keeps parts apart, and its transactions small."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.domain.history.oracle import Row, columns
from verger.base.clock import HOUR, SECOND
from verger.domain.history.chunks import Change, Chunks
from verger.domain.history.codec import decode
from verger.domain.history.compaction import PART_ROWS, SLICE_LOTS, SLICE_ROWS, compact
from verger.domain.history.grain import Found
from verger.domain.history.hot import Columns

NOW = 1_800_000_000 * SECOND // HOUR * HOUR


class Counted(Chunks):
    """Counts what is written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, lambda damage: pytest.fail(str(damage)))
        self.changes: list[Change] = []

    def change(self, change: Change) -> None:
        """Count and do it."""
        self.changes.append(change)
        super().change(change)

    @property
    def written(self) -> int:
        """Return the readings written so far, each as often as it was."""
        return sum(int(change.heads["n"].sum()) for change in self.changes)

    def parts(self, series: int) -> Found:
        """Return the parts of the hour."""
        (month,) = self.files.all_months()
        with self.reading(month) as file:
            return file.found([series], NOW, NOW + HOUR)[1]

    def put(self, rows: Columns) -> None:
        """Compact rows; damage is a failure."""
        compact(self, rows, now=NOW, go_on=lambda: None)


@pytest.fixture
def chunks(tmp_path: Path) -> Iterator[Counted]:
    chunks = Counted(tmp_path)
    yield chunks
    chunks.files.close()


def lot(first: int, rows: int, every: int = 1000, series: Sequence[int] = (7,)) -> Columns:
    at = NOW + (first + np.arange(rows)) * every
    numbers = np.repeat(np.array(series, np.uint32), rows)
    return Columns(numbers, np.tile(at, len(series)), np.tile(np.arange(rows, dtype=np.float64), len(series)))


def test_a_reading_is_written_a_few_times_only_however_often_its_hour_grows(chunks: Counted) -> None:
    for flush in range(64):
        chunks.put(lot(flush * 500, 500))
    assert chunks.written <= 64 * 500 * 6
    assert len(chunks.parts(7).ids) <= 10


def test_parts_never_overlap_whatever_comes_late(chunks: Counted) -> None:
    for flush, first in enumerate([0, 40_000, 20_000, 39_000, 5, 60_000, 19_500]):
        chunks.put(lot(first, 600 + flush))
    heads = chunks.parts(7).heads
    assert (heads["tmin"][1:] > heads["tmax"][:-1]).all()


def test_a_large_part_is_left_alone_by_readings_that_follow_it(chunks: Counted) -> None:
    chunks.put(lot(0, 5000))
    before = chunks.written
    chunks.put(lot(5000, 10))
    assert chunks.written - before == 10


def test_more_readings_than_a_part_may_have_become_several(chunks: Counted) -> None:
    chunks.put(lot(0, 3 * PART_ROWS + 1, every=100))
    assert chunks.parts(7).heads["n"].max() <= PART_ROWS


def test_the_same_readings_again_write_nothing(chunks: Counted) -> None:
    for _ in range(2):
        chunks.put(lot(0, 700, series=range(20)))
    assert chunks.written == 20 * 700


def test_a_transaction_has_no_more_than_a_slice(chunks: Counted) -> None:
    chunks.put(lot(0, 20, series=range(2 * SLICE_LOTS)))
    chunks.put(lot(20, 2000, series=range(50)))
    assert max(len(change.ids) for change in chunks.changes) <= SLICE_LOTS
    assert max(int(change.heads["n"].sum()) for change in chunks.changes) <= SLICE_ROWS


def test_one_late_reading_for_each_large_part_opens_a_bounded_number_at_a_time(chunks: Counted) -> None:
    series = range(40)
    chunks.put(lot(0, 4000, every=1000, series=series))
    chunks.changes.clear()
    late: list[Row] = [(each, NOW + 500, -1.0) for each in series]
    chunks.put(Columns(*columns(late)))
    assert chunks.written == 40 * 4001
    assert max(int(change.heads["n"].sum()) for change in chunks.changes) <= SLICE_ROWS
    found = chunks.parts(39)
    with chunks.reading(chunks.files.all_months()[0]) as file:
        assert decode(found.heads, file.bodies(found)).value[1] == -1.0


def test_a_file_that_was_not_finished_is_finished_when_next_opened(tmp_path: Path) -> None:
    (tmp_path / "2027-01.db").touch()
    again = Counted(tmp_path)
    again.put(lot(0, 10))
    assert again.parts(7).heads["n"].tolist() == [10]
    again.files.close()

"""Parquet files, read by somebody else's reader."""

import math
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verger.base.parquet import Column, Kind, Runs, Writer

COLUMNS = [Column("who", Kind.text), Column("time", Kind.instant), Column("value", Kind.double)]
Group = tuple[Runs, list[int], list[float]]


@pytest.fixture
def duckdb() -> Any:
    return pytest.importorskip("duckdb")


def written(path: Path, *groups: Group) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, COLUMNS)
        for who, at, value in groups:
            writer.write([who, np.array(at, np.int64), np.array(value, np.float64)])
        writer.close()
    return path


def rows(duckdb: Any, path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        found = connection.execute("SELECT who, epoch_us(time), value FROM read_parquet(?)", [str(path)])
        return [tuple(row) for row in found.fetchall()]


def test_comes_back_to_the_last_bit(duckdb: Any, tmp_path: Path) -> None:
    values = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, 2.0**53 + 2, math.pi]
    at = [-1, 0, 1, 946_684_800_000_000, 1_800_000_000_123_456, 2**52, 2**52 + 1]
    path = written(tmp_path / "a.parquet", ([("Ä ☂", 3), ("b", 4)], at, values))
    found = rows(duckdb, path)
    assert [who for who, _, _ in found] == ["Ä ☂"] * 3 + ["b"] * 4
    assert [time for _, time, _ in found] == at
    assert [value.hex() for _, _, value in found] == [value.hex() for value in values]


def test_groups_stand_one_after_the_other(duckdb: Any, tmp_path: Path) -> None:
    names = [f"device {n}" for n in range(300)]
    groups = [([(name, 2) for name in names], list(range(600)), [float(n)] * 600) for n in range(20)]
    path = written(tmp_path / "a.parquet", *groups)
    found = rows(duckdb, path)
    assert len(found) == 12_000
    assert found[599] == ("device 299", 599, 0.0)
    assert found[600] == ("device 0", 0, 1.0)


def test_a_text_that_comes_again_stands_once_in_the_dictionary(duckdb: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", ([("a", 1), ("b", 1), ("a", 2)], [1, 2, 3, 4], [0.0] * 4))
    assert [who for who, _, _ in rows(duckdb, path)] == ["a", "b", "a", "a"]


def test_a_file_without_rows_can_be_read(duckdb: Any, tmp_path: Path) -> None:
    assert rows(duckdb, written(tmp_path / "a.parquet")) == []


def test_times_are_instants_of_utc_and_can_be_looked_for(duckdb: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", ([("a", 2)], [1_000_000, 2_000_000], [1.0, 2.0]))
    with duckdb.connect() as connection:
        kinds = dict(connection.execute("SELECT name, logical_type FROM parquet_schema(?)", [str(path)]).fetchall())
        bounds = connection.execute(
            "SELECT stats_min_value, stats_max_value FROM parquet_metadata(?) WHERE path_in_schema = 'time'",
            [str(path)],
        ).fetchone()
    assert "isAdjustedToUTC=1" in str(kinds["time"])
    assert "MICROS" in str(kinds["time"])
    assert "STRING" in str(kinds["who"]).upper()
    assert [str(bound)[:19] for bound in bounds] == ["1970-01-01 00:00:01", "1970-01-01 00:00:02"]


def test_only_the_footer_grows_in_memory() -> None:
    def kept_for(groups: int) -> int:
        """Return what remains in memory of so many groups of a mebibyte."""
        with Path(os.devnull).open("wb") as nothing:
            writer = Writer(nothing, COLUMNS)
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(groups):
                writer.write([[("a", 65_536)], np.arange(65_536), np.zeros(65_536)])
            return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        assert kept_for(20) < 200_000  # other threads of the run have their share in it
    finally:
        tracemalloc.stop()

"""Rows of results, the screens of the live bench, and what is told of a long run."""

import math

from bench.rig import results, watch
from bench.rig.screens import _end_of


def test_a_table_has_a_line_for_each_row_and_leaves_out_what_is_not_known() -> None:
    shown = results.show([{"who": "a", "rate": 12345.6, "ms": 0.5, "kept": True}, {"who": "b", "rate": 7, "ms": None}])
    assert shown.splitlines()[2:] == ["| a | 12,346 | 0.50 | True |", "| b | 7 |  |"]


def test_medians_are_by_subject_and_keep_what_is_no_number() -> None:
    rows: list[dict[str, results.Cell]] = [{"who": "a", "n": n, "kept": True} for n in (1, 9, 2)]
    assert results.medians([*rows, {"who": "b", "n": 5, "kept": None}], "who") == [
        {"who": "a", "n": 2, "kept": True},
        {"who": "b", "n": 5, "kept": None},
    ]


def test_a_quantile_is_one_of_the_values_and_of_nothing_no_number() -> None:
    assert results.quantile([3, 1, 2], 0.99) == 3
    assert results.quantile([3, 1, 2], 0.5) == 2
    assert math.isnan(results.quantile([], 0.5))


def test_a_frame_ends_where_its_length_says_and_beyond_the_data_while_it_is_not_all_there() -> None:
    short, long_, longest = b"\x81\x03abc", b"\x81\x7e\x01\x00" + bytes(256), b"\x81\x7f" + (1 << 16).to_bytes(8, "big")
    assert _end_of(short, 0) == 5
    assert _end_of(short + long_, 5) == len(short + long_)
    assert _end_of(longest, 0) == 10 + (1 << 16)
    assert all(_end_of(long_[:size], 0) > size for size in range(4))


def test_a_long_run_is_told_by_its_fifths_and_its_longest_lag() -> None:
    looks: list[dict[str, results.Cell]] = [{"rss_mb": 100 + n, "lag_s": 0.5 if n == 3 else 0.0} for n in range(10)]
    assert watch.told(looks) == (
        "Most memory in each fifth of the run: 101, 103, 105, 107, 109 MB. Longest lag: 0.5 s (promised: 2)."
    )

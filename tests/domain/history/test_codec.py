"""Chunks give back every bit, stay small, and notice when they were damaged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verger.domain.history.codec import HEAD, VERSION, Damaged, broken, decode, encode, heads_of, seal
from verger.domain.history.model import Readings

BITS = st.integers(0, 2**64 - 1).map(lambda bits: float(np.uint64(bits).view(np.float64)))
VALUES = st.one_of(
    BITS,
    st.sampled_from([-0.0, 0.0, 5e-324, -5e-324, float("inf"), float("-inf"), 1.7976931348623157e308, 2.0**53, 1e-9]),
    st.decimals(-1000, 1000, places=2).map(float),
    st.integers(-(2**63), 2**63).map(float),
)
TIMES = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 40).map(lambda n: 1_800_000_000_000_000 + n * 1000))
CHUNK = st.lists(TIMES, min_size=1, max_size=12, unique=True).flatmap(
    lambda at: st.tuples(st.just(sorted(at)), st.lists(VALUES, min_size=len(at), max_size=len(at)))
)


def columns(chunks: list[tuple[list[int], list[float]]]) -> tuple[Readings, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    lengths = [len(at) for at, _ in chunks]
    at = np.array([each for at, _ in chunks for each in at], np.int64)
    value = np.array([each for _, values in chunks for each in values], np.float64)
    return Readings(at, value), np.cumsum([0, *lengths[:-1]])


def same_bits(one: Readings, other: Readings) -> bool:
    return one.at.tobytes() == other.at.tobytes() and one.value.tobytes() == other.value.tobytes()


@given(st.lists(CHUNK, min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_every_time_and_every_bit_of_every_value_comes_back(chunks: list[tuple[list[int], list[float]]]) -> None:
    given_, starts = columns(chunks)
    assert same_bits(decode(*encode(given_.at, given_.value, starts)), given_)


@given(st.lists(CHUNK, min_size=2, max_size=5), st.data())
@settings(max_examples=50, deadline=None)
def test_a_chunk_decodes_by_itself_as_it_does_among_others(
    chunks: list[tuple[list[int], list[float]]], data: st.DataObject
) -> None:
    given_, starts = columns(chunks)
    which = data.draw(st.integers(0, len(chunks) - 1))
    heads, bodies = encode(given_.at, given_.value, starts)
    assert same_bits(decode(heads[which : which + 1], [bodies[which]]), columns([chunks[which]])[0])


def test_the_head_sums_up_the_chunk() -> None:
    heads, _ = encode(np.array([3, 5, 9]), np.array([2.5, -1.0, 0.5]), np.array([0]))
    told = {name: heads[name][0].item() for name in ("version", "n", "tmin", "tmax", "vmin", "vmax", "vsum", "vlast")}
    assert told == {
        "version": VERSION,
        "n": 3,
        "tmin": 3,
        "tmax": 9,
        "vmin": -1.0,
        "vmax": 2.5,
        "vsum": 2.0,
        "vlast": 0.5,
    }


def test_a_reading_of_a_sensor_takes_less_than_three_bytes() -> None:
    noise = np.random.default_rng(1)
    at = 1_800_000_000_000_000 + np.arange(360) * 10_000_000 + noise.integers(0, 21, 360) * 1000
    value = np.round(21 + np.sin(np.arange(360) / 50) + noise.normal(0, 0.05, 360), 2)
    heads, bodies = encode(at, value, np.array([0]))
    assert len(bodies[0]) + heads.nbytes < 2 * 360


def test_a_value_that_stands_still_takes_no_room() -> None:
    heads, bodies = encode(np.arange(8640) * 10_000_000, np.full(8640, 1.0), np.array([0]))
    assert (heads["n"][0], bodies) == (8640, [b""])


@pytest.mark.parametrize("field", [name for name in HEAD.names or () if name != "version"])
def test_a_head_that_changed_is_noticed(field: str) -> None:
    heads, _ = encode(np.arange(4) * 7, np.arange(4.0), np.array([0]))
    seal(heads, [None])
    assert broken(heads, [None]) == []
    heads[field] = heads[field] + 1
    assert broken(heads, [None]) == [(0, "its head does not match its checksum")]


def test_a_summary_that_changed_is_noticed_with_the_head() -> None:
    heads, _ = encode(np.arange(4) * 7, np.arange(4.0), np.array([0, 2]))
    seal(heads, [b"some", None])
    assert [which for which, _ in broken(heads, [b"none", None])] == [0]


def test_a_body_that_changed_is_noticed_and_told_which() -> None:
    heads, bodies = encode(np.arange(100) ** 2, np.arange(100.0) ** 0.5, np.array([0, 50]))
    with pytest.raises(Damaged) as damaged:
        decode(heads, [bodies[0], bodies[1][:-1] + bytes([bodies[1][-1] ^ 1])])
    assert damaged.value.which == 1


def test_a_version_of_the_future_is_named() -> None:
    heads, _ = encode(np.arange(4), np.arange(4.0), np.array([0]))
    heads["version"] = 3
    assert broken(heads, [None]) == [(0, "its version is 3, known are 1 and 2")]


def test_a_head_that_was_cut_is_noticed() -> None:
    assert broken(heads_of([b"short"]), [None]) == [(0, "its version is 0, known are 1 and 2")]

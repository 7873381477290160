"""Records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.telemetry.batches import AT, batch, contents
from verger.base.errors import Invalid
from verger.domain.telemetry.model import Attributes, Batch, Told
from verger.domain.telemetry.record import HEAD, Unreadable, fits, pack, read_head, seal, unpack


@given(st.integers(0, 1000), st.integers(0, 50), st.integers(0, 4), st.integers(1, 2**63))
def test_what_is_packed_is_unpacked_to_the_last_bit(seed: int, rows: int, told: int, sequence: int) -> None:
    said = batch(seed, rows, told)
    again = unpack(sequence, pack(said))
    assert contents(again) == contents(said)
    assert again.sequence == sequence


def test_odd_numbers_survive() -> None:
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    said = Batch(AT, np.arange(5, dtype=np.uint32), np.arange(5, dtype=np.int64), values)
    assert contents(unpack(1, pack(said))) == contents(said)


def test_a_column_in_strides_is_kept_as_it_reads() -> None:
    every_second = np.arange(10.0)[::2]
    said = Batch(AT, np.arange(5, dtype=np.uint32), np.arange(5, dtype=np.int64), every_second)
    assert unpack(1, pack(said)).value.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_a_whole_number_beyond_64_bits_is_kept_as_a_float() -> None:
    told = Told("tenant", "device", Attributes({"counts": [10**30, 7], "far": {"too": -(10**400)}}))
    nothing = np.zeros(0)
    empty = Batch(AT, nothing.astype(np.uint32), nothing.astype(np.int64), nothing, (told,))
    said = unpack(1, pack(empty)).told[0].said
    assert said == Attributes({"counts": [1e30, 7], "far": {"too": str(-(10**400))}})


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(Invalid, match="different lengths"):
        pack(Batch(AT, np.arange(2, dtype=np.uint32), np.arange(3, dtype=np.int64), np.arange(3.0)))


def test_a_batch_that_is_too_large_is_refused() -> None:
    rows = 4_000_000
    with pytest.raises(Invalid, match="may take 64 MiB"):
        pack(Batch(AT, np.zeros(rows, np.uint32), np.zeros(rows, np.int64), np.zeros(rows)))


def test_any_flipped_bit_is_noticed() -> None:
    body = pack(batch(1, 2, 1))
    record = seal(7, body, 99) + body
    for bit in range(8 * len(record)):
        flipped = bytearray(record)
        flipped[bit // 8] ^= 1 << bit % 8
        head = read_head(bytes(flipped[:HEAD]))
        rest = bytes(flipped[HEAD:])
        assert head is None or head[1] != len(rest) or not fits(head[0], rest, 99, head[2])


def test_a_record_of_another_segment_does_not_fit() -> None:
    body = pack(batch(1))
    head = read_head(seal(7, body, 99))
    assert head
    assert fits(7, body, 99, head[2])
    assert not fits(7, body, 98, head[2])


@pytest.mark.parametrize("body", [b"", b"\0" * 11, b"\0" * 8 + b"\5\0\0\0" + b"\0" * 99, b"\0" * 12 + b"\x91\xc0"])
def test_a_body_that_makes_no_sense_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(1, body)

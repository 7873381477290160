"""What is sealed opens with its passphrase, whole or not at all."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verger.domain.backups.sealing import HEAD, Cost, Seal, Unopened

CHEAP = Cost(log_n=4, r=8, p=1)
SEAL = Seal(b"apples", cost=CHEAP)
PIECE = 1 << 20


def sealed(plain: bytes, seal: Seal = SEAL) -> bytes:
    return b"".join(seal.seal(io.BytesIO(plain).read))


def opened(stream: bytes, seal: Seal = SEAL) -> bytes:
    return b"".join(seal.open(io.BytesIO(stream).read))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_a_stream_of_any_size_comes_back(size: int) -> None:
    plain = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    stream = sealed(plain)
    assert opened(stream) == plain
    assert plain[:64] not in stream or size < 4


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_is_found(place: int, bit: int) -> None:
    stream = bytearray(sealed(b"pears" * 100))
    stream[place % len(stream)] ^= 1 << bit
    with pytest.raises(Unopened):
        opened(bytes(stream))


def test_pieces_cannot_be_left_out_moved_or_cut_off() -> None:
    stream = sealed(bytes(3 * PIECE))
    head, whole = stream[:HEAD], PIECE + 16
    first, second, third = (stream[HEAD + n * whole : HEAD + (n + 1) * whole] for n in range(3))
    for wrong in (first + second, first + third, second + first + third, first, b"", first + second + third + third):
        with pytest.raises(Unopened):
            opened(head + wrong)


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(Unopened):
        opened(sealed(b"plums"), Seal(b"pears", SEAL.salt, CHEAP))


def test_a_stream_opens_though_it_was_sealed_with_another_salt() -> None:
    assert opened(sealed(b"plums"), Seal(b"apples", cost=CHEAP)) == b"plums"


def test_contents_have_one_name_by_one_passphrase_and_salt() -> None:
    again = Seal(b"apples", SEAL.salt, CHEAP)
    assert again.name(b"1" * 32) == SEAL.name(b"1" * 32) != Seal(b"apples", cost=CHEAP).name(b"1" * 32)


def test_what_asks_for_too_much_memory_is_no_stream_of_ours() -> None:
    stream = bytearray(sealed(b"plums"))
    stream[6] = 40
    with pytest.raises(Unopened):
        opened(bytes(stream))

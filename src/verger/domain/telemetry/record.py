"""A record of the log: magic, sequence, length and CRC32, then the columns of one batch; pure."""

import struct
import zlib
from collections.abc import Callable
from struct import Struct as Layout
from typing import Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from verger.base.errors import Invalid
from verger.domain.telemetry.model import Batch, Told

MAGIC = b"\xf7VL\x01"
MOST_BYTES = 64 << 20  # of one record: what says it is longer is no record
_HEAD = Layout("<4sQII")  # magic, sequence, length of the body, CRC32 of body, sequence and length
_NUMBERS = Layout("<QI")
_FIRST = Layout("<qI")  # received_at, n
HEAD = _HEAD.size
_ROW = 20  # uint32 series, int64 at, float64 value
_WIDEST = range(-(1 << 63), 1 << 64)  # of a whole number in msgpack

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Told, ...])


class Unreadable(Exception):
    """The checksum fits and yet the words make no sense: another version of Verger wrote them."""


def pack(batch: Batch) -> bytes:
    """Return the body of a batch's record; raise Invalid for what no record can hold."""
    n = len(batch.series)
    if not n == len(batch.at) == len(batch.value):
        raise Invalid("The columns of a batch are of different lengths.")
    body = b"".join(
        (
            _FIRST.pack(batch.received_at, n),
            _column(batch.series, "<u4"),
            _column(batch.at, "<i8"),
            _column(batch.value, "<f8"),
            _words(batch.told) if batch.told else b"",
        )
    )
    if len(body) > MOST_BYTES:
        raise Invalid(f"A batch may take {MOST_BYTES >> 20} MiB; this one takes {len(body) >> 20}.")
    return body


def unpack(sequence: int, body: bytes) -> Batch:
    """Return the batch that a record's body holds; raise Unreadable."""
    try:
        received_at, n = _FIRST.unpack_from(body)
        at = _FIRST.size + 4 * n
        value = at + 8 * n
        told = value + 8 * n
        return Batch(
            received_at=received_at,
            # Copied, so that columns are aligned and do not keep the body in memory.
            series=np.frombuffer(body, "<u4", n, _FIRST.size).astype(np.uint32),
            at=np.frombuffer(body, "<i8", n, at).astype(np.int64),
            value=np.frombuffer(body, "<f8", n, value).astype(np.float64),
            told=_decoder.decode(memoryview(body)[told:]) if told < len(body) else (),
            sequence=sequence,
        )
    except (struct.error, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def seal(sequence: int, body: bytes, salt: int = 0) -> bytes:
    """Return the head that makes a body the record of this sequence, in a segment of this salt."""
    return _HEAD.pack(MAGIC, sequence, len(body), _checksum(sequence, body, salt))


def read_head(head: bytes) -> tuple[int, int, int] | None:
    """Return sequence, length of the body and checksum, or None if no record begins so."""
    if len(head) < HEAD:
        return None
    magic, sequence, length, checksum = _HEAD.unpack(head)
    return (sequence, length, checksum) if magic == MAGIC and length <= MOST_BYTES else None


def fits(sequence: int, body: bytes, salt: int, checksum: int) -> bool:
    """Return whether a body is as it was written, and into this segment."""
    return _checksum(sequence, body, salt) == checksum


def without(record: bytes, rows: Callable[[Batch], NDArray[np.bool_]], told: Callable[[Told], bool]) -> bytes | None:
    """Return a record without some rows and some that was told, None if nothing else is in it; raise Unreadable."""
    head = read_head(record[:HEAD])
    if head is None:
        raise Unreadable("It does not begin as a record does.")
    batch = unpack(head[0], record[HEAD:])
    stays = ~rows(batch)
    others = tuple(each for each in batch.told if not told(each))
    if stays.all() and len(others) == len(batch.told):
        return record
    if not stays.any() and not others:
        return None
    body = pack(Batch(batch.received_at, batch.series[stays], batch.at[stays], batch.value[stays], others))
    return seal(batch.sequence, body) + body


def _checksum(sequence: int, body: bytes, salt: int) -> int:
    return zlib.crc32(_NUMBERS.pack(sequence, len(body)), zlib.crc32(body, salt))


def _column(column: NDArray[Any], kind: DTypeLike) -> memoryview:
    return np.ascontiguousarray(column, dtype=kind).data


def _words(told: tuple[Told, ...]) -> bytes:
    try:
        return _encoder.encode(told)
    except OverflowError:
        return _encoder.encode(_narrowed(msgspec.to_builtins(told)))
    except RecursionError as error:
        raise Invalid("What was told is nested too deeply to be kept.") from error


def _narrowed(value: Any) -> Any:
    """Return JSON with whole numbers beyond 64 bits as floats, as every other reader of JSON takes them."""
    match value:
        case dict():
            return {key: _narrowed(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_narrowed(inner) for inner in value]
        case int() if value not in _WIDEST:
            return float(value) if abs(value) < 1 << 1023 else str(value)
        case _:
            return value

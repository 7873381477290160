"""Writing Parquet: one group of rows after the other, none kept in memory but what the footer says of each.

Three kinds of column, all of them required: texts in runs, instants in microseconds of UTC, and float64. A text is
written once a group, in a dictionary, and its rows as one run. Everything is compressed with Zstandard. The format:
parquet-format 2.10, pages of version 1, which every reader knows.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import zstandard
from msgspec import Struct
from numpy.typing import NDArray

from verger import __version__
from verger.base.compact import I32, I64, Fields, Packed, packed, varint

MAGIC = b"PAR1"
_ZSTD, _REQUIRED = I32(6), I32(0)
_INT64, _DOUBLE, _BYTES = I32(2), I32(5), I32(6)
_PLAIN, _RLE, _DICTIONARY = I32(0), I32(3), I32(8)
_DATA_PAGE, _DICTIONARY_PAGE = I32(0), I32(2)

Runs = Sequence[tuple[str, int]]
"""Texts of a column, each with how many rows it stands in, one after the other."""


class Kind(Enum):
    """What a column holds."""

    text = "text"
    instant = "instant"
    double = "double"


class Column(Struct, frozen=True):
    """A column by its name."""

    name: str
    kind: Kind


class _Chunk(NamedTuple):
    """One column of one group in the file: where its pages begin, and what they hold."""

    column: Column
    dictionary_at: int | None
    data_at: int
    plain_bytes: int
    packed_bytes: int
    low: bytes | None
    high: bytes | None


class Writer:
    """Writes a file of some columns; `close` makes it whole."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        """Begin a file."""
        self._file, self._columns = file, columns
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._groups: list[Packed] = []
        self.rows = self.bytes = 0
        self._put(MAGIC)

    def write(self, columns: Sequence[Runs | NDArray[Any]]) -> None:
        """Write a group: runs, int64 or float64 by column, all of equally many rows, at least one."""
        rows = max(len(column) for column in columns if isinstance(column, np.ndarray))
        chunks = [self._chunk(column, data, rows) for column, data in zip(self._columns, columns, strict=True)]
        group = {
            1: [{2: I64(0), 3: _metadata(chunk, rows)} for chunk in chunks],
            2: I64(sum(chunk.plain_bytes for chunk in chunks)),
            3: I64(rows),
        }
        self._groups.append(Packed(packed(group)))
        self.rows += rows

    def close(self) -> None:
        """Write the footer; the file is left open."""
        schema = [{4: "schema", 5: I32(len(self._columns))}, *map(_described, self._columns)]
        footer = packed({1: I32(1), 2: schema, 3: I64(self.rows), 4: self._groups, 6: f"Verger {__version__}"})
        self._put(footer + len(footer).to_bytes(4, "little") + MAGIC)

    def _chunk(self, column: Column, data: Runs | NDArray[Any], rows: int) -> _Chunk:
        begin = self.bytes
        low = high = dictionary_at = None
        if isinstance(data, np.ndarray):
            plain = self._page(data.tobytes(), _DATA_PAGE, {5: _data_header(rows, _PLAIN)})
            # A NaN has no place in an order, so only instants tell their bounds.
            if column.kind is Kind.instant:
                low, high = (bound.tobytes() for bound in (data.min(), data.max()))
            return _Chunk(column, None, begin, plain, self.bytes - begin, low, high)
        texts = list(dict.fromkeys(text for text, _ in data))
        written = b"".join(len(raw := text.encode()).to_bytes(4, "little") + raw for text in texts)
        dictionary_at = begin
        plain = self._page(written, _DICTIONARY_PAGE, {7: {1: I32(len(texts)), 2: _PLAIN}})
        data_at = self.bytes
        plain += self._page(_indices(data, texts), _DATA_PAGE, {5: _data_header(rows, _DICTIONARY)})
        return _Chunk(column, dictionary_at, data_at, plain, self.bytes - begin, low, high)

    def _page(self, plain: bytes, kind: I32, header: Fields) -> int:
        """Write a page; return its size before compression, with its header."""
        body = self._compressor.compress(plain)
        head = packed({1: kind, 2: I32(len(plain)), 3: I32(len(body)), **header})
        self._put(head + body)
        return len(head) + len(plain)

    def _put(self, some: bytes) -> None:
        self._file.write(some)
        self.bytes += len(some)


def _indices(runs: Runs, texts: Sequence[str]) -> bytes:
    """Return the rows of a text column as runs of places in its dictionary."""
    width = max(1, (len(texts) - 1).bit_length())
    places = {text: place for place, text in enumerate(texts)}
    size = (width + 7) // 8
    return bytes([width]) + b"".join(
        varint(count << 1) + places[text].to_bytes(size, "little") for text, count in runs if count
    )


def _data_header(rows: int, encoding: I32) -> Fields:
    return {1: I32(rows), 2: encoding, 3: _RLE, 4: _RLE}


def _metadata(chunk: _Chunk, rows: int) -> Fields:
    texts = chunk.dictionary_at is not None
    bounds = None if chunk.low is None else {3: I64(0), 5: chunk.high, 6: chunk.low}
    return {
        1: {Kind.text: _BYTES, Kind.instant: _INT64, Kind.double: _DOUBLE}[chunk.column.kind],
        2: [_PLAIN, _RLE, _DICTIONARY] if texts else [_PLAIN, _RLE],
        3: [chunk.column.name],
        4: _ZSTD,
        5: I64(rows),
        6: I64(chunk.plain_bytes),
        7: I64(chunk.packed_bytes),
        9: I64(chunk.data_at),
        11: None if chunk.dictionary_at is None else I64(chunk.dictionary_at),
        12: bounds,
    }


def _described(column: Column) -> Fields:
    """Return a column of the schema, with both the old and the new way of saying what its bytes mean."""
    match column.kind:
        case Kind.text:
            return {1: _BYTES, 3: _REQUIRED, 4: column.name, 6: I32(0), 10: {1: {}}}
        case Kind.instant:
            utc_microseconds = {8: {1: True, 2: {2: {}}}}
            return {1: _INT64, 3: _REQUIRED, 4: column.name, 6: I32(10), 10: utc_microseconds}
        case Kind.double:
            return {1: _DOUBLE, 3: _REQUIRED, 4: column.name}

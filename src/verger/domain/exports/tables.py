"""Readings as rows of a table: label, time, value; one row a reading, whatever their series.

A row for each reading, and not a column for each metric: series have their own times, so a wide table would be mostly
holes, its columns would not be known before its end, and it could not be read in again.
"""

from typing import BinaryIO, Protocol
from zlib import MAX_WBITS, compressobj
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from verger.base.cells import cell
from verger.base.clock import MINUTE, moment
from verger.base.parquet import Column, Kind, Writer
from verger.domain.exports.model import COLUMNS, Label

GROUP = 131_072  # rows of a Parquet group: 2 MiB of numbers
_QUARTER = 15 * MINUTE  # no zone changes its offset between two of them

Times = NDArray[np.int64]
Values = NDArray[np.float64]


class Table(Protocol):
    """A file under way; `close` makes it whole and leaves it open."""

    def add(self, label: Label, at: Times, value: Values) -> None:
        """Write readings of one series."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class CsvTable:
    """RFC 4180 with a header line, UTF-8, compressed with gzip; numbers are written so that they read back the same."""

    def __init__(self, file: BinaryIO, zone: ZoneInfo) -> None:
        """Write to a file, times in a zone."""
        self._file, self._zone = file, zone
        self._gzip = compressobj(1, wbits=MAX_WBITS | 16)
        self._put(",".join(COLUMNS) + "\r\n")

    def add(self, label: Label, at: Times, value: Values) -> None:
        """Write readings of one series."""
        begin = "".join(cell(text) + "," for text in (getattr(label, name) for name in label.__struct_fields__))
        times = written(at, self._zone)
        lines = [f"{begin}{time},{number!r}" for time, number in zip(times, value.tolist(), strict=True)]
        self._put("\r\n".join([*lines, ""]))

    def close(self) -> None:
        """Write what is left."""
        self._file.write(self._gzip.flush())

    def _put(self, text: str) -> None:
        self._file.write(self._gzip.compress(text.encode()))


class ParquetTable:
    """Parquet; texts stand once a group, times are instants in microseconds."""

    def __init__(self, file: BinaryIO) -> None:
        """Write to a file."""
        kinds = {"time": Kind.instant, "value": Kind.double}
        self._writer = Writer(file, [Column(name, kinds.get(name, Kind.text)) for name in COLUMNS])
        self._waiting: list[tuple[Label, Times, Values]] = []
        self._rows = 0

    def add(self, label: Label, at: Times, value: Values) -> None:
        """Write readings of one series, once there are enough of them."""
        self._waiting.append((label, at, value))
        self._rows += len(at)
        if self._rows >= GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if not self._rows:
            return
        texts = [
            [(str(getattr(label, name)), len(at)) for label, at, _ in self._waiting] for name in Label.__struct_fields__
        ]
        at = np.concatenate([at for _, at, _ in self._waiting])
        value = np.concatenate([value for _, _, value in self._waiting])
        self._waiting, self._rows = [], 0
        self._writer.write([*texts, at, value])


def written(at: Times, zone: ZoneInfo) -> list[str]:
    """Return times as RFC 3339 in a zone, to the microsecond."""
    if zone.key == "UTC":
        return [text + "Z" for text in _texts(at)]
    quarters, which = np.unique(at // _QUARTER, return_inverse=True)
    offsets = [moment(quarter * _QUARTER).astimezone(zone).utcoffset() for quarter in quarters.tolist()]
    minutes = np.array([0 if each is None else round(each.total_seconds() / 60) for each in offsets], np.int64)[which]
    signs = [f"{'-' if each < 0 else '+'}{abs(each) // 60:02d}:{abs(each) % 60:02d}" for each in minutes.tolist()]
    return [text + sign for text, sign in zip(_texts(at + minutes * MINUTE), signs, strict=True)]


def _texts(at: Times) -> list[str]:
    texts: list[str] = np.datetime_as_string(at.view("datetime64[us]"), unit="us").tolist()
    return texts

"""The lines of a CSV file as readings, some at a time; a line that makes no sense is told and passed over."""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import BinaryIO, TextIO
from zoneinfo import ZoneInfo

from msgspec import Struct

from verger.base.cells import plain
from verger.base.clock import microseconds
from verger.base.errors import Invalid
from verger.base.plural import counted
from verger.base.zones import zone_of
from verger.domain.imports import dates
from verger.domain.imports.model import FileForm, LineFault

LONGEST = 1 << 20
"""Characters of one row, over all its lines: what is longer is no table, and would be held in memory whole."""
_SHOWN = 40
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?$")


class Found(Struct, frozen=True, gc=False):
    """One reading of a file: whose it is as the file says, and the line it stands in, of a table where it has some."""

    line: int
    device: str
    metric: str
    at: int
    value: float
    unit: str = ""
    table: str = ""


class _Bounded:
    """The lines of a text, of which one row may have no more than `LONGEST` characters; `left` is what it still may."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.left, self._read = LONGEST, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self.left + 1)
        if len(line) > self.left:
            raise Invalid(
                f"Line {self._read + 1:,} is longer than {LONGEST:,} characters, or a quote is open there: "
                "see that the file is CSV, with a line for each row."
            )
        if not line:
            raise StopIteration
        self.left -= len(line)
        self._read += 1
        return line


class Lines:
    """A file under way: `take` returns the next readings and faults, nothing at its end."""

    def __init__(self, file: BinaryIO, how: FileForm) -> None:
        """Read the header; raise Invalid when a column is missing."""
        self._how, self._file = how, file
        self._zone = zone_of(how.timezone) or ZoneInfo("UTC")
        text = TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        self._lines = _Bounded(text)
        self._rows = csv.reader(self._lines, delimiter=how.separator, strict=True)
        header = [plain(name.strip()) for name in self._next_header()]
        self._time = self._column(header, how.time_column)
        self._device = None if how.device else self._column(header, how.device_column)
        self._unit = header.index(how.unit_column) if how.unit_column in header else None
        self._metrics = self._wide(header) if how.form == "wide" else ()
        if how.form == "long":
            self._metric, self._value = (self._column(header, name) for name in (how.metric_column, how.value_column))
        self._needed = 1 + max(
            self._time, self._device or 0, *((self._metric, self._value) if not self._metrics else ())
        )

    @property
    def line(self) -> int:
        """Return how many lines were read."""
        return self._rows.line_num

    @property
    def position(self) -> int:
        """Return how many bytes were read."""
        return self._file.tell()

    def take(self, most: int) -> tuple[list[Found], list[LineFault], bool]:
        """Return the readings and the faults of the next lines, and whether there may be more."""
        found: list[Found] = []
        faults: list[LineFault] = []
        for _ in range(most):
            try:
                row = self._next()
            except csv.Error as error:
                faults.append(LineFault(self.line, f"This line is not CSV ({error})."))
                continue
            if row is None:
                return found, faults, False
            if any(row):
                self._understand(row, found, faults)
        return found, faults, True

    def _next(self) -> list[str] | None:
        """Return the next row, None at the end; raise csv.Error, or Invalid for one that never ends."""
        self._lines.left = LONGEST
        return next(self._rows, None)

    def look(self, guess: dates.Guess, most: int) -> bool:
        """Look at the times of the next lines; whether to look on: idle once the first is as RFC 3339 has it."""
        for _ in range(most):
            try:
                row = self._next()
            except csv.Error:
                continue
            if row is None:
                return False
            text = row[self._time].strip() if self._time < len(row) else ""
            if not guess.look(text) and not guess.seen and _is_rfc3339(text):
                return False
        return True

    def _understand(self, row: Sequence[str], found: list[Found], faults: list[LineFault]) -> None:
        try:
            found += list(self._readings(row))
        except ValueError as wrong:
            faults.append(LineFault(self.line, str(wrong)))

    def _readings(self, row: Sequence[str]) -> Iterator[Found]:
        if len(row) < self._needed:
            raise ValueError(f"It has {counted(len(row), 'column')}; {self._needed} are needed.")
        at = self._at(row[self._time].strip())
        device = self._how.device or plain(row[self._device or 0].strip())
        if self._how.form == "long":
            unit = row[self._unit] if self._unit is not None and self._unit < len(row) else ""
            metric = plain(row[self._metric].strip())
            if not metric:
                raise ValueError("It names no metric.")
            yield Found(self.line, device, metric, at, self._number(row[self._value]), plain(unit.strip()))
            return
        for column, metric in self._metrics:
            if column < len(row) and row[column].strip():
                yield Found(self.line, device, metric, at, self._number(row[column]))

    def _at(self, text: str) -> int:
        """Return a time in microseconds; raise ValueError."""
        try:
            if self._how.time not in ("s", "ms"):
                at = self._date(text)
                return microseconds(at if at.tzinfo else at.replace(tzinfo=self._zone).astimezone(UTC))
            number = float(text.replace(self._how.decimal, "."))
            return round(number * (1_000_000 if self._how.time == "s" else 1000))
        except (ValueError, OverflowError):
            raise ValueError(f"“{text[:_SHOWN]}” is no time of the form that was chosen.") from None

    def _date(self, text: str) -> datetime:
        """Return a time as it is written; raise ValueError."""
        order = self._how.time
        return dates.read(text, order) if order in ("day_first", "month_first") else datetime.fromisoformat(text)

    def _number(self, text: str) -> float:
        """Return a value; raise ValueError."""
        written = text.strip()
        if self._how.decimal == "," and (_GROUPED.match(written) or "." not in written):
            written = written.replace(".", "").replace(",", ".")
        elif self._how.decimal == ",":
            written = ""  # 1.5 is not fifteen
        try:
            number = float(written)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or "_" in written:
            raise ValueError(f"“{text.strip()[:_SHOWN]}” is no number.")
        return number

    def _next_header(self) -> list[str]:
        try:
            return next(self._rows)
        except StopIteration:
            raise Invalid("The file is empty; its first line names the columns.") from None
        except csv.Error as error:
            raise Invalid(f"The first line is not CSV ({error}).") from None

    def _column(self, header: Sequence[str], name: str) -> int:
        if name not in header:
            there = ", ".join(each[:_SHOWN] for each in header[:12])
            raise Invalid(f"There is no column “{name}”; the first line names {there}. Is the separator right?")
        return header.index(name)

    def _wide(self, header: Sequence[str]) -> tuple[tuple[int, str], ...]:
        named = self._how.metrics
        if named:
            return tuple((self._column(header, column), metric) for column, metric in named.items())
        others = {self._time, self._device}
        metrics = tuple((at, name) for at, name in enumerate(header) if at not in others and name)
        if not metrics:
            raise Invalid("There is no column beside the time; name the columns of metrics.")
        return metrics


def _is_rfc3339(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True

"""A history as plain dictionaries, and the log it is fed from: what the real one is held against."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from verger.domain.history.history import History
from verger.domain.history.model import Buckets, Readings

Row = tuple[int, int, float]


@dataclass
class Oracle:
    """Keeps the records of a log, and by series what a history of them must hold: the first of each time."""

    records: list[Sequence[Row]] = field(default_factory=list)
    held: dict[int, dict[int, float]] = field(default_factory=dict)

    def take(self, rows: Sequence[Row]) -> int:
        """Take a record; return its sequence."""
        self.records.append(rows)
        self.load(rows)
        return len(self.records)

    def load(self, rows: Sequence[Row]) -> None:
        """Hold rows that are in no record."""
        for series, at, value in rows:
            self.held.setdefault(series, {}).setdefault(at, value)

    def delete(self, series: int) -> None:
        """Hold nothing of a series."""
        self.held.pop(series, None)

    def between(self, series: int, start: int, end: int) -> list[tuple[int, float]]:
        """Return the readings of a span, in order of time."""
        return sorted((at, value) for at, value in self.held.get(series, {}).items() if start <= at < end)

    def latest(self, series: int) -> tuple[int, float] | None:
        """Return the reading with the greatest time."""
        return max(self.held.get(series, {}).items(), default=None)

    def feed(self, history: History, after: int) -> None:
        """Give a history every record after a position."""
        for sequence, rows in enumerate(self.records[after:], after + 1):
            history.take(sequence, *columns(rows))


def columns(
    rows: Sequence[Row],
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.uint32]],
    np.ndarray[tuple[int], np.dtype[np.int64]],
    np.ndarray[tuple[int], np.dtype[np.float64]],
]:
    """Return rows as the columns a history takes."""
    series, at, value = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(series, np.uint32), np.array(at, np.int64), np.array(value, np.float64)


def pairs(readings: Readings) -> list[tuple[int, float]]:
    """Return readings as (at, value)."""
    return list(zip(readings.at.tolist(), readings.value.tolist(), strict=True))


async def assert_agrees(
    history: History, oracle: Oracle, series: Sequence[int], spans: Sequence[tuple[int, int]]
) -> None:
    """Fail unless a history answers all that can be asked of these series and spans as the oracle does."""
    assert history.latest(series) == [oracle.latest(each) for each in series]
    for each in series:
        for start, end in spans:
            there = oracle.between(each, start, end)
            assert pairs(await history.raw(each, start, end)) == there
            assert pairs(await history.raw(each, start, end, 3)) == there[:3]
            assert pairs(await history.raw(each, start, end, 3, newest=True)) == there[-3:]
    for start, end in spans:
        for points in (1, 3, 40):
            for each, found in zip(series, await history.buckets_of(series, start, end, points), strict=True):
                assert_buckets(found, oracle.between(each, start, end), points)


def assert_buckets(found: Buckets, there: list[tuple[int, float]], points: int) -> None:
    """Fail unless buckets sum up exactly these readings."""
    assert found.raw == (len(there) <= points)
    if found.raw:
        assert list(zip(found.at.tolist(), found.avg.tolist(), strict=True)) == there
        return
    assert 0 < len(found.at) <= points
    lots: dict[int, list[float]] = {}
    for at, value in there:
        lots.setdefault(at // found.width_us * found.width_us, []).append(value)
    assert found.at.tolist() == list(lots)
    assert found.count.tolist() == [len(lot) for lot in lots.values()]
    assert found.min.tolist() == [min(lot) for lot in lots.values()]
    assert found.max.tolist() == [max(lot) for lot in lots.values()]
    assert found.last.tolist() == [lot[-1] for lot in lots.values()]
    np.testing.assert_allclose(found.sum, [sum(lot) for lot in lots.values()], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.avg, [sum(lot) / len(lot) for lot in lots.values()], rtol=1e-12, atol=1e-12)

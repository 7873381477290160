"""The latest reading of each series: that with the greatest time; of equal times the first that arrived."""

from collections.abc import Sequence

import numpy as np
import zstandard

from verger.domain.history.model import Series, Times, Values

NEVER = np.iinfo(np.int64).min


class Latest:
    """Two columns by series number, grown on demand; numbers are given one after the other, so they stay dense."""

    def __init__(self, snapshot: tuple[Times, Values] | None = None) -> None:
        self._at: Times = np.full(1024, NEVER, np.int64)
        self._value: Values = np.zeros(1024)
        if snapshot is not None and len(snapshot[0]):
            known = len(snapshot[0])
            self._reach(known - 1)
            self._at[:known], self._value[:known] = snapshot

    @property
    def bytes(self) -> int:
        """Return the bytes in use."""
        return self._at.nbytes + self._value.nbytes

    def take(self, series: Series, at: Times, value: Values) -> None:
        """Take readings in order of arrival."""
        self._reach(int(series.max()))
        known = self._at
        newer = np.flatnonzero(at > known[series])
        if not len(newer):
            return
        series, at = series[newer], at[newer]
        np.maximum.at(known, series, at)
        # Of rows with the same series the last written stays, so writing backwards leaves the first.
        won = np.flatnonzero(at == known[series])[::-1]
        self._value[series[won]] = value[newer[won]]

    def of(self, series: Sequence[int]) -> list[tuple[int, float] | None]:
        """Return (at, value) for each, None where nothing was ever heard."""
        wanted = np.asarray(series, np.int64)
        there = wanted < len(self._at)
        wanted = np.where(there, wanted, 0)
        at, value = self._at[wanted], self._value[wanted]
        heard = (there & (at != NEVER)).tolist()
        return [
            (when, what) if known else None
            for known, when, what in zip(heard, at.tolist(), value.tolist(), strict=True)
        ]

    def forget(self, series: int) -> None:
        """Know nothing of one series any more."""
        if series < len(self._at):
            self._at[series] = NEVER

    def forget_within(self, series: Sequence[int], start: int, before: int) -> None:
        """Know nothing of those of some series whose latest reading lies in start <= time < before."""
        for number in series:
            if number < len(self._at) and start <= self._at[number] < before:
                self._at[number] = NEVER

    def snapshot(self) -> tuple[Times, Values]:
        """Return copies of the columns up to the last series that was heard."""
        heard = np.flatnonzero(self._at != NEVER)
        size = int(heard[-1]) + 1 if len(heard) else 0
        return self._at[:size].copy(), self._value[:size].copy()

    def _reach(self, series: int) -> None:
        if series < len(self._at):
            return
        more = max(series + 1, 2 * len(self._at)) - len(self._at)
        self._at = np.concatenate((self._at, np.full(more, NEVER, np.int64)))
        self._value = np.concatenate((self._value, np.zeros(more)))


def packed(columns: tuple[Times, Values]) -> bytes:
    """Return a snapshot as bytes."""
    at, value = columns
    return zstandard.compress(at.astype("<i8").tobytes() + value.astype("<f8").tobytes(), 1)


def unpacked(snapshot: bytes) -> tuple[Times, Values]:
    """Return the columns of a snapshot."""
    plain = zstandard.decompress(snapshot)
    half = len(plain) // 2
    at = np.frombuffer(plain[:half], "<i8").astype(np.int64)
    return at, np.frombuffer(plain[half:], "<f8").astype(np.float64)

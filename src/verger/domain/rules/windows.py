"""The readings that a rise or fall is measured from, while more come one after the other."""

from bisect import bisect_left

from verger.base.clock import SECOND
from verger.domain.rules.conditions import Condition

_MOST, _PARTS = 240, 120

Readings = tuple[tuple[int, float], ...]
"""(time, value) of some, in the order of both; for a fall the values descend."""


class Window:
    """Those that no later reading is below (above, for a fall): of the others none can be where it began.

    Of very many the first in each 120th of the time stands for all: a rise may then be over by so much too early.
    Taking a reading twice in a row is the same as taking it once.
    """

    __slots__ = ("_at", "_by", "_part", "_sign", "_value", "_within")

    def __init__(self, condition: Condition, readings: Readings = ()) -> None:
        """Begin with what is known already."""
        self._sign = -1 if condition.is_ == "falls_by" else 1
        self._by = condition.value or 0.0
        self._within = round((condition.within_s or 0) * SECOND)
        self._part = max(1, self._within // _PARTS)
        self._at = [at for at, _ in readings]
        self._value = [value * self._sign for _, value in readings]  # ascending, for a fall too

    def take(self, at: int, value: float) -> int | None:
        """Take the next reading; return when the rise that it shows is over if no more come, None if it shows none."""
        times, values, value = self._at, self._value, value * self._sign
        while values and values[-1] >= value:
            del times[-1], values[-1]
        oldest = at - self._within
        if times and times[0] < oldest:
            gone = bisect_left(times, oldest)
            del times[:gone], values[:gone]
        times.append(at)
        values.append(value)
        if len(times) > _MOST:
            self._thin()
        by = self._by
        if value - values[0] < by:
            return None
        began = bisect_left(values, True, key=lambda each: value - each < by) - 1  # noqa: FBT003  the first that is not
        return times[began] + self._within + 1

    def _thin(self) -> None:
        """Keep the first of each part, and the last of all."""
        parts = [at // self._part for at in self._at]
        kept = [0, *(at for at in range(1, len(parts) - 1) if parts[at] != parts[at - 1]), len(parts) - 1]
        self._at, self._value = [self._at[at] for at in kept], [self._value[at] for at in kept]

    @property
    def readings(self) -> Readings:
        """What is known now, to begin with at another time."""
        return tuple(zip(self._at, [value * self._sign for value in self._value], strict=True))

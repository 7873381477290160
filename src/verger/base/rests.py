"""Rests: what failed is left alone ever longer before it is tried again, and is told of once that happens often."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

from verger.base.clock import HOUR, SECOND, Clock

OFTEN = 3  # failures in a row, and it is more than a moment's trouble

_MOST = 1000  # that are remembered; what is forgotten is tried again sooner

Key = TypeVar("Key", bound=Hashable)


class Rest(Struct, frozen=True):
    """How often something failed in a row, at last why, and until when it is left alone."""

    failures: int
    why: str
    until: int


class Rests(Generic[Key]):
    """What rests: in memory, so that after a restart all is tried again."""

    def __init__(self, clock: Clock, first: int = 10 * SECOND, longest: int = HOUR) -> None:
        """Let it rest for so many microseconds at first, twice as long after each failure, up to the longest time."""
        self._clock, self._first, self._longest = clock, first, longest
        self._all: dict[Key, Rest] = {}
        self.failures = 0

    def failed(self, key: Key, why: str) -> None:
        """Let something rest that failed."""
        self.failures += 1
        before = self._all.pop(key, None)
        times = 1 if before is None else before.failures + 1
        wait = min(self._first << min(times - 1, 20), self._longest)
        self._all[key] = Rest(times, why, self._clock.now() + wait)
        if len(self._all) > _MOST:
            del self._all[min(self._all, key=lambda each: self._all[each].until)]

    def went(self, key: Key) -> None:
        """Know that it went well."""
        self._all.pop(key, None)

    def only(self, keys: set[Key]) -> None:
        """Forget whatever is not among those that are still to be done."""
        self._all = {key: rest for key, rest in self._all.items() if key in keys}

    def asleep(self) -> list[Key]:
        """Return what rests now."""
        now = self._clock.now()
        return [key for key, rest in self._all.items() if rest.until > now]

    def wakes_at(self) -> int | None:
        """Return when the next rest ends, None when nothing rests."""
        now = self._clock.now()
        return min((rest.until for rest in self._all.values() if rest.until > now), default=None)

    def stubborn(self) -> list[Rest]:
        """Return what failed often in a row."""
        return [rest for rest in self._all.values() if rest.failures >= OFTEN]

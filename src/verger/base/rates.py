"""Rates: so many in so many seconds, several bounds at once, written "200:1,6000:60"; an empty one is no bound."""

import re

from verger.base.clock import SECOND

FORM = 'rates such as "200:1,6000:60": so many in so many seconds, or nothing for no bound'
_PART = re.compile(r"\s*([1-9]\d{0,11}):([1-9]\d{0,6})\s*")


def bounds(rate: str) -> tuple[tuple[int, int], ...]:
    """Return the bounds of a rate as (how many, seconds); raise ValueError with its form when it cannot be read."""
    parts = [_PART.fullmatch(part) for part in rate.split(",")] if rate.strip() else []
    if not all(parts):
        raise ValueError(FORM)
    return tuple((int(part[1]), int(part[2])) for part in parts if part)


def rate(text: str) -> str:
    """Return a rate without blanks; raise ValueError when it cannot be read."""
    return ",".join(f"{most}:{seconds}" for most, seconds in bounds(text))


class Meter:
    """A bucket for each bound of a rate, full at first; times are microseconds of any clock."""

    __slots__ = ("_at", "_bounds", "_left", "rate")

    def __init__(self, rate: str, now: int) -> None:
        """Measure by a rate."""
        self.rate, self._at = rate, now
        self._bounds = bounds(rate)
        self._left = [float(most) for most, _ in self._bounds]

    def wait(self, count: int, now: int) -> float:
        """Return in how many seconds so many may come, 0 for now; more than a bound must find it untouched."""
        passed, self._at = max(0, now - self._at) / SECOND, now
        longest = 0.0
        for place, (most, seconds) in enumerate(self._bounds):
            left = self._left[place] = min(most, self._left[place] + passed * most / seconds)
            longest = max(longest, (min(count, most) - left) * seconds / most)
        return longest if longest > 1e-6 else 0.0

    def spend(self, count: int) -> None:
        """Let so many come; what goes beyond a bound is paid back by waiting."""
        for place in range(len(self._left)):
            self._left[place] -= count

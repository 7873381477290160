"""Patience: who fails again and again is answered ever more slowly, and is forgiven after a while."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

LONGEST_S = 30.0
FIRST_S = 0.25
QUIET_S = 600.0


class Patience:
    """Counts failures by key, such as an address or an account; keeps at most `most` keys, the latest."""

    def __init__(self, most: int = 10_000, now: Callable[[], float] = monotonic) -> None:
        """Start with nobody known; `now` tells seconds."""
        self._most, self._now = most, now
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def failed(self, *keys: str) -> float:
        """Count a failure of each key; return the seconds to wait before answering, by the worst of them."""
        worst = max((self._count(key) for key in keys), default=0)
        while len(self._failures) > self._most:
            self._failures.popitem(last=False)
        return min(FIRST_S * 2.0 ** min(worst - 1, 32), LONGEST_S) if worst else 0.0

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def _count(self, key: str) -> int:
        """Add one to a key's failures, from 0 after a time of quiet, and make it the latest."""
        now = self._now()
        count, at = self._failures.pop(key, (0, now))
        count = count + 1 if now - at < QUIET_S else 1
        self._failures[key] = (count, now)
        return count

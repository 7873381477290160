"""The pace of callers: so many requests a second, and a burst that is paid back."""

from collections import OrderedDict

from verger.base.clock import SECOND, Clock
from verger.base.errors import TooMany

_CALLERS = 10_000


class Pace:
    """A bucket for each caller, `burst` deep, refilled by `per_s`; the callers longest unheard of are forgotten."""

    def __init__(self, clock: Clock, per_s: float, burst: int) -> None:
        """Allow so many requests a second, and so many at once."""
        self._clock = clock
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def step(self, caller: str) -> None:
        """Count one request; raise TooMany when it comes too soon."""
        now = self._clock.now()
        left, at = self._buckets.pop(caller, (float(self._burst), now))
        left = min(self._burst, left + max(0, now - at) / SECOND * self._per_s)
        allowed = left >= 1
        self._buckets[caller] = (left - allowed, now)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = max(1, round((1 - left) / self._per_s + 0.5))
            raise TooMany(f"At most {self._per_s:g} requests a second; try again in {wait} s.", retry_s=wait)

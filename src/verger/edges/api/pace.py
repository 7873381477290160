"""The pace of callers: so many requests a second, and a burst that is paid back."""

from collections import OrderedDict

from verger.base.clock import SECOND, Clock
from verger.base.errors import TooMany
from verger.base.plural import plain
from verger.domain.tenancy.limits import Limits

_CALLERS = 10_000


class Pace:
    """A bucket for each caller, `burst` deep, refilled by `per_s`; the callers longest unheard of are forgotten."""

    def __init__(self, clock: Clock, per_s: float, burst: int) -> None:
        """Allow so many requests a second, and so many at once."""
        self._clock = clock
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def step(self, caller: str, limits: Limits | None = None) -> None:
        """Count one request, by the limits of the caller's organisation; raise TooMany when it comes too soon."""
        per_s, burst = (self._per_s, self._burst) if limits is None else (limits.api_per_s, limits.api_burst)
        now = self._clock.now()
        left, at = self._buckets.pop(caller, (float(burst), now))
        left = min(burst, left + max(0, now - at) / SECOND * per_s)
        allowed = left >= 1
        self._buckets[caller] = (left - allowed, now)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = max(1, round((1 - left) / per_s + 0.5))
            most = f"{plain(per_s)} request{'' if per_s == 1 else 's'}"
            raise TooMany(f"At most {most} a second; try again in {wait} s.", retry_s=wait)

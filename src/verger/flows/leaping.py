"""Leaping: the clock was set forward, or the machine slept; what schedules were due meanwhile were missed."""

import structlog

from verger.base.clock import SECOND, Clock
from verger.domain.devices.hearing import LONGEST_STEP
from verger.flows.court import Court

log = structlog.get_logger()


class Leaping:
    """Knows by how much more the clock went on than time did."""

    def __init__(self, court: Court, clock: Clock) -> None:
        """Begin to watch a clock; the court hears from when on Verger has run without a gap."""
        self._court, self._clock = court, clock
        self._ahead = self._now_ahead()

    def look(self) -> None:
        """Take schedules for missed that were due within a leap since this was asked last."""
        before, self._ahead = self._ahead, self._now_ahead()
        leapt = self._ahead - before
        if leapt > LONGEST_STEP:
            self._court.up_since = self._court.minds.up_since = self._clock.now()
            log.warning("the clock leapt forward, and schedules meanwhile were missed", seconds=leapt // SECOND)

    def _now_ahead(self) -> int:
        return self._clock.now() - self._clock.steady()

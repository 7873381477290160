"""The month behind the demo: readings straight into the history, events through the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from verger.app import House
from verger.base.clock import DAY, SECOND
from verger.domain.telemetry.model import Heard, Said

Times = NDArray[np.int64]
Values = NDArray[np.float64]

MONTH = 30 * DAY
RECKONED = {
    "load": {"name": "Load of the breaker", "unit": "%"},
    "breaker_power": {"name": "Power of the breaker", "unit": "W"},
    "power": {"name": "Power", "unit": "W"},
    "treatments": {"name": "Treatments", "unit": ""},
}
"""What the blueprints reckon from single readings, so that its month can be known."""
_SAID_AT_ONCE = 200


@dataclass
class Past:
    """Readings that are gathered first, and then loaded day by day."""

    house: House
    tenant: str
    until: int
    _parts: list[tuple[int, Times, Values]] = field(default_factory=list)

    def times(self, every_s: float, seed: int) -> Times:
        """Return when a device measured, through the month."""
        every = round(every_s * SECOND)
        first = self.until - MONTH + seed % every
        return np.arange(first, self.until, every, dtype=np.int64) // 1000 * 1000

    async def measured(self, device: str, at: Times, values: Mapping[str, Values]) -> None:
        """Take what a device measured; of what is reckoned, name and unit are those of its calculation."""
        kept = self.house.stores.kept
        for series in await kept.series.create({(self.tenant, device): list(values)}):
            kept.registry.learn(series.device, {series.metric: series.number})
            self._parts.append((series.number, at, values[series.metric]))
        await kept.series.name(
            self.tenant, device, {metric: RECKONED[metric] for metric in values if metric in RECKONED}
        )

    async def said(self, device: str, said: Sequence[Said]) -> None:
        """Let a device have said something: events with their own times, and what it reports of itself."""
        for first in range(0, len(said), _SAID_AT_ONCE):
            await self.house.inlet.put(Heard(device, tuple(said[first : first + _SAID_AT_ONCE])))

    async def load(self) -> None:
        """Put all readings into the history."""
        for start in range(self.until - MONTH, self.until, DAY):
            rows = [part for each in self._parts if (part := _within(*each, start, start + DAY)) is not None]
            if rows:
                await self.house.stores.history.load(*(np.concatenate(column) for column in zip(*rows, strict=True)))
        self._parts.clear()


def _within(
    number: int, at: Times, values: Values, start: int, end: int
) -> tuple[NDArray[np.uint32], Times, Values] | None:
    first, last = np.searchsorted(at, (start, end))
    if first == last:
        return None
    return np.full(last - first, number, np.uint32), at[first:last], values[first:last]

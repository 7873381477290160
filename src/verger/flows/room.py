"""Room: how full the disk is, when it will be full, and what to say of it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from msgspec import Struct

from verger.base.clock import DAY, HOUR, Clock, moment
from verger.base.settings import Settings
from verger.base.space import Reserve, Space, size_of, space_of
from verger.base.work import attempt
from verger.domain.storage.model import Forecast, Sample, growth
from verger.domain.storage.store import SampleStore
from verger.flows.oversight import Figure
from verger.flows.safety import SafeMode

_NEAR = 7 * DAY
_FARTHEST = 100 * 365 * DAY


class Disk(Struct, frozen=True):
    """The disk for a person: bytes of it and of the data folder, the forecast, and the safe mode.

    `sentence` says what to do, None when nothing is to be done. `full_at` is when the safe mode would begin.
    """

    total: int
    free: int
    data: int
    safe_mode_at: float
    safe_mode_since: datetime | None
    refused: int
    bytes_per_day: float | None
    full_at: datetime | None
    sentence: str | None


@dataclass
class Room:
    """Measures the data folder now and then; what it tells is as of the last look."""

    folder: Path
    mode: SafeMode
    samples: SampleStore
    clock: Clock
    size: int = 0
    forecast: Forecast | None = None
    _hour: Sample = field(default=Sample(0, 0))

    @classmethod
    async def open(cls, settings: Settings, samples: SampleStore, named: Callable[[int], bool], clock: Clock) -> Self:
        """Watch over the disk of the data folder; whether the safe mode is on is known on return.

        `named` tells which series a rule needs.
        """
        size = min(settings.reserve_bytes, space_of(settings.data).total // 50)
        reserve = Reserve(settings.data / "reserve", size)
        mode = SafeMode(settings.data, reserve, settings.safe_mode_percent / 100, named, clock)
        await mode.look()
        room = cls(settings.data, mode, samples, clock)
        await attempt(room.look)
        return room

    async def look(self) -> None:
        """Measure, keep the least size of this hour, and reckon anew."""
        self.size = await asyncio.to_thread(size_of, self.folder, self.mode.reserve.path)
        now = self.clock.now()
        hour = now // HOUR * HOUR
        kept = await self.samples.all()
        known = next((sample.size for sample in kept if sample.at == hour), self.size)
        least = Sample(hour, min(known, self.size))
        if least != self._hour:
            await self.samples.keep(least)
            self._hour = least
        rate = growth([*(sample for sample in kept if sample.at != hour), least], now)
        self.forecast = None if rate is None else Forecast(rate, self._full_at(rate, now))

    def _full_at(self, rate: float, now: int) -> datetime | None:
        if rate <= 0 or not self.mode.space.total:
            return None
        left = max(0.0, self._left(self.mode.space))
        wait = left / rate * DAY
        return moment(now + round(wait)) if wait < _FARTHEST else None

    def _left(self, space: Space) -> float:
        return space.free - space.total * (1 - self.mode.line)

    @property
    def sentence(self) -> str | None:
        """Return what a person has to know of the disk and do, None when all is well."""
        mode = self.mode
        if mode.since is not None:
            return (
                f"The disk is nearly full ({mode.space.share:.0%} taken), so only what rules need is kept: "
                "free some space, or keep history for a shorter time in Settings, Retention."
            )
        full_at = self.forecast.full_at if self.forecast else None
        left = None if full_at is None else (full_at - moment(self.clock.now())).total_seconds()
        if left is None or left >= _NEAR / 1e6:
            return None
        return f"The disk will be full in {_told(left)} at today's rate: free some space, or shorten Retention."

    def notices(self) -> list[str]:
        """Return what everybody should see first."""
        return [self.sentence] if self.sentence else []

    async def check(self) -> str:
        """Tell whether there is room for a while."""
        return self.sentence or "ok"

    def state(self) -> Disk:
        """Return all of it for a person."""
        mode, forecast = self.mode, self.forecast
        return Disk(
            total=mode.space.total,
            free=mode.space.free,
            data=self.size,
            safe_mode_at=mode.line,
            safe_mode_since=None if mode.since is None else moment(mode.since),
            refused=mode.refused,
            bytes_per_day=forecast.bytes_per_day if forecast else None,
            full_at=forecast.full_at if forecast else None,
            sentence=self.sentence,
        )

    def figures(self) -> Iterator[Figure]:
        """Return the figures of the disk."""
        mode = self.mode
        yield Figure("disk_bytes", "Bytes of the disk under the data folder", mode.space.total)
        yield Figure("disk_free_bytes", "Bytes left on it", mode.space.free)
        yield Figure("data_bytes", "Bytes of the data folder on disk", self.size)
        yield Figure("safe_mode", "1 while the disk is too full to keep all readings", mode.since is not None)
        yield Figure("safe_mode_entered", "How often the safe mode began", mode.entered, grows=True)
        yield Figure("safe_mode_refused", "Messages not kept for lack of room", mode.refused, grows=True)
        if self.forecast is not None:
            yield Figure("data_growth_bytes_per_day", "Growth of the data folder", self.forecast.bytes_per_day)
            if self.forecast.full_at is not None:
                left = (self.forecast.full_at - moment(self.clock.now())).total_seconds()
                yield Figure("disk_full_in_seconds", "Seconds until the safe mode at today's rate", left)


def _told(seconds: float) -> str:
    days, hours = int(seconds // 86_400), int(seconds // 3600)
    if days >= 2:
        return f"{days} days"
    return f"{hours} hours" if hours >= 2 else "about an hour"

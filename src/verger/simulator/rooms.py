"""The rooms of a cottage: cold outside, a thermostat, people at weekends. Temperature in Cel, pressure in hPa.

| what | formula |
|---|---|
| temperature | toward outdoors, lag 45 h; the sun adds up to 0.6 K/h |
| heater | 2.4 K/h from 1 K below what is wanted, less the nearer it comes; wanted are 20.5 with people, 12 without |
| vapour pressure | toward outdoors, lag 4 h; people add 0.9 hPa/h |
| people | of seven weekends in ten, Friday 17 h to Sunday 15 h |
| battery | falls 100 % in 400 days |
"""

import numpy as np

from verger.base.clock import DAY, HOUR
from verger.simulator import curves
from verger.simulator.curves import Times, Values
from verger.simulator.kinds import seed_of
from verger.simulator.physics import LAKELAND, Climate, between, hour, paces, pressure, saturation, toward, weekday

_H = 3600.0
_SETTLED = 3 * DAY  # lived through beforehand, so that the beginning looks like any other time


class Room:
    """One room; `cold` is a span in which its heater is broken."""

    def __init__(
        self, seed: int, begun: int, place: int = 1, climate: Climate = LAKELAND, cold: tuple[int, int] = (0, 0)
    ) -> None:
        """Be warm at a time; rooms of one `place` share their weather and their people."""
        self._seed, self._place, self._climate, self._cold = seed, place, climate, cold
        self._celsius, self._vapour = 15.0, 8.0
        self._at = begun - _SETTLED
        self.live(np.arange(self._at + HOUR, begun, HOUR, dtype=np.int64))
        self._at = begun

    def live(self, at: Times) -> dict[str, Values]:
        """Live on, and return what a sensor measures at these times."""
        celsius, vapour = np.empty(len(at)), np.empty(len(at))
        outside, damp = self._climate.temperature(self._place, at), self._climate.vapour(self._place, at)
        people = self._people(at)
        broken = (at >= self._cold[0]) & (at < self._cold[1])
        weather = outside.tolist(), damp.tolist(), curves.daylight(at).tolist()
        steps = zip(paces(self._at, at), *weather, people.tolist(), broken.tolist(), strict=True)
        for n, (*step, peopled, cold) in enumerate(steps):
            self._step(*step, people=peopled, broken=cold)
            celsius[n], vapour[n] = self._celsius, self._vapour
        if len(at):
            self._at = int(at[-1])
        return self._measured(at, celsius, vapour)

    def _step(self, seconds: float, outside: float, damp: float, sun: float, *, people: bool, broken: bool) -> None:
        self._celsius = toward(self._celsius, outside, seconds, 45 * _H) + 0.6 * sun * seconds / _H
        short = (20.5 if people else 12.0) - self._celsius
        if not broken and short > 0:
            self._celsius += min(2.4 * min(short, 1.0) * seconds / _H, short)
        self._vapour = toward(self._vapour, damp, seconds, 4 * _H) + (0.9 * seconds / _H if people else 0.0)
        self._vapour = min(self._vapour, 0.97 * saturation(self._celsius))

    def _people(self, at: Times) -> Values:
        day, clock = weekday(at, self._climate.hours), hour(at, self._climate.hours)
        weekend = ((day == 4) & (clock >= 17)) | (day == 5) | ((day == 6) & (clock < 15))
        week = (at + round(self._climate.hours * HOUR) + 3 * DAY) // (7 * DAY)
        return np.asarray(weekend & (curves.uniform(seed_of(self._place, "weekends"), week) < 0.7))

    def _measured(self, at: Times, celsius: Values, vapour: Values) -> dict[str, Values]:
        seed = self._seed
        warm = celsius + 0.8 * curves.own(seed) + 0.06 * curves.noise(seed, at)
        humid = 100 * vapour / (6.112 * np.exp(17.62 * celsius / (243.12 + celsius))) + 0.5 * curves.noise(seed + 3, at)
        return {
            "temperature": np.round(warm, 2),
            "humidity": np.round(between(humid, 12, 99), 2),
            "pressure": np.round(pressure(self._place, at) + 0.1 * curves.noise(seed + 5, at), 2),
        }

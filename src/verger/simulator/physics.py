"""The physics that simulated devices measure: weather, damp, and how one thing follows another. Temperatures in Cel.

| what | formula |
|---|---|
| a quantity that follows another | `x + (goal - x) (1 - exp(-t / lag))`, exact while the goal stands still |
| saturation pressure of water, hPa | Magnus: `6.112 exp(17.62 T / (243.12 + T))` |
| relative humidity, % | `100 e / saturation(T)`, e the vapour pressure in hPa |
| outdoors | `mean + season * year + day * rhythm + wander * drift`, of `curves` |

Everything follows from a seed and the times that it is asked about; `live` of a model takes times that ascend.
"""

import math
from dataclasses import dataclass

import numpy as np

from verger.base.clock import DAY, HOUR, MINUTE
from verger.simulator import curves
from verger.simulator.curves import Times, Values

MONDAY = 3 * DAY  # to add: the days since 1970 began on a Thursday
WEEK = 7 * DAY


@dataclass(frozen=True)
class Climate:
    """Outdoors of a place: the mean of the year, how far seasons, days and weather go from it, and its hours from UTC.

    `damp` is the usual relative humidity.
    """

    mean: float
    season: float
    day: float
    wander: float
    damp: float
    hours: float

    def temperature(self, seed: int, at: Times) -> Values:
        """Return the air outside."""
        weather = curves.drift(seed, at, 3 * DAY) + 0.35 * curves.drift(seed + 1, at, 7 * HOUR)
        rhythm = curves.rhythm(at, 15 - self.hours)
        return self.mean + self.season * curves.season(at) + self.day * rhythm + self.wander * weather

    def vapour(self, seed: int, at: Times) -> Values:
        """Return the vapour pressure outside, in hPa."""
        humid = np.clip(self.damp + 12 * curves.drift(seed + 2, at, 11 * HOUR), 25, 99)
        return humid / 100 * np.asarray(saturations(self.temperature(seed, at)))


LAKELAND = Climate(mean=4.0, season=12.5, day=2.5, wander=5.0, damp=82, hours=2)
HIGHLANDS = Climate(mean=22.0, season=2.5, day=4.0, wander=1.5, damp=78, hours=7)


def saturation(celsius: float) -> float:
    """Return the saturation pressure of water at a temperature, in hPa."""
    return 6.112 * math.exp(17.62 * celsius / (243.12 + celsius))


def saturations(celsius: Values) -> Values:
    """Return the saturation pressure of water at many temperatures, in hPa."""
    return np.asarray(6.112 * np.exp(17.62 * celsius / (243.12 + celsius)), dtype=np.float64)


def toward(value: float, goal: float, seconds: float, lag: float) -> float:
    """Return a quantity after some seconds in which it went toward a goal, with a lag in seconds."""
    return goal + (value - goal) * math.exp(-seconds / lag)


def between(values: Values, low: float, high: float) -> Values:
    """Return values, none lower or higher than the instrument tells."""
    return np.asarray(np.clip(values, low, high), dtype=np.float64)


def pressure(seed: int, at: Times) -> Values:
    """Return the pressure of the air, in hPa."""
    return 1011 + 15 * curves.drift(seed, at, 4 * DAY) + 2 * curves.drift(seed + 1, at, DAY)


def indoors(seed: int, at: Times, hours: float = 1) -> Values:
    """Return the air of a room that people heat by day."""
    heating = 0.3 * curves.drift(seed + 5, at, 25 * MINUTE)
    return 20.5 + curves.own(seed) + 0.9 * curves.rhythm(at, 18 - hours) + heating


def weekday(at: Times, hours: float) -> Times:
    """Return the day of the week where clocks are some hours from UTC, 0 for Monday."""
    return (at + round(hours * HOUR) + MONDAY) // DAY % 7


def hour(at: Times, hours: float) -> Values:
    """Return the hour of the day there, with its fraction."""
    return (at + round(hours * HOUR)) % DAY / HOUR


def paces(last: int, at: Times) -> list[float]:
    """Return the seconds that passed before each time, since the time before."""
    return [float(each) / 1e6 for each in np.diff(at, prepend=last).tolist()]

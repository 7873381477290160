"""Pure curves over time: each takes times in microseconds since 1970 (int64[n]) and returns float64[n].

Whatever looks random follows from a seed and the time alone, so a span computed at once and the same span
computed value by value are equal.
"""

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import DAY, HOUR

Times = NDArray[np.int64]
Values = NDArray[np.float64]

LATITUDE = np.radians(50.0)  # of the sun that shines on simulated places
_WINTER_SOLSTICE = 355.0  # day of the year
_YEAR_DAYS = 365.2425


def uniform(seed: int, number: Times) -> Values:
    """Return numbers in [0, 1), one for each whole number, by the mixing function of splitmix64."""
    mixed = number.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) / 2.0**53


def own(seed: int) -> float:
    """Return what makes one device differ from its like: a constant within -1 and 1."""
    return float(2 * uniform(seed, np.zeros(1, np.int64))[0] - 1)


def noise(seed: int, at: Times) -> Values:
    """Return what a sensor adds by itself: normal, mean 0, deviation 1, a new value at each time."""
    radius = np.sqrt(-2 * np.log1p(-uniform(seed, at)))
    return np.asarray(radius * np.cos(2 * np.pi * uniform(seed + 1, at)), dtype=np.float64)


def drift(seed: int, at: Times, period: int) -> Values:
    """Return a smooth wander within -1 and 1 that takes about `period` microseconds to change its mind."""
    knot, within = np.divmod(at, period)
    share = within / period
    ease = share * share * (3 - 2 * share)
    before, after = uniform(seed, knot), uniform(seed, knot + 1)
    return 2 * (before + (after - before) * ease) - 1


def rhythm(at: Times, peak_hour: float) -> Values:
    """Return the wave of the day: 1 at an hour of the day in UTC, -1 twelve hours from it."""
    return np.asarray(np.cos(2 * np.pi * (at % DAY / HOUR - peak_hour) / 24), dtype=np.float64)


def season(at: Times) -> Values:
    """Return the wave of the year: -1 in the middle of January, 1 in the middle of July."""
    return np.asarray(-np.cos(2 * np.pi * (at / DAY - 15) / _YEAR_DAYS), dtype=np.float64)


def daylight(at: Times) -> Values:
    """Return the sine of the sun's height over the horizon, 0 at night; long days in summer, short ones in winter."""
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (at / DAY - (_WINTER_SOLSTICE - _YEAR_DAYS)) / _YEAR_DAYS)
    turn = np.cos(np.pi * (at % DAY / HOUR - 12) / 12)
    height = np.sin(LATITUDE) * np.sin(declination) + np.cos(LATITUDE) * np.cos(declination) * turn
    return np.asarray(np.maximum(height, 0.0), dtype=np.float64)


def bursts(seed: int, at: Times, every: int, lasting: int, chance: float) -> Values:
    """Return 1 during bursts, else 0: in each span of `every` there is one of `lasting`, with a chance."""
    slot, within = np.divmod(at, every)
    start = uniform(seed + 1, slot) * (every - lasting)
    on = (uniform(seed, slot) < chance) & (within >= start) & (within < start + lasting)
    return on.astype(np.float64)


def refills(seed: int, number: Times, period: int) -> Times:
    """Return when something is filled up again for the n-th time: about every `period`."""
    return ((number + 0.4 * uniform(seed, number)) * period).astype(np.int64)


def fullness(seed: int, at: Times, period: int) -> Values:
    """Return 1 when something was just filled up, falling to 0 until the next time."""
    number = at // period
    number = number - (at < refills(seed, number, period))
    last, following = refills(seed, number, period), refills(seed, number + 1, period)
    return 1 - (at - last) / (following - last)


def ticks(seed: int, start: int, end: int, every: int) -> Times:
    """Return when a device measures, from `start` to before `end`: each `every`, up to 50 ms late, in milliseconds."""
    phase = int((own(seed) + 1) / 2 * every)
    number = np.arange((start - phase) // every - 1, (end - phase) // every + 2, dtype=np.int64)
    late = uniform(seed + 1, number) * min(50_000, every / 2)
    at = (number * every + phase + late.astype(np.int64)) // 1000 * 1000
    return at[(at >= start) & (at < end)]

"""Formulas of air and time, each with its source; what cannot be reckoned is None."""

from math import exp, log

from msgspec import Struct

from verger.base.clock import SECOND

# Magnus' formula over water with the coefficients of Alduchov and Eskridge (1996), Journal of Applied Meteorology
# 35(4), equation 21: within 0.4 % from -40 to 50 °C.
_A, _B, _C_KPA = 17.625, 243.04, 0.61094


def saturation(celsius: float) -> float:
    """Return the pressure of saturated water vapour, in kPa."""
    return _C_KPA * exp(_A * celsius / (_B + celsius))


def vpd(celsius: float, humidity: float) -> float | None:
    """Return how much water vapour air could still take up, in kPa, at a relative humidity in percent."""
    return saturation(celsius) * (1 - humidity / 100) if celsius > -_B and 0 <= humidity <= 100 else None


def dew_point(celsius: float, humidity: float) -> float | None:
    """Return at which temperature in °C water condenses, at a relative humidity in percent."""
    if celsius <= -_B or not 0 < humidity <= 100:
        return None
    share = log(humidity / 100) + _A * celsius / (_B + celsius)
    return _B * share / (_A - share)


class Run(Struct, frozen=True, array_like=True):
    """What was summed up of a value over time: the total, and the last value with its time in microseconds."""

    total: float = 0.0
    at: int | None = None
    value: float = 0.0


def integrated(run: Run, value: float, at: int, per_s: float, gap_s: float) -> Run:
    """Return a value summed up over time by trapezia, in units of `per_s`; a gap longer than `gap_s` adds nothing."""
    lasted = 0.0 if run.at is None else (at - run.at) / SECOND
    added = (run.value + value) / 2 * lasted / per_s if 0 < lasted <= gap_s else 0.0
    return Run(run.total + added, at, value)


def increased(run: Run, value: float, at: int) -> Run:
    """Return how much a counter has grown in all; one that falls began again at 0, so it grew by what it shows."""
    grown = 0.0 if run.at is None else value - run.value if value >= run.value else value
    return Run(run.total + grown, at, value)


def rate(run: Run, value: float, at: int, per_s: float) -> float | None:
    """Return how fast a value changes since its last one, in units of `per_s`."""
    if run.at is None or at <= run.at:
        return None
    return (value - run.value) / ((at - run.at) / SECOND) * per_s

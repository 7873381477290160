"""Sunrise and sunset, to about a minute, by the equations of NOAA's solar calculator (after Meeus, 1998).

https://gml.noaa.gov/grad/solcalc/solareqns.PDF and its spreadsheet; the sun's upper edge touches the horizon when its
centre stands 0.833° below it.
"""

from datetime import UTC, date, datetime, timedelta
from math import acos, asin, cos, degrees, radians, sin, tan
from typing import Literal
from zoneinfo import ZoneInfo

from verger.base.clock import DAY, MINUTE, microseconds
from verger.domain.rules.wall import local_day

Turn = Literal["sunrise", "sunset"]

_HORIZON = -0.833
_J2000 = microseconds(datetime(2000, 1, 1, 12, tzinfo=UTC))
_SEARCHED_DAYS = 400


def next_sun(turn: Turn, after: int, latitude: float, longitude: float, zone: ZoneInfo, offset: int = 0) -> int | None:
    """Return when the sun rises or sets next after an instant, moved by an offset; microseconds, None where never."""
    day = local_day(after - offset, zone) - timedelta(days=1)
    for _ in range(_SEARCHED_DAYS):
        at = sun(turn, day, latitude, longitude, zone)
        if at is not None and at + offset > after:
            return at + offset
        day += timedelta(days=1)
    return None


def sun(turn: Turn, day: date, latitude: float, longitude: float, zone: ZoneInfo) -> int | None:
    """Return when the sun rises or sets on a day of a place, in microseconds; None when it does not on that day."""
    midday = microseconds(datetime(day.year, day.month, day.day, 12, tzinfo=zone))
    at = midday
    for _ in range(3):  # the sun moves on between noon and its setting: reckon anew at the time that was found
        declination, equation = _sun_at(at)
        angle = _hour_angle(radians(latitude), declination)
        if angle is None:
            return None
        noon = (720 - 4 * longitude - equation) * MINUTE  # of the UTC day, solar noon
        turned = noon + round((-4 if turn == "sunrise" else 4) * angle * MINUTE)
        at = _nearest(turned, midday)
    return at if local_day(at, zone) == day else None


def _nearest(of_day: float, to: int) -> int:
    """Return the instant at that time of a UTC day which is nearest to another."""
    begin = to // DAY * DAY + round(of_day)
    return begin + round((to - begin) / DAY) * DAY


def _hour_angle(latitude: float, declination: float) -> float | None:
    """Return how many degrees the earth turns between noon and the sun's rising or setting, None when it does not."""
    cosine = cos(radians(90 - _HORIZON)) / (cos(latitude) * cos(declination)) - tan(latitude) * tan(declination)
    return degrees(acos(cosine)) if -1 <= cosine <= 1 else None


def _sun_at(at: int) -> tuple[float, float]:
    """Return the sun's declination in radians and the equation of time in minutes."""
    century = (at - _J2000) / DAY / 36_525
    mean = radians((280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360)
    anomaly = radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
    orbit = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + sin(3 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1934.136 * century)
    apparent = mean + radians(centre - 0.00569 - 0.00478 * sin(node))
    tilt = radians(23 + (26 + (21.448 - century * (46.815 + century * 0.00059)) / 60) / 60 + 0.00256 * cos(node))
    declination = asin(sin(tilt) * sin(apparent))
    half = tan(tilt / 2) ** 2
    equation = 4 * degrees(
        half * sin(2 * mean)
        - 2 * orbit * sin(anomaly)
        + 4 * orbit * half * sin(anomaly) * cos(2 * mean)
        - 0.5 * half * half * sin(4 * mean)
        - 1.25 * orbit * orbit * sin(2 * anomaly)
    )
    return declination, equation

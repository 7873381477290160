"""The curves: the same for the same seed, and like the things they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from verger.base.clock import DAY, HOUR, MINUTE, SECOND
from verger.simulator import curves
from verger.simulator.curves import Times

JULY = 1_783_900_800 * SECOND  # 13 July 2026, midnight in UTC
JANUARY = 1_768_262_400 * SECOND  # 13 January 2026, midnight in UTC


def over(days: float, start: int = JULY, step: int = MINUTE) -> Times:
    return np.arange(start, start + round(days * DAY), step, dtype=np.int64)


@given(seed=some.integers(0, 2**32), start=some.integers(0, 2**52))
def test_a_value_alone_is_the_same_as_within_its_span(seed: int, start: int) -> None:
    at = np.arange(start, start + 50 * SECOND, SECOND, dtype=np.int64)
    for curve in (curves.noise, lambda s, t: curves.drift(s, t, HOUR), lambda s, t: curves.fullness(s, t, HOUR)):
        assert curve(seed, at)[17] == curve(seed, at[17:18])[0]


def test_another_seed_gives_another_curve() -> None:
    assert not np.allclose(curves.drift(1, over(1), HOUR), curves.drift(2, over(1), HOUR))


def test_noise_is_normal() -> None:
    noise = curves.noise(3, over(30))
    assert (round(float(noise.mean()), 1), round(float(noise.std()), 1)) == (0.0, 1.0)


def test_uniform_numbers_are_spread_evenly() -> None:
    counts, _ = np.histogram(curves.uniform(5, over(70)), bins=10, range=(0, 1))
    assert counts.min() > 0.95 * counts.mean()


def test_a_drift_is_smooth_and_stays_within_its_bounds() -> None:
    drift = curves.drift(4, over(10), 2 * HOUR)
    assert np.abs(drift).max() <= 1
    assert np.abs(np.diff(drift)).max() < 0.05


def test_the_day_peaks_at_its_hour() -> None:
    at = over(1)
    assert at[curves.rhythm(at, 15).argmax()] % DAY == 15 * HOUR


def test_nights_are_dark_and_longer_in_winter() -> None:
    summer, winter = (curves.daylight(over(1, start)) for start in (JULY, JANUARY))
    assert summer[0] == winter[0] == 0
    assert (summer > 0).mean() == pytest.approx(16 / 24, abs=0.03)
    assert (winter > 0).mean() == pytest.approx(8.2 / 24, abs=0.03)


def test_summer_is_opposite_to_winter() -> None:
    assert curves.season(over(1, JULY)).mean() == pytest.approx(1, abs=0.01)
    assert curves.season(over(1, JANUARY)).mean() == pytest.approx(-1, abs=0.01)


def test_bursts_last_as_long_as_they_should() -> None:
    on = curves.bursts(6, over(50), 2 * HOUR, 10 * MINUTE, 0.5)
    assert set(on) == {0.0, 1.0}
    assert on.mean() == pytest.approx(0.5 * 10 / 120, rel=0.15)


def test_what_is_full_empties_and_is_filled_up_again() -> None:
    full = curves.fullness(7, over(30), 3 * DAY)
    steps = np.diff(full)
    assert full.min() >= 0
    assert full.max() <= 1
    assert (steps > 0.5).sum() in {9, 10, 11}
    assert (steps[steps < 0.5] <= 0).all()


def test_ticks_come_once_in_each_interval_and_keep_their_place_when_the_span_moves() -> None:
    whole = curves.ticks(8, JULY, JULY + HOUR, 10 * SECOND)
    later = curves.ticks(8, JULY + 20 * MINUTE, JULY + HOUR, 10 * SECOND)
    assert len(whole) == 360
    assert (np.diff(whole) > 9.9 * SECOND).all()
    assert (whole % 1000 == 0).all()
    assert whole[-len(later) :].tolist() == later.tolist()

"""The pace of callers."""

import pytest

from verger.base.clock import HeldClock
from verger.base.errors import TooMany
from verger.edges.api.pace import Pace


def steps(pace: Pace, caller: str, times: int) -> int:
    """Return how many steps in a row are allowed."""
    for done in range(times):
        try:
            pace.step(caller)
        except TooMany:
            return done
    return times


def test_a_burst_is_allowed_and_then_paid_back(clock: HeldClock) -> None:
    pace = Pace(clock, 10, 5)
    assert steps(pace, "a", 9) == 5
    clock.advance(0.3)
    assert steps(pace, "a", 9) == 3
    clock.advance(3600)
    assert steps(pace, "a", 9) == 5


def test_callers_do_not_slow_each_other(clock: HeldClock) -> None:
    pace = Pace(clock, 10, 5)
    steps(pace, "a", 9)
    assert steps(pace, "b", 9) == 5


def test_a_refusal_says_when_to_try_again(clock: HeldClock) -> None:
    pace = Pace(clock, 0.1, 1)
    pace.step("a")
    with pytest.raises(TooMany, match="10 s") as refused:
        pace.step("a")
    assert refused.value.retry_s == 10
    clock.advance(refused.value.retry_s)
    pace.step("a")


def test_a_clock_set_back_takes_nothing_away(clock: HeldClock) -> None:
    pace = Pace(clock, 10, 5)
    pace.step("a")
    clock.advance(-100)
    assert steps(pace, "a", 9) == 4

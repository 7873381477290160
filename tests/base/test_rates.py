"""Rates and the meters that hold them."""

import pytest

from verger.base.clock import SECOND
from verger.base.rates import Meter, bounds, rate


def test_a_rate_is_several_bounds_or_none() -> None:
    assert bounds(" 200:1, 6000:60 ") == ((200, 1), (6000, 60))
    assert rate(" 200:1, 6000:60 ") == "200:1,6000:60"
    assert bounds("") == ()


@pytest.mark.parametrize("text", ["200", "0:1", "1:0", "a:b", "1:1,", "-1:1", "1:1;2:2"])
def test_what_is_no_rate_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ValueError, match="200:1,6000:60"):
        rate(text)


def let_in(meter: Meter, at: float, times: int, count: int = 1) -> int:
    """Return how many of several in a row are let in at a time in seconds."""
    done = 0
    for _ in range(times):
        if not meter.wait(count, int(at * SECOND)):
            meter.spend(count)
            done += 1
    return done


def test_a_burst_is_let_in_and_then_as_many_as_time_gives_back() -> None:
    meter = Meter("10:1", 0)
    assert let_in(meter, 0, 50) == 10
    assert let_in(meter, 0.5, 50) == 5
    assert let_in(meter, 100, 50) == 10


def test_the_narrowest_bound_counts() -> None:
    meter = Meter("10:1,15:60", 0)
    assert [let_in(meter, at, 50) for at in (0, 1, 2)] == [10, 5, 0]
    assert meter.wait(1, 2 * SECOND) == pytest.approx(2.0)


def test_more_at_once_than_a_bound_is_let_in_alone_and_paid_back() -> None:
    meter = Meter("10:1", 0)
    assert let_in(meter, 0, 2, count=30) == 1
    assert meter.wait(1, 0) == pytest.approx(2.1)
    assert let_in(meter, 2.0, 1) == 0
    assert let_in(meter, 2.1, 1) == 1


def test_a_clock_set_back_takes_nothing_away() -> None:
    meter = Meter("10:1", 100 * SECOND)
    assert let_in(meter, 50, 20) == 10
    assert let_in(meter, 50.5, 20) == 5

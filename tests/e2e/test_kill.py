"""The program is killed, or asked to end, amid a load of timed readings."""

from random import SystemRandom

import pytest

from tests.e2e.home import Home
from tests.e2e.load import load_of
from tests.e2e.waiting import until


def survive(home: Home, kills: int, least: int, most: int) -> None:
    """Kill the program again and again, each time after some more readings were acknowledged, then judge."""
    load = load_of(home, devices=4)
    for _ in range(kills):
        goal = load.kept + SystemRandom().randint(least, most)
        with load.running(home.server.mqtt):
            until(lambda: load.kept >= goal)  # noqa: B023  it is asked before the next round
            home.server.kill()
        home.server.start()
    goal = load.kept + least
    with load.running(home.server.mqtt):
        until(lambda: load.kept >= goal)
    load.judge(home)


def test_every_acknowledged_reading_outlives_three_kills_and_none_is_there_twice(home: Home) -> None:
    survive(home, kills=3, least=200, most=3_000)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_acknowledged_reading_outlives_many_kills(home: Home) -> None:
    survive(home, kills=12, least=100, most=12_000)


def test_asked_to_end_amid_a_load_it_ends_soon_and_loses_nothing(home: Home) -> None:
    load = load_of(home, devices=4)
    with load.running(home.server.mqtt):
        until(lambda: load.kept >= 1_000)
        status, seconds, printed = home.server.stop()
    assert (status, printed) == (0, "")
    assert seconds < 5
    home.server.start()
    load.judge(home)

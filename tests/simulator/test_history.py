"""What simulated devices measure and see over a span."""

import numpy as np
import pytest

from verger.base.clock import DAY, HOUR, SECOND
from verger.base.errors import Invalid
from verger.simulator.history import in_reach, occurrences, readings
from verger.simulator.kinds import KINDS, kind_named

START = 1_795_000_000 * SECOND
BELIEVABLE = {
    "temperature": (5, 35),
    "air_temperature": (5, 35),
    "humidity": (15, 100),
    "co2": (350, 2500),
    "pressure": (950, 1060),
    "battery": (0, 100),
    "soil_moisture": (5, 95),
    "light": (0, 100_000),
    "water_level": (0, 100),
    "power": (0, 3700),
    "current": (0, 16_000),
    "voltage": (207, 253),
    "rssi": (-100, -30),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_month_of_values_is_believable(name: str) -> None:
    month = readings(KINDS[name], 11, START, START + 30 * DAY, 60)
    assert len(month.at) == 30 * 24 * 60
    for metric, values in month.values.items():
        low, high = BELIEVABLE[metric]
        assert low <= values.min() < values.max() <= high, metric


@pytest.mark.parametrize("name", KINDS)
def test_values_have_the_decimals_of_their_sensor(name: str) -> None:
    hour = readings(KINDS[name], 11, START, START + HOUR, 10)
    for metric, values in hour.values.items():
        assert (values == np.round(values, KINDS[name].metrics[metric].decimals)).all()


def test_two_halves_make_a_whole() -> None:
    half = START + 1234 * SECOND
    whole = readings(KINDS["plant"], 5, START, START + HOUR, 10)
    parts = [readings(KINDS["plant"], 5, *span, 10) for span in ((START, half), (half, START + HOUR))]
    assert np.concatenate([part.at for part in parts]).tolist() == whole.at.tolist()
    for metric, values in whole.values.items():
        assert np.concatenate([part.values[metric] for part in parts]).tolist() == values.tolist()


def test_two_devices_of_a_kind_differ() -> None:
    one, other = (readings(KINDS["cottage"], seed, START, START + HOUR, 10).values["temperature"] for seed in (1, 2))
    assert one.tolist() != other.tolist()


def test_a_current_goes_hand_in_hand_with_its_power() -> None:
    values = readings(KINDS["outlet"], 3, START, START + DAY, 60).values
    assert np.allclose(values["power"] / 0.23, values["current"], atol=1)


def test_events_happen_about_as_often_as_they_should_and_only_in_their_hours() -> None:
    month = occurrences(KINDS["ozone"], 3, START, START + 30 * DAY)
    assert 30 * 16 * 0.8 < len(month) < 30 * 16 * 1.2
    assert {one.at % DAY // HOUR for one in month} == set(range(1, 13))
    assert [one.at for one in month] == sorted(one.at for one in month)
    assert len({one.id for one in month}) == len(month)


def test_the_same_event_has_the_same_id_however_it_is_asked_for() -> None:
    day = occurrences(KINDS["farm"], 3, START, START + DAY)
    hours = [
        one
        for hour in range(24)
        for one in occurrences(KINDS["farm"], 3, START + hour * HOUR, START + (hour + 1) * HOUR)
    ]
    assert hours == day


def test_a_device_is_out_of_reach_now_and_then_for_a_while() -> None:
    week = [in_reach(9, at) for at in range(START, START + 7 * DAY, 60 * SECOND)]
    assert 0.95 < sum(week) / len(week) < 0.995


def test_an_unknown_kind_is_told_with_those_there_are() -> None:
    with pytest.raises(Invalid, match=r"called toaster; choose one of cottage, plant, outlet, farm, ozone\."):
        kind_named("toaster")

"""The physics of simulated places: one thing follows another, and the same seed is the same place."""

import numpy as np

from verger.base.clock import DAY, HOUR, MINUTE, SECOND
from verger.simulator.growing import Growing, tended
from verger.simulator.pots import Pot, watered
from verger.simulator.rooms import Room
from verger.simulator.sockets import FRIDGE, LAMPS, PLUGGED, Appliance, Outlet, breaker
from verger.simulator.treatments import BY_HOUR, Counters, pressed

START = 1_794_000_000 * SECOND


def times(span: int, every: int = MINUTE) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(START + every, START + span, every, dtype=np.int64)


def test_a_pot_is_the_same_for_the_same_seed_asked_at_once_or_bit_by_bit() -> None:
    at = times(DAY)
    whole = Pot(4, START, watered(30, 70, 20, 3600)).live(at)
    pot = Pot(4, START, watered(30, 70, 20, 3600))
    bits = [pot.live(some) for some in np.array_split(at, 7)]
    for name, values in whole.items():
        np.testing.assert_array_equal(values, np.concatenate([bit[name] for bit in bits]))
    other = Pot(5, START).live(at)["soil_moisture"]
    assert not np.array_equal(other, whole["soil_moisture"])


def test_earth_dries_faster_where_it_is_warm() -> None:
    cool, warm = Pot(4, START), Pot(4, START)
    warm.lamp = True
    before = cool.soil
    cool.live(times(10 * HOUR))
    warm.live(times(10 * HOUR))
    assert before - warm.soil > 1.15 * (before - cool.soil) > 1


def test_what_is_pumped_is_missing_in_the_reservoir_and_a_dry_one_gives_nothing() -> None:
    pot = Pot(4, START)
    soil, level = pot.soil, pot.level
    pot.pump(20)
    pot.live(times(15 * MINUTE))
    assert 12 < pot.soil - soil < 14.5
    assert 6.9 < level - pot.level < 7.1
    pot.level, soil = 1.0, pot.soil
    pot.pump(20)
    pot.live(times(15 * MINUTE) + 15 * MINUTE)
    assert pot.soil < soil


def test_somebody_fills_a_reservoir_that_stays_low() -> None:
    pot = Pot(4, START)
    pot.level = 10
    pot.live(times(5 * HOUR))
    assert pot.level == 10
    pot.live(times(3 * HOUR) + 5 * HOUR)
    assert pot.level == 97


def test_a_watered_pot_lives_through_a_month() -> None:
    soil = Pot(4, START, watered(30, 70, 20, 3600)).live(times(30 * DAY))["soil_moisture"]
    assert 28 < soil.min() < 31
    assert soil.max() < 86


def test_a_cottage_is_warm_with_people_and_freezes_when_its_heater_breaks() -> None:
    at = times(28 * DAY, 10 * MINUTE)
    kept = Room(1, START).live(at)["temperature"]
    assert kept.min() > 9
    assert kept.max() > 19
    broken = Room(1, START, cold=(START + 4 * DAY, START + 8 * DAY)).live(at)["temperature"]
    assert broken.min() < 6
    assert broken[-1] > 9


def test_rooms_of_one_place_share_the_pressure_of_the_air() -> None:
    at = times(DAY, 10 * MINUTE)
    hall, sauna = Room(1, START, place=9).live(at), Room(2, START, place=9).live(at)
    assert np.abs(hall["pressure"] - sauna["pressure"]).max() < 1
    assert np.all((hall["humidity"] > 12) & (hall["humidity"] < 99))


def test_a_humidifier_makes_a_growing_room_damp_and_a_fan_clears_its_air() -> None:
    still, damp, aired = Growing(3, START), Growing(3, START), Growing(3, START)
    damp.humidifier = aired.fan = True
    for room in (still, damp, aired):
        room.live(times(HOUR))
    assert damp.humid > still.humid + 8
    assert aired.carbon < still.carbon - 500
    assert aired.humid < still.humid


def test_a_tended_growing_room_stays_as_it_should() -> None:
    told = Growing(3, START, tended()).live(times(7 * DAY))
    assert np.percentile(told["humidity"], 2) > 80
    assert np.percentile(told["co2"], 98) < 1200
    assert 18 < told["temperature"].min() < told["temperature"].max() < 24


def test_the_breaker_carries_the_sum_and_a_relay_that_is_off_lets_nothing_flow() -> None:
    at = times(DAY)
    bench, shop = Outlet(1, (FRIDGE, LAMPS)), Outlet(2, PLUGGED[1])
    flows = [bench.live(at), shop.live(at)]
    total = sum(each[f"current_{socket}"] for each in flows for socket in "ab")
    assert np.abs(breaker(flows, 1, at) - total).max() < 120
    assert flows[0]["current_a"].max() > 600
    bench.relays[0] = False
    assert bench.live(at)["current_a"].max() == 0
    assert bench.live(at)["current_b"].max() > 0


def test_a_socket_past_its_threshold_trips_and_tries_again() -> None:
    heater = Appliance(4000, 0, HOUR, MINUTE)
    one = Outlet(1, (heater, LAMPS))
    assert one.now(START)[0] == 0
    one.threshold = 6000
    assert one.now(START + 3 * SECOND)[0] == 0
    assert one.now(START + 6 * SECOND)[0] > 3500


def test_treatments_follow_the_day_and_are_counted() -> None:
    month = pressed(3, START, START + 30 * DAY)
    parts = [each for day in range(30) for each in pressed(3, START + day * DAY, START + (day + 1) * DAY)]
    assert month == parts
    assert 500 < len(month) < 900
    hours = [(at + 8 * HOUR) % DAY // HOUR for _, at in month]
    assert all(BY_HOUR[hour] for hour in hours)
    counters = Counters()
    done = [counters.count(each) for each in month]
    assert sum(counters.counts.values()) == len(done)
    assert counters.counts["BASIC"] > counters.counts["STANDARD"] > counters.counts["PREMIUM"] > 40

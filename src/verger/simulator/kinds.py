"""Kinds of simulated device: what each measures, what happens to it, and what it tells about itself."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from verger.base.clock import DAY, HOUR, MINUTE
from verger.base.errors import Invalid
from verger.simulator import curves
from verger.simulator.curves import Times, Values

Curve = Callable[[int, Times], Values]

WATERING = 3 * DAY
BATTERY = 240 * DAY


@dataclass(frozen=True)
class Metric:
    """One measured value: its UCUM unit, its curve, its sensor's decimals, and the metric it goes hand in hand with."""

    unit: str
    curve: Curve
    decimals: int = 1
    beside: str = ""


@dataclass(frozen=True)
class Happening:
    """Something that happens now and then: its kind, how often a day, between which hours in UTC, with which data."""

    kind: str
    a_day: float
    hours: tuple[int, int] = (0, 24)
    data: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of device."""

    model: str
    metrics: Mapping[str, Metric]
    happenings: tuple[Happening, ...] = ()


def _outdoors(seed: int, at: Times) -> Values:
    weather = 4 * curves.drift(seed, at, 3 * DAY) + 1.5 * curves.drift(seed + 1, at, 7 * HOUR)
    return 9 + 9 * curves.season(at) + 4 * curves.rhythm(at, 14) + weather


def _indoors(seed: int, at: Times) -> Values:
    heating = 0.3 * curves.drift(seed + 5, at, 25 * MINUTE)
    day = 19.5 + 1.5 * curves.own(seed) + 0.12 * _outdoors(seed, at) + 0.8 * curves.rhythm(at, 17)
    return day + heating + 0.04 * curves.noise(seed, at)


def _indoor_humidity(seed: int, at: Times) -> Values:
    cooking = 14 * curves.bursts(seed + 3, at, 6 * HOUR, 40 * MINUTE, 0.6)
    weather = 44 + 4 * curves.own(seed) + 6 * curves.season(at) + 7 * curves.drift(seed, at, 9 * HOUR)
    return weather + cooking + 0.4 * curves.noise(seed, at)


def _presence(seed: int, at: Times) -> Values:
    return np.clip(0.5 + 0.9 * curves.rhythm(at, 20) + 0.5 * curves.drift(seed, at, 2 * HOUR), 0, 1)


def _indoor_co2(seed: int, at: Times) -> Values:
    return 430 + 620 * _presence(seed, at) + 40 * curves.drift(seed + 2, at, 20 * MINUTE) + 6 * curves.noise(seed, at)


def _pressure(seed: int, at: Times) -> Values:
    return (
        1013 + 14 * curves.drift(seed, at, 4 * DAY) + 2 * curves.drift(seed + 1, at, DAY) + 0.1 * curves.noise(seed, at)
    )


def _window_light(seed: int, at: Times) -> Values:
    clouds = 0.6 + 0.4 * curves.drift(seed, at, 50 * MINUTE)
    lamp = 180 * curves.bursts(seed + 1, at, 12 * HOUR, 3 * HOUR, 0.7)
    return 1 + (9000 * curves.daylight(at) * clouds + lamp) * (1 + 0.01 * curves.noise(seed, at))


def _soil_moisture(seed: int, at: Times) -> Values:
    return 28 + 40 * curves.fullness(seed, at, WATERING) ** 1.4 + 0.4 * curves.noise(seed, at)


def _water_level(seed: int, at: Times) -> Values:
    return 12 + 86 * curves.fullness(seed, at, 14 * DAY) + 0.3 * curves.noise(seed, at)


def _battery(seed: int, at: Times) -> Values:
    return 18 + 82 * curves.fullness(seed, at, BATTERY)


def _rssi(seed: int, at: Times) -> Values:
    return -64 + 12 * curves.own(seed) + 6 * curves.drift(seed, at, 2 * HOUR) + 2 * curves.noise(seed, at)


def _power(seed: int, at: Times) -> Values:
    fridge = 95 * curves.bursts(seed, at, 45 * MINUTE, 18 * MINUTE, 1)
    kettle = 1900 * curves.bursts(seed + 1, at, 4 * HOUR, 4 * MINUTE, 0.6)
    evening = 260 * _presence(seed + 2, at)
    return (45 + 20 * curves.own(seed) + fridge + kettle + evening) * (1 + 0.01 * curves.noise(seed, at))


def _current(seed: int, at: Times) -> Values:
    return _power(seed, at) / 0.23


def _growing_temperature(seed: int, at: Times) -> Values:
    return (
        17.5 + 0.5 * curves.rhythm(at, 15) + 0.6 * curves.drift(seed, at, 70 * MINUTE) + 0.05 * curves.noise(seed, at)
    )


def _growing_humidity(seed: int, at: Times) -> Values:
    return np.minimum(82 + 15 * curves.fullness(seed, at, 35 * MINUTE) + 0.6 * curves.noise(seed, at), 99.5)


def _growing_co2(seed: int, at: Times) -> Values:
    return 1350 - 520 * curves.fullness(seed, at, 50 * MINUTE) + 12 * curves.noise(seed, at)


def _growing_light(seed: int, at: Times) -> Values:
    lit = ((at % DAY) // HOUR >= 6) & ((at % DAY) // HOUR < 18)
    return 4 + 560 * lit * (1 + 0.01 * curves.noise(seed, at))


def _voltage(seed: int, at: Times) -> Values:
    return 230 + 3 * curves.drift(seed, at, 90 * MINUTE) + 0.4 * curves.noise(seed, at)


_BATTERY = Metric("%", _battery, 0)
_RSSI = Metric("dB[mW]", _rssi, 0)

KINDS: dict[str, Kind] = {
    "cottage": Kind(
        "Room climate sensor",
        {
            "temperature": Metric("Cel", _indoors, 2),
            "humidity": Metric("%", _indoor_humidity),
            "co2": Metric("[ppm]", _indoor_co2, 0),
            "pressure": Metric("hPa", _pressure),
            "battery": _BATTERY,
        },
        (Happening("door.opened", 6, (6, 22)),),
    ),
    "plant": Kind(
        "Plant pot controller",
        {
            "soil_moisture": Metric("%", _soil_moisture),
            "air_temperature": Metric("Cel", _indoors, 2),
            "light": Metric("lx", _window_light, 0),
            "water_level": Metric("%", _water_level),
            "battery": _BATTERY,
        },
        (Happening("pump.ran", 1, (5, 20), {"duration_s": 20}),),
    ),
    "outlet": Kind(
        "Double power outlet",
        {
            "power": Metric("W", _power),
            "current": Metric("mA", _current, 0, beside="power"),
            "voltage": Metric("V", _voltage),
            "rssi": _RSSI,
        },
        (Happening("relay.switched", 4, (5, 23)),),
    ),
    "farm": Kind(
        "Growing room sensor",
        {
            "temperature": Metric("Cel", _growing_temperature, 2),
            "humidity": Metric("%", _growing_humidity),
            "co2": Metric("[ppm]", _growing_co2, 0),
            "light": Metric("lx", _growing_light, 0),
            "battery": _BATTERY,
        },
        (Happening("door.opened", 8, (4, 18)),),
    ),
    "ozone": Kind(
        "Ozone machine counter",
        {
            "temperature": Metric("Cel", _indoors),
            "humidity": Metric("%", _indoor_humidity),
            "voltage": Metric("V", _voltage),
            "rssi": _RSSI,
        },
        (
            Happening("treatment.basic", 9, (1, 13), {"duration_s": 300}),
            Happening("treatment.standard", 5, (1, 13), {"duration_s": 600}),
            Happening("treatment.premium", 2, (1, 13), {"duration_s": 900}),
        ),
    ),
}


def kind_named(name: str) -> Kind:
    """Return a kind of device."""
    if name not in KINDS:
        raise Invalid(f"There is no kind of device called {name}; choose one of {', '.join(KINDS)}.")
    return KINDS[name]


def seed_of(seed: int, name: str) -> int:
    """Return the seed of one thing (a metric, an event) below another's."""
    return zlib.crc32(f"{seed}/{name}".encode())

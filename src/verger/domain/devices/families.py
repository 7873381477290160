"""Families of devices that are known by an address of their own, and when two ways of writing one mean one device."""

import re
from collections.abc import Callable
from functools import lru_cache

from verger.domain.devices.boards import BOARD

CHANNELS = {
    "temp": "temperature",
    "temperature": "temperature",
    "hum": "humidity",
    "humidity": "humidity",
    "press": "pressure",
    "pressure": "pressure",
    "light": "light",
    "lux": "light",
    "motion": "motion",
    "air": "air_quality",
    "aqi": "air_quality",
    "batt": "battery",
    "battery": "battery",
}
"""Last words of the ids of cottage sensors, and the metrics that they name."""

ANYTHING = "value"
"""The metric of a cottage sensor whose id names none."""

_MAC = re.compile(r"[0-9A-F]{12}")
_FARM_TOPIC = re.compile(r"farm/([^/]+)/room/[^/]+/(?:device/([^/]+)(?:/[^/]+)?|[^/]+/([^/]+))")


def sensor(sensor_id: str) -> tuple[str, str]:
    """Return the physical device that an id of a cottage sensor belongs to, and which metric of it that is."""
    stem, _, last = sensor_id.rpartition("_")
    metric = CHANNELS.get(last.lower())
    return (stem, metric) if stem and metric else (sensor_id, CHANNELS.get(sensor_id.lower(), ANYTHING))


@lru_cache(maxsize=10_000)
def _cottage(address: str) -> str:
    return sensor(address.strip())[0]


def _ozone(address: str) -> str:
    """Return a MAC without colons in upper case; anything else as it is."""
    bare = re.sub(r"[:\-.\s]", "", address).upper()
    return bare if _MAC.fullmatch(bare) else address.strip()


def _plant(address: str) -> str:
    return address.strip().lower()


def _outlet(address: str) -> str:
    """Return a hexadecimal id of two digits or more in upper case."""
    return address.strip().upper().rjust(2, "0")


@lru_cache(maxsize=10_000)
def _farm(address: str) -> str:
    """Return a farm and its device, which keeps its own id when it moves to another room; a topic names both."""
    name = address.strip().strip("/")
    found = _FARM_TOPIC.fullmatch(name)
    return f"{found[1]}/{found[2] or found[3]}" if found else name


FAMILIES: dict[str, Callable[[str], str]] = {
    "cottage": _cottage,
    "ozone": _ozone,
    "plant": _plant,
    "outlet": _outlet,
    "farm": _farm,
}


def identity(dialect: str, address: str) -> str:
    """Return what is equal for all ways of writing the address of one device."""
    return FAMILIES.get(dialect, str)(address)


def called(dialect: str, address: str) -> str:
    """Return what to call a device whose name nobody told: its address, on farms without that of the farm."""
    return identity(dialect, address).rpartition("/")[2].removeprefix(BOARD) if dialect == "farm" else address

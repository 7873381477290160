"""Plant-care devices: their ids of what they measure and move, and the secret that they sign in with."""

import secrets
import uuid
from collections.abc import Collection, Mapping

from msgspec import structs

from verger.domain.devices.model import Device

NAME = "plant"
SENSORS = ("soil_moisture", "air_temperature", "water_level")
ACTUATORS = ("pump", "lamp")
SHORTEST_SECRET = 8


def fitted(device: Device) -> Device:
    """Return a device that has an address, and ids of the usual sensors and actuators where it brings none."""
    channels = device.channels or {str(uuid.uuid4()): name for name in (*SENSORS, *ACTUATORS)}
    return structs.replace(device, address=device.address or device.id, channels=channels)


def fresh_secret() -> str:
    """Return a secret of 43 characters."""
    return secrets.token_urlsafe(32)


def sensor_ids(channels: Mapping[str, str], methods: Collection[str] = ()) -> dict[str, str]:
    """Return the ids of what measures, by metric; `methods` are the capabilities of the device's type."""
    return {name: each for each, name in channels.items() if not _moves(name, methods)}


def actuator_ids(channels: Mapping[str, str], methods: Collection[str] = ()) -> dict[str, str]:
    """Return the ids of what can be moved, by name."""
    return {name: each for each, name in channels.items() if _moves(name, methods)}


def _moves(name: str, methods: Collection[str]) -> bool:
    return name in ACTUATORS or name in methods or any(method.startswith(f"{name}.") for method in methods)

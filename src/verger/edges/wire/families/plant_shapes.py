"""Planters as their old pages read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import structs

from verger.base.errors import Missing
from verger.domain.devices.families import identity
from verger.domain.devices.model import Device
from verger.domain.devices.plants import ACTUATORS, NAME, actuator_ids, sensor_ids
from verger.edges.wire.families.desk import Desk
from verger.flows.tending import Profile, Tending

_UNITS = {"soil_moisture": "%", "air_temperature": "C", "water_level": "%"}
_NOT_THERE = "Device not found"


@dataclass(frozen=True)
class Planters:
    """The planters of a tenant."""

    desk: Desk
    tenant: str

    async def all(self) -> list[Device]:
        """Return all of them."""
        devices = await self.desk.people.stories.kept.devices.at(self.tenant)
        return [device for device in devices if device.dialect == NAME and device.address is not None]

    async def find(self, device_id: str) -> Device:
        """Return the one that its people know by an id; raise Missing."""
        kept = self.desk.people.stories.kept
        known = kept.addresses.find(self.tenant, NAME, identity(NAME, device_id))
        if known is None:
            raise Missing(_NOT_THERE)
        return await kept.devices.get(self.tenant, known.device)

    async def told(self, devices: Sequence[Device]) -> list[dict[str, Any]]:
        """Return devices as they are listed."""
        stories = self.desk.people.stories
        shown = await stories.showing.devices(self.tenant, devices)
        profiles = await Tending(stories.ruling).all(self.tenant, devices)
        moved = await self._moved(devices)
        return [_told(device, profiles.get(device.id), moved) for device in shown]

    async def _moved(self, devices: Sequence[Device]) -> dict[tuple[str, str], datetime]:
        """Return when what devices move last did as it was told, or could not, by device and actuator."""
        ids = [device.id for device in devices]
        moved: dict[tuple[str, str], datetime] = {}
        for (device, method), at in (await self.desk.people.stories.commands.answered(self.tenant, ids)).items():
            key = (device, method.rpartition(".")[0] or ACTUATORS[0])
            moved[key] = max(at, moved.get(key, at))
        return moved


def planters(desk: Desk, tenant: str) -> Planters:
    """Return the planters of a tenant."""
    return Planters(desk, tenant)


def profile_told(profile: Profile) -> dict[str, Any]:
    """Return a profile as clients read it."""
    lamp = profile.lamp_schedule
    return structs.asdict(profile) | {"lamp_schedule": None if lamp is None else structs.asdict(lamp)}


def _told(device: Device, profile: Profile | None, moved: Mapping[tuple[str, str], datetime]) -> dict[str, Any]:
    reported = device.attributes.reported
    sensors = sensor_ids(device.channels).items()
    return {
        "id": device.address,
        "name": device.name,
        "model": device.type,
        "status": "online" if device.online else "offline" if device.last_seen else "provisioned",
        "last_seen": device.last_seen,
        "sensors": [
            {"id": each, "type": metric, "unit": _unit(device, metric), "calibration": None} for metric, each in sensors
        ],
        "actuators": [
            {
                "id": each,
                "type": name,
                "state": _state(reported.get(name)),
                "last_command_at": moved.get((device.id, name)),
            }
            for name, each in actuator_ids(device.channels).items()
        ],
        "automation_profile": None if profile is None else profile_told(profile),
    }


def _unit(device: Device, metric: str) -> str | None:
    named = device.metrics.get(metric)
    return (named.unit if named else "") or _UNITS.get(metric)


def _state(reported: Any) -> str:
    """Return how something that moves stands; after a pulse it is off again."""
    return "on" if reported in ("on", True, 1) else "off"

"""Farms, rooms and devices as their old pages read them: places and devices of Verger under other words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from verger.base.errors import Missing, Unknown
from verger.domain.devices.families import identity
from verger.domain.devices.model import Device
from verger.domain.places.model import Place, Tree
from verger.domain.tenancy.model import Caller, Permission
from verger.edges.wire.dialects.farm import METRICS, NAME, naive
from verger.edges.wire.families.call import Call, Reply, compact
from verger.edges.wire.families.desk import Desk

FARM, ROOM = "farm", "room"
MEASURED = {**METRICS, "substrate_moisture": "substrate_moisture"}
"""The metrics of these pages, and what Verger calls them."""
TOLD = ("device_type", "category", "mqtt_topic", "firmware_version", "status")
"""What whoever registers a device says of it, in its stead."""

_CATEGORIES = {"substrate_moisture": "substrate_moisture", "temperature": "temperature", "humidity": "humidity"}
_RUNS = frozenset({"online", "active", "idle"})
_NO_CREDENTIAL, _NO_SESSION = "Missing or invalid authorization header", "Invalid or expired token"


async def asks(desk: Desk, call: Call, needs: Permission) -> Caller:
    """Return who asks, by the token in the header or a session's cookie; raise Unknown or Forbidden."""
    if call.bearer():
        try:
            return await desk.people.caller(call, needs)
        except Unknown:
            raise Unknown(_NO_SESSION) from None
    safe = call.method == "GET" or "origin" in call.headers
    caller = await desk.people.by_cookie(call, needs) if safe else None
    if caller is None:
        raise Unknown(_NO_CREDENTIAL)
    return caller


def success(status: int = 200, **told: Any) -> Reply:
    """Answer in the envelope of this family."""
    return compact({"status": "success", **told}, status)


def text(at: datetime | None) -> str | None:
    """Return a time as these pages read it."""
    return None if at is None else naive(at)


@dataclass(frozen=True)
class Farms:
    """The farms of a tenant, with their rooms and what stands in them, as they are at one moment."""

    desk: Desk
    tenant: str
    tree: Tree
    devices: Sequence[Device]

    @classmethod
    async def of(cls, desk: Desk, tenant: str) -> "Farms":
        """Return the farms of a tenant."""
        stories = desk.people.stories
        return cls(desk, tenant, await stories.places.tree(tenant), await stories.kept.devices.at(tenant))

    def all(self) -> list[Place]:
        """Return the farms."""
        return [place for place in self.tree.places.values() if place.kind == FARM]

    def farm(self, farm: str) -> Place:
        """Return a farm; raise Missing."""
        return self._of_kind(FARM, farm)

    def room(self, room: str) -> Place:
        """Return a room; raise Missing."""
        return self._of_kind(ROOM, room)

    def _of_kind(self, kind: str, place: str) -> Place:
        found = self.tree.places.get(place)
        if found is None or found.kind != kind:
            raise Missing(f"{kind.capitalize()} not found")
        return found

    def rooms(self, farm: str | None = None) -> list[Place]:
        """Return the rooms of a farm, or of all."""
        below = set(self.tree.places) if farm is None else set(self.tree.below(farm))
        return [place for place in self.tree.places.values() if place.kind == ROOM and place.id in below]

    def grounds(self) -> list[str]:
        """Return all farms and what lies in them."""
        return list(dict.fromkeys(each for farm in self.all() for each in self.tree.below(farm.id)))

    def where(self, place: str | None) -> dict[str, str | None]:
        """Return the farm and the room that a place is or lies in."""
        found: dict[str, str | None] = {"farm_id": None, "room_id": None}
        for each in [] if place is None else [place, *self.tree.above(place)]:
            kind = self.tree.places[each].kind if each in self.tree.places else ""
            name = {FARM: "farm_id", ROOM: "room_id"}.get(kind)
            if name is not None and found[name] is None:
                found[name] = each
        return found

    def inside(self, place: str) -> list[Device]:
        """Return the devices at a place and below it."""
        below = set(self.tree.below(place))
        return [device for device in self.devices if device.place in below]

    def on_farms(self) -> list[Device]:
        """Return the devices of this family, and all others that stand on farms."""
        return [each for each in self.devices if each.dialect == NAME or self.where(each.place)["farm_id"]]

    def farm_told(self, farm: Place) -> dict[str, Any]:
        """Return a farm as it is listed."""
        return {
            "farm_id": farm.id,
            "owner_id": None,
            "name": farm.name,
            "location": farm.address or None,
            "created_at": text(farm.created_at),
            "rooms_count": len(self.rooms(farm.id)),
        }

    def room_told(self, room: Place) -> dict[str, Any]:
        """Return a room as it is listed."""
        about = room.attributes
        return {
            "room_id": room.id,
            "farm_id": self.where(room.id)["farm_id"],
            "name": room.name,
            "description": about.get("description"),
            "mushroom_type": about.get("mushroom_type"),
            "stage": about.get("stage"),
            "created_at": text(room.created_at),
            "devices_count": len(self.inside(room.id)),
        }

    async def devices_told(self, devices: Sequence[Device]) -> list[dict[str, Any]]:
        """Return devices as they are listed."""
        shown = await self.desk.people.stories.showing.devices(self.tenant, devices)
        return [self._device(device) for device in shown]

    def _device(self, device: Device) -> dict[str, Any]:
        reported = device.attributes.reported
        return {
            "device_id": device.id,
            "room_id": self.where(device.place)["room_id"],
            "name": device.name,
            "device_type": reported.get("device_type", "sensor"),
            "category": reported.get("category") or _category(device),
            "mqtt_topic": reported.get("mqtt_topic") or self._topic(device),
            "status": _status(device),
            "last_seen": text(device.last_seen),
            "firmware_version": reported.get("firmware_version"),
            "created_at": text(device.created_at),
        }

    def _topic(self, device: Device) -> str | None:
        """Return where a device of this family tells what it measures, None for any other."""
        farm, _, own = identity(NAME, device.address or "").rpartition("/")
        if device.dialect != NAME or not farm:
            return None
        room = self.tree.places.get(device.place)
        return f"farm/{farm}/room/{room.name if room else ''}/device/{own}/telemetry"

    def reading(self, device: Device, at: datetime, values: dict[str, float]) -> dict[str, Any]:
        """Return what a device measured at one time."""
        measured = {name: values.get(metric) for name, metric in MEASURED.items()}
        about = {"reading_id": f"{device.id}-{at:%Y%m%dT%H%M%S%f}", "device_id": device.id}
        return {**about, **self.where(device.place), **measured, "recorded_at": text(at)}


def _status(device: Device) -> str:
    """Return how a device stands: what it or somebody in its stead said, unless it should run and is not heard."""
    told = str(device.attributes.reported.get("status", "online"))
    return told if device.online or told.lower() not in _RUNS else "offline"


def _category(device: Device) -> str:
    """Return what a device is for, by what it measures."""
    known = {"co2": "co2", "light": "light", **_CATEGORIES}
    found = [category for metric, category in known.items() if metric in device.metrics]
    return found[0] if len(found) == 1 else "environmental"

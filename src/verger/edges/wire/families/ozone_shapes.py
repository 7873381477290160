"""Outlets, machines and devices as the pages of treatment machines read them: places and devices of Verger."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from verger.base.clock import MINUTE, microseconds
from verger.base.errors import Missing
from verger.base.zones import zone_of
from verger.domain.devices.families import identity
from verger.domain.devices.model import Device, Stay
from verger.domain.enrolments.model import Stranger
from verger.domain.places.model import Place, Tree
from verger.domain.telemetry.model import Garbled
from verger.domain.tenancy.model import Caller, Permission
from verger.edges.wire.dialects.ozone import NAME, TREATMENTS
from verger.edges.wire.families.call import Call
from verger.edges.wire.families.desk import Desk

OUTLET, MACHINE = "branch", "machine"
ONLINE = 5 * MINUTE
_FLAGS = ("wifi_connected", "rtc_available", "sd_card_available")


async def asks(desk: Desk, call: Call, needs: Permission) -> Caller:
    """Return who asks, by the token after Bearer or Token; raise Unknown or Forbidden."""
    word = "Token" if call.bearer("Token") else "Bearer"
    return await desk.people.caller(call, needs, word)


def number(id_: str) -> int:
    """Return an id of ours as a number that a browser can hold: the time and the turn that stand in it."""
    bare = id_.replace("-", "")
    return int(bare[:12] + bare[13:16], 16)


def told_object(call: Call) -> dict[str, Any]:
    """Return the fields of a body, of a form too; raise Garbled."""
    if not call.body.lstrip().startswith((b"{", b"[")):
        return dict(call.form())
    told = call.json()
    if not isinstance(told, dict):
        raise Garbled("Send an object.")
    return told


def is_meant(told: Any, id_: str) -> bool:
    """Whether somebody means this, by its number or by its id."""
    return str(told) in {id_, str(number(id_))}


@dataclass
class Estate:
    """What a tenant has of treatment machines, read once for an answer."""

    desk: Desk
    tenant: str
    tree: Tree
    devices: list[Device]
    totals: dict[str, dict[str, int]]
    uptimes: dict[str, int]
    strangers: list[Stranger]
    stays: list[Stay]
    names: dict[str, str]

    @classmethod
    async def of(cls, desk: Desk, tenant: str, *, counts: bool = False) -> "Estate":
        """Read it; with `counts`, which cost something, where devices are told as they stand."""
        stories = desk.people.stories
        mine = [each for each in await stories.kept.devices.at(tenant) if each.dialect == NAME]
        latest = await stories.showing.latest(tenant, mine)
        uptimes = {device: int(own["uptime"].value) for device, own in latest.items() if "uptime" in own}
        waiting = await stories.adopting.enrolled.strangers.all(tenant)
        stays = await stories.kept.devices.every_stay(tenant)
        those = await stories.kept.devices.these(tenant, {stay.device for stay in stays})
        names = {each.id: each.address or each.name for each in those if each.dialect == NAME}
        return cls(
            desk,
            tenant,
            await stories.places.tree(tenant),
            await stories.showing.devices(tenant, mine),
            await stories.counting.totals(tenant, [device.id for device in mine] if counts else []),
            uptimes,
            [each for each in waiting if each.dialect == NAME],
            [stay for stay in stays if stay.device in names],
            names,
        )

    # finding

    def device(self, told: Any) -> Device:
        """Return the device that somebody means, by its MAC or its number; raise Missing."""
        found = self.known(str(told)) or next((each for each in self.devices if is_meant(told, each.id)), None)
        if found is None:
            raise Missing("Not found.")
        return found

    def place(self, told: Any, kind: str, sentence: str = "Not found.") -> Place:
        """Return the outlet or the machine that somebody means; raise Missing."""
        there = self.outlets if kind != MACHINE else self.machines
        found = next((each for each in there if is_meant(told, each.id)), None)
        if found is None:
            raise Missing(sentence)
        return found

    def known(self, address: str) -> Device | None:
        """Return the device that has an address."""
        name = identity(NAME, address)
        return next((each for each in self.devices if each.address and identity(NAME, each.address) == name), None)

    def waiting(self, address: str) -> Stranger | None:
        """Return the one with an address that waits to be adopted."""
        name = identity(NAME, address)
        return next((each for each in self.strangers if identity(NAME, each.address) == name), None)

    @property
    def outlets(self) -> list[Place]:
        """Return the outlets: branches, and whatever else machines stand in."""
        within = {each.parent for each in self.machines}
        return [each for each in self.tree.places.values() if each.kind in {OUTLET, "outlet"} or each.id in within]

    @property
    def machines(self) -> list[Place]:
        """Return the machines."""
        return [each for each in self.tree.places.values() if each.kind == MACHINE]

    @property
    def unbound(self) -> list[Device]:
        """Return the devices that never were at a machine."""
        machines = {each.id for each in self.machines}
        bound = {stay.device for stay in self.stays if stay.place in machines}
        return [each for each in self.devices if each.id not in bound]

    def zone(self, place: str | None) -> tzinfo:
        """Return the time zone of a place."""
        known = self.tree.places.get(place or "")
        return (zone_of(known.timezone) if known else None) or UTC

    # shapes

    def local(self, at: datetime | None, place: str | None) -> str | None:
        """Return a time as the clocks on the wall of a place have it, with their offset."""
        return None if at is None else at.astimezone(self.zone(place)).isoformat()

    def status(self, device: Device) -> dict[str, Any]:
        """Return how a device stands; its counts are all that it ever did, as far as it is known."""
        reported, own = device.attributes.reported, self.totals.get(device.id, {})
        seen = device.last_seen
        shown: dict[str, Any] = {"device_id": device.address or device.name}
        shown["last_seen"] = self.local(seen, device.place)
        shown |= {flag: reported.get(flag) is True for flag in _FLAGS}
        shown |= {f"current_count_{kind}": own.get(kind, 0) for kind in TREATMENTS}
        clock = seen.astimezone(self.zone(device.place)).strftime("%Y-%m-%d %H:%M:%S") if seen else None
        return shown | {"uptime_seconds": self.uptimes.get(device.id), "device_timestamp": clock}

    def stranger(self, waiting: Stranger) -> dict[str, Any]:
        """Return how one that waits to be adopted stands, by its own counters."""
        shown: dict[str, Any] = {"device_id": waiting.address}
        shown["last_seen"] = self.local(waiting.last_seen, waiting.place)
        shown |= dict.fromkeys(_FLAGS, False)
        shown |= {f"current_count_{kind}": int(waiting.sample.get(f"count_{kind}", 0)) for kind in TREATMENTS}
        return shown | {"uptime_seconds": None, "device_timestamp": None}

    def online(self, device: Device) -> bool:
        """Whether a device was seen in the last five minutes."""
        now = self.desk.people.stories.clock.now()
        return device.last_seen is not None and microseconds(device.last_seen) >= now - ONLINE

    def outlet(self, place: Place) -> dict[str, Any]:
        """Return an outlet."""
        known = place.attributes
        machines = [each for each in self.machines if each.parent == place.id and _active(each)]
        return {
            "id": number(place.id),
            "name": place.name,
            "location": known.get("location"),
            "address": place.address or None,
            "contact_person": known.get("contact_person"),
            "contact_phone": known.get("contact_phone"),
            "is_active": _active(place),
            "created_at": self.local(place.created_at, place.id),
            "updated_at": self.local(place.created_at, place.id),
            "machine_count": len(machines),
        }

    def machine(self, place: Place) -> dict[str, Any]:
        """Return a machine, with the devices that are and were bound to it."""
        outlet = self.tree.places.get(place.parent or "")
        known = place.attributes
        bound = [self._binding(stay) for stay in self.stays if stay.place == place.id]
        current = next((each for each in reversed(bound) if each["is_active"]), None)
        return {
            "id": number(place.id),
            "outlet": number(outlet.id) if outlet else None,
            "outlet_name": outlet.name if outlet else None,
            "outlet_location": outlet.attributes.get("location") if outlet else None,
            "name": place.name,
            "machine_type": known.get("machine_type", "Ozone Generator"),
            "is_active": _active(place),
            "installed_date": known.get("installed_date"),
            "last_maintenance": known.get("last_maintenance"),
            "notes": known.get("notes"),
            "created_at": self.local(place.created_at, place.id),
            "updated_at": self.local(place.created_at, place.id),
            "current_device_id": current and current["device_id"],
            "devices": bound,
            "current_device": current,
            "device_status": current and current["device_status"],
        }

    def _binding(self, stay: Stay) -> dict[str, Any]:
        """Return a stay of a device at a machine as a binding."""
        device = next((each for each in self.devices if each.id == stay.device), None)
        return {
            "id": microseconds(stay.since),
            "device_id": self.names[stay.device],
            "is_active": stay.until is None,
            "assigned_date": self.local(stay.since, stay.place),
            "deactivated_date": self.local(stay.until, stay.place),
            "notes": None,
            "device_status": self.status(device) if device else None,
        }


def _active(place: Place) -> bool:
    return place.attributes.get("is_active", True) is not False

"""What happens on mushroom farms, in the words of their Socket.IO."""

import asyncio
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, convert

from verger.base.clock import moment
from verger.domain.alerts.model import Alert
from verger.domain.commands.model import Stage
from verger.domain.devices.model import Device
from verger.edges.wire.dialects.farm import NAME
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_devices import STAGES
from verger.edges.wire.families.farm_rules import told
from verger.edges.wire.families.farm_shapes import MEASURED, Farms

_FRESH_S = 1.0  # how long it may be until a moved device is told of at its new place


class Event(Struct, frozen=True):
    """An event and what it tells; `where` are the farm and the room that it is about, None for all of a tenant."""

    name: str
    data: dict[str, Any]
    where: frozenset[str] | None = None


class Events:
    """Turns what happens in a tenant into events."""

    def __init__(self, desk: Desk, tenant: str) -> None:
        """Tell of one tenant."""
        self._desk, self._tenant = desk, tenant
        self._there: Farms | None = None
        self._read_at = 0.0

    async def farms(self) -> Farms:
        """Return the farms as they are, or were a moment ago."""
        now = asyncio.get_running_loop().time()
        if self._there is None or now - self._read_at > _FRESH_S:
            self._there, self._read_at = await Farms.of(self._desk, self._tenant), now
        return self._there

    def devices(self) -> Iterable[str]:
        """Return the devices that are told of: those of this family, and all others on farms."""
        kept, there = self._desk.people.stories.kept, self._there
        mine = set(kept.addresses.all_of(self._tenant, NAME))
        for known in kept.registry.everyone():
            new = there is None or known.place not in there.tree.places
            if known.tenant == self._tenant and (new or (there and there.where(known.place)["farm_id"])):
                mine.add(known.device)
        return mine

    async def of(self, word: dict[str, Any]) -> list[Event]:
        """Return what a word of the live socket comes to."""
        match word["type"]:
            case "alert":
                return await self._alert(word)
            case "command":
                about = {"command_id": word["id"], "status": STAGES[Stage(word["stage"])]}
                return await self._about(word["device"], "command_status", about, named=False)
            case "readings":
                return await self._readings(word)
            case "attributes" if word.get("reported"):
                return await self._about(word["device"], "device_status", {"status": word["reported"]})
            case "device":
                stands = {"status": "online" if word["online"] else "offline"}
                return await self._about(word["id"], "device_status", {"status": stands})
        return []

    async def _alert(self, word: dict[str, Any]) -> list[Event]:
        """Tell of an alert once, when it is opened."""
        if word["version"] != 1 or word["within"] is not None:
            return []
        alert = convert({key: value for key, value in word.items() if key != "type"}, Alert)
        shown = told(await self.farms(), [alert])
        return [Event("notification", each, _where(each) if each["farm_id"] else None) for each in shown]

    async def _readings(self, word: dict[str, Any]) -> list[Event]:
        there = await self.farms()
        device = await self._device(word["device"])
        if device is None or not word["values"].keys() & set(MEASURED.values()):
            return []
        reading = there.reading(device, moment(word["at"] * 1000), word["values"])
        return await self._about(device.id, "telemetry_data", {"data": reading})

    async def _about(self, device: str, name: str, data: dict[str, Any], *, named: bool = True) -> list[Event]:
        """Return an event about a device, with where it is, unless it goes without that."""
        found, there = await self._device(device), await self.farms()
        if found is None:
            return []
        where = there.where(found.place)
        about = {**where, "device_id": found.id} if named else {}
        return [Event(name, about | data, _where(where))]

    async def _device(self, device: str) -> Device | None:
        there = await self.farms()
        return next((each for each in there.on_farms() if each.id == device), None)


def _where(told: dict[str, Any]) -> frozenset[str]:
    return frozenset(told[name] for name in ("farm_id", "room_id") if told[name] is not None)

"""Replacing: another device takes a device's place, and rules that name the one name the other."""

from dataclasses import dataclass

from msgspec import structs

from verger.base.errors import Fault, Invalid
from verger.domain.devices.model import Device
from verger.flows.provisioning import Provisioning
from verger.flows.ruling import Ruling


@dataclass(frozen=True)
class Replacing:
    """Puts a device into another's place."""

    provisioning: Provisioning
    ruling: Ruling

    async def replace(self, tenant: str, old: str, by: str) -> Device:
        """Let another device of ours take a device's place: its stay ends, the other's begins. Return the other.

        Rules that name the one name the other, unless it cannot do what they ask for: those are paused.
        """
        if old == by:
            raise Invalid("A device cannot be replaced by itself.", [Fault("by", "Name another device.")])
        devices = self.provisioning.kept.devices
        leaving, coming = await devices.get(tenant, old), await devices.get(tenant, by)
        coming = await self.provisioning.change(tenant, structs.replace(coming, place=leaving.place), {})
        await self.ruling.hand_over(tenant, old, by)
        await self.provisioning.retire(tenant, old)
        return coming

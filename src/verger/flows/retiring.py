"""Retiring: a device goes; what it measured stays, or goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from verger.domain.deletions.model import Deletion, Part
from verger.flows.erasing import Erasing
from verger.flows.provisioning import Provisioning


@dataclass(frozen=True)
class Retiring:
    """Ends devices."""

    provisioning: Provisioning
    erasing: Erasing

    async def retire(self, tenant: str, device: str) -> None:
        """End a device; what it said stays."""
        await self.provisioning.retire(tenant, device)

    async def erase(self, tenant: str, device: str, asked_by: str) -> Deletion:
        """End a device, and delete for good all that it ever said; raise Missing."""
        await self.provisioning.kept.devices.get(tenant, device)
        deletion = await self.erasing.begin(tenant, asked_by, "device", device, await self.parts(tenant, [device]))
        self.provisioning.wire.drop(device)
        self.provisioning.screens.changed(tenant)
        return deletion

    async def parts(self, tenant: str, devices: Sequence[str]) -> list[Part]:
        """Return some devices as parts of a deletion, whole."""
        numbers: dict[str, list[int]] = {device: [] for device in devices}
        for series in await self.provisioning.kept.series.of(tenant, devices):
            numbers[series.device].append(series.number)
        return [Part(device, series) for device, series in numbers.items()]

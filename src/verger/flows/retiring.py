"""Retiring: a device goes; what it measured stays, or goes with it."""

from dataclasses import dataclass

from verger.domain.devices.kept import Kept
from verger.domain.history.history import History
from verger.domain.telemetry.log import Log
from verger.flows.provisioning import Provisioning


@dataclass(frozen=True)
class Retiring:
    """Ends devices."""

    provisioning: Provisioning
    kept: Kept
    history: History
    log: Log

    async def retire(self, tenant: str, device: str, *, values: bool) -> None:
        """End a device, and with `values` remove all it ever measured."""
        await self.provisioning.retire(tenant, device)
        if values:
            series = await self.kept.series.of(tenant, [device])
            # One record at most was under way when the device was forgotten.
            await self.history.delete([each.number for each in series], upto=self.log.last + 1)
            await self.kept.series.delete(tenant, device)

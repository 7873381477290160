"""Changing: what a person changes of a device, with what is desired of it, is kept at once or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from verger.domain.devices.model import Device
from verger.flows.desiring import Desiring
from verger.flows.provisioning import Provisioning


@dataclass(frozen=True)
class Changing:
    """Changes a device in one transaction, and tells of it afterwards."""

    provisioning: Provisioning
    desiring: Desiring

    async def change(
        self,
        tenant: str,
        device: Device,
        metrics: Mapping[str, Mapping[str, str]],
        desired: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep a changed device, what its metrics are called, and a change of what is desired of it.

        Raise Invalid, Stale or Conflict with nothing of it kept.
        """
        provisioning, desiring = self.provisioning, self.desiring
        await provisioning.check(tenant, device)
        told = None
        async with provisioning.kept.db.writing() as connection:
            after = await provisioning.within(connection, tenant, device, metrics)
            if desired is not None:
                told = await desiring.within(connection, tenant, device.id, desired)
        # Nothing is awaited before it is told, so that two changes are told in the order in which they were kept.
        provisioning.changed(tenant, after)
        if told is not None:
            desiring.tell(structs.replace(told, device=after))
            await desiring.wire.kept()

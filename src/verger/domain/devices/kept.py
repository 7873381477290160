"""All that is kept of devices, in one hand."""

from dataclasses import dataclass
from typing import Self

from verger.base.clock import Clock
from verger.base.db import Database
from verger.domain.devices.attributes import AttributeStore
from verger.domain.devices.credentials import CredentialStore
from verger.domain.devices.registry import Registry
from verger.domain.devices.remarks import Remarks
from verger.domain.devices.series import SeriesStore
from verger.domain.devices.store import DeviceStore
from verger.domain.devices.types import DeviceTypeStore


@dataclass(frozen=True)
class Kept:
    """The stores of one noun, and the registry that is filled from them."""

    devices: DeviceStore
    types: DeviceTypeStore
    credentials: CredentialStore
    series: SeriesStore
    attributes: AttributeStore
    remarks: Remarks
    registry: Registry

    @classmethod
    def over(cls, db: Database, clock: Clock) -> Self:
        """Return the stores over one database, with an empty registry."""
        return cls(
            devices=DeviceStore(db),
            types=DeviceTypeStore(db),
            credentials=CredentialStore(db, clock),
            series=SeriesStore(db, clock),
            attributes=AttributeStore(db),
            remarks=Remarks(db, clock),
            registry=Registry(),
        )

    async def fill(self, series_limit: int) -> None:
        """Fill the registry from the stores, at start."""
        for tenant, device in await self.devices.everything():
            self.registry.add(device.id, tenant, device.place, series_limit)
        for device_id, token_hash in await self.credentials.everything():
            self.registry.trust(device_id, token_hash)
        for series in await self.series.everything():
            self.registry.learn(series.device, {series.metric: series.number})

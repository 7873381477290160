"""All that is kept of devices, in one hand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from verger.base.clock import Clock
from verger.base.db import Database
from verger.base.secrets import digest
from verger.domain.devices.attributes import AttributeStore
from verger.domain.devices.credentials import CredentialStore
from verger.domain.devices.model import Device
from verger.domain.devices.registry import Registry
from verger.domain.devices.remarks import Remarks
from verger.domain.devices.series import SeriesStore
from verger.domain.devices.store import DeviceStore
from verger.domain.devices.types import DeviceTypeStore


@dataclass(frozen=True)
class Kept:
    """The stores of one noun, and the registry that is filled from them.

    What the registry trusts is on disk, all of it or none: it learns of a change once that is committed.
    """

    db: Database
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
            db=db,
            devices=DeviceStore(db),
            types=DeviceTypeStore(db),
            credentials=CredentialStore(db, clock),
            series=SeriesStore(db, clock),
            attributes=AttributeStore(db),
            remarks=Remarks(db, clock),
            registry=Registry(),
        )

    async def add(
        self, tenant: str, device: Device, series_limit: int, token: str | None = None, certificate: str | None = None
    ) -> str:
        """Keep a new device, let in by a certificate, its own token or a fresh one; return that. Raise Conflict."""
        async with self.db.writing() as connection:
            await self.devices.add(connection, tenant, device)
            if certificate is not None:
                proof = await self.credentials.certify(connection, tenant, device.id, certificate)
            else:
                proof = await self.credentials.give(connection, tenant, device.id, token)
        self.registry.add(device.id, tenant, device.place, series_limit)
        self._trust(device.id, proof, certified=certificate is not None)
        return proof

    async def renew(self, tenant: str, device: str, certificate: str | None = None) -> str:
        """End what a device proves itself by; return its new token, or the fingerprint that it is known by now."""
        proof = await self.credentials.renew(tenant, device, certificate)
        if self.registry.known(device) is not None:  # it may have retired meanwhile
            self._trust(device, proof, certified=certificate is not None)
        return proof

    def _trust(self, device: str, proof: str, *, certified: bool) -> None:
        if certified:
            self.registry.certify(device, proof)
        else:
            self.registry.trust(device, digest(proof))

    async def retire(self, tenant: str, device: str, at: datetime) -> None:
        """End a device and what it proves itself by; what it said stays."""
        async with self.db.writing() as connection:
            await self.credentials.end(connection, tenant, device)
            await self.devices.retire(connection, tenant, device, at)
        self.registry.forget(device)

    async def fill(self, series_limit: int) -> None:
        """Fill the registry from the stores, at start."""
        for tenant, device in await self.devices.everything():
            self.registry.add(device.id, tenant, device.place, series_limit)
        for device_id, token_hash in await self.credentials.everything():
            self.registry.trust(device_id, token_hash)
        for device_id, fingerprint in await self.credentials.certificates():
            self.registry.certify(device_id, fingerprint)
        for series in await self.series.everything():
            self.registry.learn(series.device, {series.metric: series.number})

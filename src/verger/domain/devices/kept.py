"""All that is kept of devices, in one hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from verger.base.clock import Clock
from verger.base.db import Database
from verger.base.secrets import digest
from verger.domain.devices.addresses import Addresses
from verger.domain.devices.attributes import AttributeStore
from verger.domain.devices.claims import ClaimStore, OpenClaim
from verger.domain.devices.credentials import CredentialStore
from verger.domain.devices.joining import JoiningStore
from verger.domain.devices.model import Device
from verger.domain.devices.policy import PolicyStore
from verger.domain.devices.presence import PresenceStore
from verger.domain.devices.registry import Registry
from verger.domain.devices.relays import Relays
from verger.domain.devices.remarks import Remarks
from verger.domain.devices.series import SeriesStore
from verger.domain.devices.store import DeviceStore
from verger.domain.devices.types import DeviceTypeStore

_AT_ONCE = 50  # devices a transaction, which keeps it under 50 ms


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
    claims: ClaimStore
    joining: JoiningStore
    policies: PolicyStore
    registry: Registry
    relays: Relays
    addresses: Addresses
    presence: PresenceStore

    @classmethod
    def over(cls, db: Database, clock: Clock, attribute_changes: int = 10_000) -> Self:
        """Return the stores over one database, with an empty registry."""
        return cls(
            db=db,
            devices=DeviceStore(db),
            types=DeviceTypeStore(db),
            credentials=CredentialStore(db, clock),
            series=SeriesStore(db, clock),
            attributes=AttributeStore(db, attribute_changes),
            remarks=Remarks(db, clock),
            claims=ClaimStore(db),
            joining=JoiningStore(db),
            policies=PolicyStore(db),
            registry=Registry(),
            relays=Relays(),
            addresses=Addresses(),
            presence=PresenceStore(db),
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
        self._learn(tenant, device, series_limit)
        self._trust(device.id, proof, certified=certificate is not None)
        return proof

    async def add_behind(self, tenant: str, devices: Sequence[Device], series_limit: int) -> None:
        """Keep new devices that speak through their gateway alone, and so need no token."""
        for start in range(0, len(devices), _AT_ONCE):
            some = devices[start : start + _AT_ONCE]
            async with self.db.writing() as connection:
                for device in some:
                    await self.devices.add(connection, tenant, device)
            for device in some:
                self._learn(tenant, device, series_limit)

    def _learn(self, tenant: str, device: Device, series_limit: int) -> None:
        self.registry.add(device.id, tenant, device.place, series_limit, device.type, device.silence)
        self.relays.stand(device)
        self.addresses.stand(tenant, device)

    async def hand_over(self, claim: OpenClaim, fresh: Device, tenant: str, series_limit: int, at: datetime) -> bool:
        """End a claimed device and begin it anew in another tenant, with its credential; whether the claim still stood.

        Nothing else of it goes along. Raise Conflict when its address is taken there.
        """
        async with self.db.writing() as connection:
            if not await self.claims.close(connection, claim):
                return False
            await self.devices.retire(connection, claim.tenant, claim.device, at)
            await self.devices.add(connection, tenant, fresh)
            await self.credentials.hand_over(connection, claim.device, fresh.id, tenant)
        self._learn(tenant, fresh, series_limit)
        self.registry.hand_over(claim.device, fresh.id)
        self.registry.forget(claim.device)
        self.relays.forget(claim.device)
        self.addresses.forget(claim.device)
        return True

    async def renew(self, tenant: str, device: str, certificate: str | None = None, token: str | None = None) -> str:
        """End what a device proves itself by; return what it is known by now. Raise Conflict."""
        proof = await self.credentials.renew(tenant, device, certificate, token)
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
        self.relays.forget(device)
        self.addresses.forget(device)

    async def fill(self, series_limit: int) -> None:
        """Fill the registry from the stores, at start."""
        for tenant, device in await self.devices.everything():
            self._learn(tenant, device, series_limit)
        for device_id, token_hash in await self.credentials.everything():
            self.registry.trust(device_id, token_hash)
        for device_id, fingerprint in await self.credentials.certificates():
            self.registry.certify(device_id, fingerprint)
        for device_id, name in await self.attributes.names():
            self.registry.report(device_id, name)
        for series in await self.series.everything():
            self.registry.learn(series.device, {series.metric: series.number})

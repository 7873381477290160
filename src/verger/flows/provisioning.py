"""Provisioning: a device comes, proves itself, moves and goes."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.certificates import fingerprint
from verger.base.clock import Clock, moment
from verger.base.errors import Conflict, Fault, Invalid, Missing
from verger.domain.devices.credentials import Basic, own
from verger.domain.devices.families import FAMILIES, identity
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import NATIVE, Device
from verger.domain.places.store import PlaceStore
from verger.flows.ports import Screens, Wire

DIALECTS = frozenset({NATIVE, *FAMILIES})


@dataclass(frozen=True)
class Provisioning:
    """What happens to devices from their first day to their last."""

    kept: Kept
    places: PlaceStore
    wire: Wire
    screens: Screens
    clock: Clock
    series_limit: int

    async def add(
        self, tenant: str, device: Device, secret: str | None = None, certificate: str | None = None
    ) -> tuple[Device, str]:
        """Take a new device in by its certificate, the access token it has or a fresh one; return it and that.

        A certificate comes in PEM form or as its fingerprint, and is told as that. Raise Invalid or Conflict.
        """
        await self.check(tenant, device)
        known_by = None if certificate is None else fingerprint(certificate)
        token = _checked(secret)
        if token and known_by:
            sentence = "A device has either a secret or a certificate; leave one of them out."
            raise Invalid(sentence, [Fault("certificate", sentence)])
        proof = await self.kept.add(tenant, device, self.series_limit, token, known_by)
        self.screens.changed(tenant)
        return device, proof

    async def renew(self, tenant: str, device: str, certificate: str | None = None, secret: str | None = None) -> str:
        """Give a device a certificate, its own token or a fresh one; the old ends now, as do connections it opened."""
        await self.kept.devices.get(tenant, device)
        known_by = None if certificate is None else fingerprint(certificate)
        proof = await self.kept.renew(tenant, device, known_by, _checked(secret))
        self.wire.drop(device)
        return proof

    async def change(self, tenant: str, device: Device, metrics: Mapping[str, Mapping[str, str]]) -> Device:
        """Keep a changed device, and what some of its metrics are called and measured in, all of it or nothing."""
        await self.check(tenant, device)
        async with self.kept.db.writing() as connection:
            device = await self.within(connection, tenant, device, metrics)
        self.changed(tenant, device)
        return device

    async def within(
        self, connection: AsyncConnection, tenant: str, device: Device, metrics: Mapping[str, Mapping[str, str]]
    ) -> Device:
        """Do as `change` does, within the caller's transaction; `check` comes before it, `changed` after it."""
        device = await self.kept.devices.change_within(connection, tenant, device, moment(self.clock.now()))
        await self.kept.series.name_within(connection, tenant, device.id, metrics)
        return device

    def changed(self, tenant: str, device: Device) -> None:
        """Let everybody know of a device that was changed."""
        self.kept.registry.move(device.id, device.place)
        self.kept.relays.stand(device)
        self.kept.addresses.stand(tenant, device)
        self.kept.registry.classify(device.id, device.type, device.silence)
        self.screens.changed(tenant)

    async def retire(self, tenant: str, device: str) -> None:
        """End a device; what it said stays."""
        await self.kept.devices.get(tenant, device)
        await self.kept.retire(tenant, device, moment(self.clock.now()))
        self.wire.drop(device)
        self.screens.changed(tenant)

    async def check(self, tenant: str, device: Device) -> None:
        """Raise Invalid for a device that names what is not there."""
        await self.check_place(tenant, device.place)
        if device.dialect not in DIALECTS:
            names = ", ".join(sorted(DIALECTS))
            raise Invalid(f"The dialects are: {names}.", [Fault("dialect", f"Choose one of: {names}.")])
        self._check_address(tenant, device)
        if device.type is not None:
            try:
                await self.kept.types.get(tenant, device.type)
            except Missing:
                raise Invalid("There is no such device type.", [Fault("type", "Name a type that is there.")]) from None
        if device.gateway is not None:
            await self._check_gateway(tenant, device)

    async def check_place(self, tenant: str, place: str) -> None:
        """Raise Invalid when there is no such place."""
        try:
            await self.places.get(tenant, place)
        except Missing:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")]) from None

    def _check_address(self, tenant: str, device: Device) -> None:
        """Raise Conflict when the address is that of another device of the tenant, written in another way."""
        if device.address is not None and device.dialect in FAMILIES:
            known = self.kept.addresses.find(tenant, device.dialect, identity(device.dialect, device.address))
            if known is not None and known.device != device.id:
                raise Conflict(f"A {device.dialect} device with the address {known.address} is there already.")

    async def _check_gateway(self, tenant: str, device: Device) -> None:
        fault = Fault("gateway", "Name another device of yours that speaks for this one.")
        if device.gateway == device.id:
            raise Invalid("A device cannot be its own gateway.", [fault])
        try:
            await self.kept.devices.get(tenant, device.gateway or "")
        except Missing:
            raise Invalid("There is no such gateway.", [fault]) from None


def _checked(secret: str | None) -> str | None:
    """Return a secret that a device brings along; raise Invalid for one that could not work."""
    return secret if secret is None or isinstance(secret, Basic) else own(secret)

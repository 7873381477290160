"""Addresses: devices by what their family calls them, in memory."""

from collections.abc import Callable

from msgspec import Struct

from verger.domain.devices.families import FAMILIES, identity
from verger.domain.devices.model import Device


class Addressed(Struct, frozen=True, gc=False):
    """A device of a family, as the wire needs to know it; `channels` are its metrics by its family's own ids."""

    device: str
    tenant: str
    dialect: str
    address: str
    channels: dict[str, str]
    gateway: str | None = None


class Addresses:
    """Every device that has an address in its family; the same address may be there once in each tenant.

    `stood` hear of each that gets one.
    """

    def __init__(self) -> None:
        """Know nobody."""
        self.stood: list[Callable[[str], None]] = []
        self._known: dict[str, Addressed] = {}  # by device
        self._found: dict[tuple[str, str, str], str] = {}
        self._anywhere: dict[tuple[str, str], dict[str, None]] = {}

    def stand(self, tenant: str, device: Device) -> None:
        """Know the address of a new or changed device."""
        self.forget(device.id)
        if device.address is None or device.dialect not in FAMILIES:
            return
        name = identity(device.dialect, device.address)
        self._known[device.id] = Addressed(
            device.id, tenant, device.dialect, device.address, device.channels, device.gateway
        )
        self._found.setdefault((tenant, device.dialect, name), device.id)
        self._anywhere.setdefault((device.dialect, name), {})[device.id] = None
        for hear in self.stood:
            hear(device.id)

    def forget(self, device: str) -> None:
        """Know a device no longer."""
        known = self._known.pop(device, None)
        if known is None:
            return
        name = identity(known.dialect, known.address)
        if self._found.get((known.tenant, known.dialect, name)) == device:
            del self._found[known.tenant, known.dialect, name]
        self._anywhere.get((known.dialect, name), {}).pop(device, None)

    def of(self, device: str) -> Addressed | None:
        """Return what a device's family calls it."""
        return self._known.get(device)

    def find(self, tenant: str, dialect: str, name: str) -> Addressed | None:
        """Return the device of a tenant that has an `identity` in its family."""
        device = self._found.get((tenant, dialect, name))
        return None if device is None else self._known[device]

    @property
    def any(self) -> bool:
        """Whether there is any device of a family."""
        return bool(self._known)

    def all_of(self, tenant: str, dialect: str) -> list[str]:
        """Return the devices of a family that a tenant has."""
        return [each.device for each in self._known.values() if (each.tenant, each.dialect) == (tenant, dialect)]

    def anywhere(self, dialect: str, name: str) -> list[Addressed]:
        """Return the devices of all tenants that have an `identity` in their family."""
        return [self._known[device] for device in self._anywhere.get((dialect, name), {})]

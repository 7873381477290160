"""Desiring: what people want of a device, kept, told to the device, and shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.errors import Fault, Invalid
from verger.domain.devices import outlets
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.flows.ports import Screens, Wire

_LONGEST_KEY = 128
_LARGEST = 16 << 10
"""Bytes of one value: devices have small buffers, and the packets that bring it are bounded."""


class Desired(Struct, frozen=True):
    """What has been desired of a device: the values it named, as they stand, and the keys that are gone."""

    device: Device
    values: dict[str, Any]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class Desiring:
    """Keeps what is desired before anybody hears of it; one that is away finds it in its inbox, or asks."""

    kept: Kept
    wire: Wire
    screens: Screens
    clock: Clock
    most: int

    async def desire(self, tenant: str, device: str, change: Mapping[str, Any]) -> None:
        """Merge a change into a device's desired attributes (RFC 7396) and tell of it; raise Missing or Invalid."""
        found = await self.kept.devices.get(tenant, device)
        _check(found, change)
        at = moment(self.clock.now())
        # Nothing is awaited before it is told, so that two changes are told in the order in which they were kept.
        self.tell(Desired(found, *await self.kept.attributes.desire(tenant, device, change, at, self.most)))
        await self.wire.kept()

    async def within(self, connection: AsyncConnection, tenant: str, device: str, change: Mapping[str, Any]) -> Desired:
        """Merge a change in within the caller's transaction, to be told of after it; raise Missing or Invalid."""
        found = await self.kept.devices.get(tenant, device)
        _check(found, change)
        at = moment(self.clock.now())
        return Desired(
            found, *await self.kept.attributes.desire_within(connection, tenant, device, change, at, self.most)
        )

    def tell(self, desired: Desired) -> None:
        """Tell the device and the screens what is desired now."""
        device, gone = desired.device, desired.gone
        self.wire.desire(device, desired.values, gone)
        word = {"type": "attributes", "device": device.id, "desired": desired.values | dict.fromkeys(gone)}
        self.screens.tell(device.id, word)


def _check(device: Device, change: Mapping[str, Any]) -> None:
    faults = [fault for key, value in change.items() if (fault := _fault(key, value))]
    if device.dialect == outlets.NAME and (wrong := outlets.wrong_threshold(device.address or "", change)):
        faults.append(wrong)
    if faults:
        raise Invalid(faults[0].message, faults)


def _fault(key: str, value: Any) -> Fault | None:
    """Return why an attribute cannot be desired."""
    where = f"attributes.desired.{key[:_LONGEST_KEY]}"
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable() or "," in key or key == "deleted":
        # A comma parts the names that a device asks for, and "deleted" is how it is told of those that are gone.
        return Fault(where, f'A name has 1 to {_LONGEST_KEY} printable characters, no comma, and is not "deleted".')
    if len(msgspec.json.encode(value)) > _LARGEST:
        return Fault(where, f"A desired value takes at most {_LARGEST >> 10} KiB.")
    return None

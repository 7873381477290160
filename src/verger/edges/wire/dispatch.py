"""Dispatch: what the house wants of devices, pushed over MQTT or left for who asks over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from verger.domain.devices.model import Device
from verger.edges.wire.dialects.native import Order, Wanted
from verger.edges.wire.polls import Polls


class Way(Protocol):
    """A listener."""

    def drop(self, device: str) -> None:
        """End a device's connections."""
        ...

    def deliver(self, device: str, order: Order, qos: int = 1) -> bool:
        """Send an order to a device; whether one of its connections took it."""
        ...

    async def kept(self) -> None:
        """Return once what waits for devices that are away is on disk."""
        ...


@dataclass(frozen=True)
class Dispatch:
    """Knows the ways to a device, which are opened once the house stands behind them."""

    polls: Polls = field(default_factory=Polls)
    listeners: list[Way] = field(default_factory=list)

    def drop(self, device: str) -> None:
        """End a device's connections: what it proved itself by no longer holds."""
        for listener in self.listeners:
            listener.drop(device)

    def desire(self, device: Device, values: Mapping[str, Any], gone: Sequence[str]) -> None:
        """Tell a device, and its gateway, which attributes it should have from now on and which to forget."""
        if not values and not gone:
            return
        self.polls.tell(device.id, values, gone)
        for listener in self.listeners:
            listener.deliver(device.id, Wanted(dict(values), tuple(gone)))
            if device.gateway is not None:
                listener.deliver(device.gateway, Wanted(dict(values), tuple(gone), device.on_the_wire))

    async def kept(self) -> None:
        """Return once what waits for devices that are away is on disk."""
        for listener in self.listeners:
            await listener.kept()

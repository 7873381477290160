"""Dispatch: what the house wants of devices, pushed over MQTT or left for who asks over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec import structs

from verger.base.clock import microseconds
from verger.domain.commands.model import Command
from verger.domain.devices.model import Device
from verger.edges.wire.calls import Calls
from verger.edges.wire.dialects.native import Ask, Order, Wanted
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
    calls: Calls = field(default_factory=Calls)
    listeners: list[Way] = field(default_factory=list)
    direct: list[Way] = field(default_factory=list)  # what calls devices by itself
    bridges: list[Way] = field(default_factory=list)  # brokers of others

    def drop(self, device: str) -> None:
        """End a device's connections: what it proved itself by no longer holds."""
        for listener in self.listeners:
            listener.drop(device)

    def desire(self, device: Device, values: Mapping[str, Any], gone: Sequence[str]) -> None:
        """Tell a device, and its gateway, which attributes it should have from now on and which to forget."""
        if not values and not gone:
            return
        self.polls.tell(device.id, values, gone)
        for way in self.direct:
            way.deliver(device.id, Wanted(dict(values), tuple(gone)))
        for listener in self.listeners:
            listener.deliver(device.id, Wanted(dict(values), tuple(gone)))
            if device.gateway is not None:
                listener.deliver(device.gateway, Wanted(dict(values), tuple(gone), device.on_the_wire))

    def ask(self, device: Device, command: Command) -> str | None:
        """Send a command to a device, or its gateway; return which way it went, None when nobody listens."""
        at, until = microseconds(command.asked_at), microseconds(command.expires_at)
        order = Ask(command.number, command.method, command.params, at=at, until=until, one_way=command.one_way)
        if self.calls.give(device.id, order):
            return "poll"
        if self._deliver(device.id, order):
            return "mqtt"
        if any(way.deliver(device.id, order) for way in self.direct):
            return "lan"
        if self._over(device.id, order):
            return "bridge"
        return None if device.gateway is None else self._through(device.gateway, device, order)

    def _through(self, gateway: str, device: Device, order: Ask) -> str | None:
        """Send a command to the gateway of a device; return which way it went."""
        behind = structs.replace(order, behind=device.on_the_wire, device=device.id)
        if self._deliver(gateway, behind):
            return "gateway"
        return "bridge" if self._over(gateway, behind) else None

    def _over(self, device: str, order: Order) -> bool:
        return any(bridge.deliver(device, order) for bridge in self.bridges)

    def _deliver(self, device: str, order: Order) -> bool:
        return any(listener.deliver(device, order) for listener in self.listeners)

    async def kept(self) -> None:
        """Return once what waits for devices that are away is on disk."""
        for listener in self.listeners:
            await listener.kept()

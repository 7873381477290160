"""Relays: who stands behind which gateway, by the name that the gateway knows it by; in memory."""

from verger.domain.devices.model import Device


class Relays:
    """Every gateway, and every device behind one. A gateway reaches those that stand behind it, and nobody else."""

    def __init__(self) -> None:
        """Know nobody."""
        self.moved: set[str] = set()  # devices that stand elsewhere since somebody last cleared this
        self._gateways: set[str] = set()
        self._named: dict[str, dict[str, str]] = {}  # gateway -> name -> device
        self._standing: dict[str, tuple[str, str]] = {}  # device -> gateway and name

    def stand(self, device: Device) -> None:
        """Know where a new or changed device stands; of two of one name, the first is meant."""
        self._leave(device.id)
        (self._gateways.add if device.is_gateway else self._gateways.discard)(device.id)
        if device.gateway is not None:
            self._named.setdefault(device.gateway, {}).setdefault(device.on_the_wire, device.id)
            self._standing[device.id] = (device.gateway, device.on_the_wire)
        self.moved.add(device.id)

    def forget(self, device: str) -> None:
        """Know a device no longer; those behind it stand behind nobody."""
        self._leave(device)
        self._gateways.discard(device)
        for behind in self._named.pop(device, {}).values():
            self._standing.pop(behind, None)
            self.moved.add(behind)

    def is_gateway(self, device: str) -> bool:
        """Whether a device may speak for others: it was made a gateway, or others were put behind it."""
        return device in self._gateways or bool(self._named.get(device))

    def find(self, gateway: str, name: str) -> str | None:
        """Return the device that a gateway means by a name."""
        return self._named.get(gateway, {}).get(name)

    def gateway_of(self, device: str) -> str | None:
        """Return the gateway that a device stands behind."""
        gateway, _ = self._standing.get(device, (None, ""))
        return gateway

    def _leave(self, device: str) -> None:
        gateway, name = self._standing.pop(device, ("", ""))
        if self._named.get(gateway, {}).get(name) == device:
            del self._named[gateway][name]

"""Comings: which devices are connected through their gateway, and how many gateways brought along."""

from verger.flows.ports import Screens
from verger.flows.presence import Presence


class Comings:
    """A device behind a gateway is connected from its first word until it is told gone, or its gateway goes."""

    def __init__(self, presence: Presence, screens: Screens) -> None:
        """Know of nobody yet; `brought` only grows."""
        self.brought = 0
        self._presence, self._screens = presence, screens
        self._through: dict[str, set[str]] = {}

    def made(self, tenant: str, devices: int) -> None:
        """Show devices that a gateway brought."""
        self.brought += devices
        self._screens.changed(tenant)

    def told(self, gateway: str, device: str, *, gone: bool = False) -> None:
        """Learn that a gateway spoke of a device behind it."""
        through = self._through.get(gateway, set())
        if gone and device in through:
            through.discard(device)
            self._presence.disconnected(device)
        elif not gone and device not in through and self._presence.connected_now(gateway):
            self._through.setdefault(gateway, through).add(device)
            self._presence.connected(device)

    def left(self, gateway: str) -> None:
        """Learn that a connection of a gateway has ended; with the last one all behind it are gone."""
        if not self._presence.connected_now(gateway):
            for device in self._through.pop(gateway, set()):
                self._presence.disconnected(device)

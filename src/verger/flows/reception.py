"""Reception: what devices meet of the house before and beside the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verger.domain.devices.kept import Kept
from verger.flows.presence import Presence


@dataclass(frozen=True)
class Reception:
    """Knows who holds a token, who is connected, and what a device may read of itself."""

    kept: Kept
    presence: Presence

    def holder(self, token: str) -> str | None:
        """Return the id of the device that an access token belongs to."""
        return self.kept.registry.holder(token)

    def certified(self, fingerprint: str) -> str | None:
        """Return the id of the device that a certificate belongs to."""
        return self.kept.registry.certified(fingerprint)

    def connected(self, device: str) -> None:
        """Learn that a device has a connection now."""
        self.presence.connected(device)

    def disconnected(self, device: str) -> None:
        """Learn that a device has no connection any more."""
        self.presence.disconnected(device)

    def remark(self, device: str, kind: str, message: str) -> None:
        """Show a sentence on the log page of a device."""
        known = self.kept.registry.known(device)
        if known is not None:
            self.kept.remarks.note(known.tenant, device, kind, message)

    async def attributes(
        self, device: str, client: Sequence[str] | None, shared: Sequence[str] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return reported and desired attributes by name; None asks for all, names that are not there are left out."""
        known = self.kept.registry.known(device)
        if known is None:
            return {}, {}
        state = (await self.kept.attributes.of(known.tenant, [device])).get(device)
        if state is None:
            return {}, {}
        return _named(state.reported, client), _named(state.desired, shared)


def _named(values: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if names is None or name in names}

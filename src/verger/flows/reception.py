"""Reception: what devices meet of the house before and beside the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verger.base.secrets import ServerSecret
from verger.domain.devices.credentials import basics
from verger.domain.devices.joining import Grant, Wish
from verger.domain.devices.kept import Kept
from verger.domain.tenancy.limits import Limits
from verger.flows.comings import Comings
from verger.flows.joining import Door
from verger.flows.limiting import Limiting
from verger.flows.presence import Presence


@dataclass(frozen=True)
class Reception:
    """Knows who holds a token, who is connected, and what a device may read of itself."""

    kept: Kept
    presence: Presence
    comings: Comings
    door: Door
    secret: ServerSecret
    limiting: Limiting

    def holder(self, token: str) -> str | None:
        """Return the id of the device that an access token belongs to."""
        return self.kept.registry.holder(token)

    def certified(self, fingerprint: str) -> str | None:
        """Return the id of the device that a certificate belongs to."""
        return self.kept.registry.certified(fingerprint)

    def known_by(self, client_id: str, username: str, password: str) -> str | None:
        """Return the id of the device that was given a user name, a client id or both, with a password."""
        tokens = basics(self.secret, client_id, username, password)
        return next((device for token in tokens if (device := self.kept.registry.holder(token))), None)

    def is_gateway(self, device: str) -> bool:
        """Whether a device may speak for others."""
        return self.kept.relays.is_gateway(device)

    def behind(self, gateway: str, name: str) -> str | None:
        """Return the id of the device that a gateway means by a name."""
        return self.kept.relays.find(gateway, name)

    async def join(self, wish: Wish) -> Grant:
        """Let a device in that brings the key and secret of its type; raise Refused."""
        return await self.door.join(wish)

    def tenant(self, device: str) -> str:
        """Return whose a device is."""
        known = self.kept.registry.known(device)
        return known.tenant if known else ""

    def enter(self, tenant: str, *, again: bool) -> str:
        """Count a connection of a tenant; return why there may be none, empty when it may. `again`: in place of one."""
        return self.limiting.enter(tenant, again=again)

    def leave(self, tenant: str) -> None:
        """Count a connection no longer that was let in."""
        self.limiting.leave(tenant)

    def limits(self, tenant: str) -> Limits:
        """Return what an organisation may use."""
        return self.limiting.of(tenant)

    def bounds(self, device: str) -> tuple[int, dict[str, str]]:
        """Return the largest packet of a device, 0 for what anybody may send, and its rates by their names."""
        known = self.kept.registry.known(device)
        if known is None:
            return 0, {}
        rates = {"messages": known.messages.rate, "telemetryDataPoints": known.points.rate}
        return known.packet_bytes, {name: rate for name, rate in rates.items() if rate}

    def inbox(self, device: str) -> tuple[int, int, int]:
        """Return how many messages and bytes may wait for one session of a device, and for how many days."""
        known, usual = self.kept.registry.known(device), self.limiting.usual
        if known is None:
            return usual.inbox_messages, usual.inbox_bytes, usual.inbox_days
        return self.limiting.inbox(known)

    def connected(self, device: str) -> None:
        """Learn that a device has a connection now."""
        self.presence.connected(device)

    def disconnected(self, device: str) -> None:
        """Learn that a device has no connection any more."""
        self.presence.disconnected(device)
        self.comings.left(device)

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

"""What the wire needs of the house: who is speaking, what is known of a device, and where to tell of it."""

from collections.abc import Sequence
from typing import Any, Protocol

from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.native import Answered, AttributesAsked, Called


class House(Protocol):
    """The side of the house that faces devices."""

    def holder(self, token: str) -> str | None:
        """Return the id of the device that an access token belongs to."""
        ...

    def certified(self, fingerprint: str) -> str | None:
        """Return the id of the device that a certificate belongs to."""
        ...

    def connected(self, device: str) -> None:
        """Learn that a device has a connection now."""
        ...

    def disconnected(self, device: str) -> None:
        """Learn that a device has no connection any more."""
        ...

    def remark(self, device: str, kind: str, message: str) -> None:
        """Show a sentence on the log page of a device."""
        ...

    async def attributes(
        self, device: str, client: Sequence[str] | None, shared: Sequence[str] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return reported and desired attributes by name; None asks for all, names that are not there are left out."""
        ...


async def attributes(house: House, device: str, asked: AttributesAsked) -> Answered:
    """Return the attributes that a device asks for; a side without any is left out."""
    client, shared = await house.attributes(device, asked.client, asked.shared)
    sides = {"client": client, "shared": shared}
    return Answered(asked.reply_to, {name: side for name, side in sides.items() if side})


def answer(called: Called, packet_bytes: int, in_flight: int) -> Answered:
    """Return the answer to a device that calls a method of ours."""
    if called.method == "getSessionLimits":
        return Answered(called.reply_to, native.session_limits(packet_bytes, in_flight))
    return Answered(called.reply_to, {"error": f"There is no method {called.method[:100]} here."})

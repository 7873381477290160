"""What the wire needs of the house: who is speaking, what is known of a device, and where to tell of it."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from verger.base.errors import Busy, Refused
from verger.domain.devices.joining import Grant, Wish
from verger.domain.messages.model import Guest
from verger.domain.telemetry.model import Behind, Relayed
from verger.domain.tenancy.limits import Limits
from verger.edges.wire.dialects import native, native_provision
from verger.edges.wire.dialects.native import Answered, AskedBehind, AttributesAsked, Called, FirmwareAsked
from verger.edges.wire.dialects.native_words import BEHIND
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.strangers import Strangers

_METHOD = "getSessionLimits"  # the only one that devices may call


class House(Protocol):
    """The side of the house that faces devices."""

    def holder(self, token: str) -> str | None:
        """Return the id of the device that an access token belongs to."""
        ...

    def certified(self, fingerprint: str) -> str | None:
        """Return the id of the device that a certificate belongs to."""
        ...

    def tenant(self, device: str) -> str:
        """Return whose a device is."""
        ...

    def enter(self, tenant: str, *, again: bool) -> str:
        """Count a connection of a tenant; return why there may be none, empty when it may. `again`: in place of one."""
        ...

    def leave(self, tenant: str) -> None:
        """Count a connection no longer that was let in."""
        ...

    def limits(self, tenant: str) -> Limits:
        """Return what an organisation may use."""
        ...

    def bounds(self, device: str) -> tuple[int, dict[str, str]]:
        """Return the largest packet of a device, 0 for what anybody may send, and its rates by their names."""
        ...

    def inbox(self, device: str) -> tuple[int, int, int]:
        """Return how many messages and bytes may wait for one session of a device, and for how many days."""
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

    def known_by(self, client_id: str, username: str, password: str) -> str | None:
        """Return the id of the device that was given a user name, a client id or both, with a password."""
        ...

    def is_gateway(self, device: str) -> bool:
        """Whether a device may speak for others."""
        ...

    def behind(self, gateway: str, name: str) -> str | None:
        """Return the id of the device that a gateway means by a name."""
        ...

    async def join(self, wish: Wish) -> Grant:
        """Let a device in that brings the key and secret of its type; raise Refused."""
        ...

    async def attributes(
        self, device: str, client: Sequence[str] | None, shared: Sequence[str] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return reported and desired attributes by name; None asks for all, names that are not there are left out."""
        ...


class Orders(Protocol):
    """What sends commands to devices."""

    def listens(self, device: str) -> None:
        """Learn that a device, or those behind it, may hear now what waits for them."""
        ...

    def has(self, device: str, number: int) -> None:
        """Learn that a device has a command, which is on its way into the log."""
        ...


class NoOrders:
    """Sends nothing."""

    def listens(self, device: str) -> None:
        """Have nothing for it."""

    def has(self, device: str, number: int) -> None:
        """Be glad."""


class Members(Protocol):
    """The side of the house that faces programs."""

    async def admit(self, token: str) -> Guest | None:
        """Return whom an API key lets in."""
        ...

    async def bound(self, key: str) -> Guest | None:
        """Return whom the API key of an id lets in."""
        ...

    async def left(self, guest: Guest) -> Guest | None:
        """Return what whoever made a key that has ended may still do of what it allowed, None if nothing."""
        ...


def known_as(house: House, certificate: str, client_id: str, username: str, password: bytes | None) -> str | None:
    """Return the device that speaks over MQTT; its certificate outranks a user name, and a token a password."""
    device = house.certified(certificate) if certificate else None
    if device is None and username and not username.startswith("?"):
        device = house.holder(username)
    if device is None and password:
        device = house.known_by(client_id, username, password.decode(errors="replace"))
    return device


async def attributes(house: House, device: str, asked: AttributesAsked) -> Answered:
    """Return the attributes that a device asks for; a side without any is left out."""
    client, shared = await house.attributes(device, asked.client, asked.shared)
    sides = {"client": client, "shared": shared}
    return Answered(asked.reply_to, {name: side for name, side in sides.items() if side})


async def attributes_behind(house: House, inlet: Inlet, gateway: str, asked: AskedBehind) -> Answered:
    """Return the attributes of a device behind a gateway, which is made if it may be; a stranger gets the reason."""
    # Through the inlet, so that a device whose coming is on its way to disk is there.
    told = await inlet.put(Relayed(gateway, (), behind=(Behind(asked.name),)))
    answer: dict[str, Any] = {"id": asked.number, "device": asked.name}
    device = house.behind(gateway, asked.name)
    if device is None:
        return Answered(BEHIND, answer | {"error": told.refused[0].message if told.refused else "It is not known."})
    client, shared = await house.attributes(device, asked.client, asked.shared)
    if asked.single:
        return Answered(BEHIND, answer | {"value": next(iter((client | shared).values()), None)})
    sides = {"client": client, "shared": shared} if asked.apart else {}
    return Answered(BEHIND, answer | {"values": client | shared} | sides)


async def provision(house: House, strangers: Strangers, address: str, body: bytes) -> dict[str, Any]:
    """Return what a device is told that wants to get in; failures are told ever more slowly."""
    key = ""
    try:
        wish = native_provision.read(body)
        key = wish.key
        return native_provision.granted(await house.join(wish))
    except Refused as refused:
        wait = strangers.knock(address, key)
        if wait is None:
            return native_provision.refused(Busy("Too many wait to be let in; try again later."))
        try:
            await asyncio.sleep(wait)
        finally:
            strangers.leave()
        return native_provision.refused(refused)


def answer(house: House, device: str, asked: Called | FirmwareAsked, packet_bytes: int, in_flight: int) -> Answered:
    """Return the answer to a device that calls a method of ours, or wants a firmware that is not there."""
    if isinstance(asked, FirmwareAsked):
        return Answered(f"v2/{asked.kind}/error", b"NOT_FOUND")
    if asked.method == _METHOD:
        own, rates = house.bounds(device)
        told = native.session_limits(own or packet_bytes, in_flight, rates, gateway=house.is_gateway(device))
        inbox = dict(zip(("messages", "bytes", "days"), house.inbox(device), strict=True))
        return Answered(asked.reply_to, told | {"inbox": inbox})
    return Answered(asked.reply_to, {"error": f"There is no method {asked.method[:100]} here, only {_METHOD}."})

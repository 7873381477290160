"""The native dialect, the device API of ThingsBoard: JSON, over MQTT topics that say "me" and over HTTP."""

import re
from collections.abc import Callable
from typing import Any

from verger.domain.telemetry.model import Ack, Garbled, Heard, Relayed
from verger.edges.wire.dialects import native_gateway, values
from verger.edges.wire.dialects.native_gateway import claimed
from verger.edges.wire.dialects.native_said import alone, attributes, events, nothing, run, telemetry
from verger.edges.wire.dialects.native_words import (
    Answered,
    Ask,
    AskedBehind,
    AttributesAsked,
    Called,
    FirmwareAsked,
    Frame,
    Meaning,
    Order,
    Unclear,
    Wanted,
    covers,
    may_hear,
    write,
)

__all__ = [
    "Answered",
    "Ask",
    "AskedBehind",
    "AttributesAsked",
    "Called",
    "FirmwareAsked",
    "Frame",
    "Meaning",
    "Order",
    "Unclear",
    "Wanted",
    "alone",
    "attributes",
    "covers",
    "events",
    "has",
    "may_hear",
    "nothing",
    "polled",
    "replied",
    "run",
    "telemetry",
    "write",
]

NAME = "native"
TELEMETRY = ("v1/devices/me/telemetry", "v2/t", "v2/t/j")
"""The topics at which `telemetry` is heard."""
GATEWAY = "v1/gateway/"

_FIRMWARE = re.compile(r"v2/([fs]w)/request/[^/]{1,64}/chunk/[^/]{1,64}")


def read(device: str, topic: str, body: bytes) -> Meaning:
    """Return what a message means; raise Garbled when nothing of it can be understood, Unclear where it asks."""
    reader = _READERS.get(topic)
    if reader is not None:
        return reader(device, body)
    start, _, number = topic.rpartition("/")
    if start in _ASKING:
        ask, reply_to = _ASKING[start]
        try:
            return ask(f"{reply_to}/{number}", body)
        except Garbled as garbled:
            raise Unclear(garbled, f"{reply_to}/{number}") from None
    if start in _REPLYING:
        return replied(device, number, body)
    if topic.startswith(GATEWAY):
        return native_gateway.read(device, topic.removeprefix(GATEWAY), body)
    if firmware := _FIRMWARE.fullmatch(topic):
        return FirmwareAsked(firmware[1])
    if topic in {"v2/t/p", "v2/a/p"}:
        raise Garbled("Protobuf is not spoken here; send JSON.")
    raise Garbled(f"Nothing is heard at the topic {topic[:200]}.")


def asked(reply_to: str, body: bytes) -> AttributesAsked:
    """Read a wish for attributes {clientKeys, sharedKeys}, each a list of names joined by commas."""
    told = values.parse(body) if body.strip() else {}
    if not isinstance(told, dict):
        raise Garbled("A wish for attributes is an object with clientKeys, sharedKeys or both.")
    return wish(reply_to, told.get("clientKeys"), told.get("sharedKeys"))


def wish(reply_to: str, client: Any, shared: Any) -> AttributesAsked:
    """Return a wish for attributes by lists of names joined by commas; neither given is all of both."""
    if client is None and shared is None:
        return AttributesAsked(reply_to, None, None)
    return AttributesAsked(reply_to, _names(client), _names(shared))


def _names(joined: Any) -> tuple[str, ...]:
    if joined is None:
        return ()
    if not isinstance(joined, str):
        raise Garbled("Names of attributes are text, joined by commas.")
    return tuple(name.strip() for name in joined.split(",") if name.strip())


def called(reply_to: str, body: bytes) -> Called:
    """Read a call {method, params}."""
    told = values.parse(body)
    if not isinstance(told, dict) or not isinstance(told.get("method"), str):
        raise Garbled("A call is an object with a method, which is text, and params.")
    return Called(reply_to, told["method"], told.get("params"))


def claim(device: str, body: bytes) -> Relayed:
    """Read that a device may be claimed, {secretKey, durationMs}, each of which may be left out."""
    told = values.parse(body) if body.strip() else {}
    return Relayed(device, (), claims=(claimed("", told),))


def session_limits(
    packet_bytes: int, in_flight: int, rates: dict[str, str], *, gateway: bool = False
) -> dict[str, Any]:
    """Return the answer to getSessionLimits; a rate that is not limited is not named."""
    told: dict[str, Any] = {"maxPayloadSize": packet_bytes, "maxInflightMessages": in_flight, "rateLimits": rates}
    return told | {"gatewayRateLimits": rates} if gateway else told


def replied(device: str, number: str, body: bytes) -> Heard:
    """Read the answer to a command by its number."""
    return Heard(device, (native_gateway.answered(number, values.parse(body) if body.strip() else None),))


def polled(order: Ask) -> dict[str, Any]:
    """Return a command as a device gets it that asks over HTTP."""
    return {"id": order.number, "method": order.method, "params": order.params}


def has(device: str, order: Ask, proof: str, refused: str = "") -> Heard:
    """Return that a device has a command, or its gateway has, or why it will not take it."""
    if refused:
        ack = Ack(order.number, proof, answered=True, result={"error": refused}, behind=order.device)
    else:
        ack = Ack(order.number, proof, behind=order.device)
    return Heard(device, (ack,))


_READERS: dict[str, Callable[[str, bytes], Heard]] = {
    **dict.fromkeys(TELEMETRY, telemetry),
    "v1/devices/me/attributes": attributes,
    "v2/a": attributes,
    "v2/a/j": attributes,
    "v1/devices/me/events": events,
    "v1/devices/me/claim": claim,
}
_ASKING: dict[str, tuple[Callable[[str, bytes], Meaning], str]] = {
    "v1/devices/me/attributes/request": (asked, "v1/devices/me/attributes/response"),
    "v2/a/req": (asked, "v2/a/res"),
    "v2/a/req/j": (asked, "v2/a/res/j"),
    "v1/devices/me/rpc/request": (called, "v1/devices/me/rpc/response"),
    "v2/r/req": (called, "v2/r/res"),
    "v2/r/req/j": (called, "v2/r/res/j"),
}
_REPLYING = frozenset({"v1/devices/me/rpc/response", "v2/r/res", "v2/r/res/j"})

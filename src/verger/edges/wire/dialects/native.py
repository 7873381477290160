"""The native dialect, the device API of ThingsBoard: JSON, over MQTT topics that say "me" and over HTTP."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from verger.base.errors import Fault
from verger.domain.telemetry.model import Garbled, Heard, Readings, Said
from verger.edges.wire.dialects import values
from verger.edges.wire.dialects.events import read_event
from verger.edges.wire.dialects.values import LARGEST, LONGEST_NAME

NAME = "native"
TELEMETRY = ("v1/devices/me/telemetry", "v2/t", "v2/t/j")
"""The topics at which `telemetry` is heard."""
MOST_FAULTS = 50

_Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
_Number = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
_Millis = Annotated[int, Meta(ge=-(1 << 52), le=1 << 52)]


class _Stamped(Struct, gc=False):
    """Values with their time, in the form that most devices send."""

    ts: _Millis
    values: dict[_Name, _Number]


_LEVEL = r"(?:\+|[^/+#]{1,64})"
_HEARABLE = re.compile(
    r"v1/devices/me/(?:attributes(?:/response/LEVEL)?|rpc/(?:request|response)/LEVEL)"
    r"|v2/(?:a(?:/j)?|(?:a/res|r/req|r/res)(?:/j)?/LEVEL)"
    r"|v2/[fs]w/(?:response/LEVEL(?:/chunk/LEVEL)?|error)"
    r"|/provision/response".replace("LEVEL", _LEVEL)
)

_FLAT = msgspec.json.Decoder(dict[_Name, _Number])
_STAMPED = msgspec.json.Decoder(_Stamped)
_LIST = msgspec.json.Decoder(list[_Stamped])


class AttributesAsked(Struct, frozen=True, gc=False):
    """A device wants its attributes; None is all of them. The answer goes to `reply_to`."""

    reply_to: str
    client: tuple[str, ...] | None
    shared: tuple[str, ...] | None


class Called(Struct, frozen=True, gc=False):
    """A device calls a method of ours; the answer goes to `reply_to`."""

    reply_to: str
    method: str
    params: Any = None


class Replied(Struct, frozen=True, gc=False):
    """A device answers a command."""

    number: str
    result: Any = None


Meaning = Heard | AttributesAsked | Called | Replied


class Answered(Struct, frozen=True, gc=False):
    """The answer to something a device asked."""

    reply_to: str
    result: Any


class Ask(Struct, frozen=True, gc=False):
    """A command, numbered so that the device can answer it."""

    number: str
    method: str
    params: Any = None


class Wanted(Struct, frozen=True, gc=False):
    """Attributes that a device should have from now on, and those it should forget."""

    values: dict[str, Any]
    deleted: tuple[str, ...] = ()


Order = Answered | Ask | Wanted


class Frame(Struct, frozen=True, gc=False):
    """A message ready to be sent: where to, and the bytes."""

    topic: str
    body: bytes


def read(device: str, topic: str, body: bytes) -> Meaning:
    """Return what a message means; raise Garbled when nothing of it can be understood."""
    reader = _READERS.get(topic)
    if reader is not None:
        return reader(device, body)
    start, _, number = topic.rpartition("/")
    if start in _ASKING:
        ask, reply_to = _ASKING[start]
        return ask(f"{reply_to}/{number}", body)
    if topic in {"v2/t/p", "v2/a/p"}:
        raise Garbled("Protobuf is not spoken here; send JSON.")
    raise Garbled(f"Nothing is heard at the topic {topic[:200]}.")


def telemetry(device: str, body: bytes) -> Heard:
    """Read telemetry in any of its shapes: {k: v}, {ts, values}, or a list of those."""
    try:
        if body.startswith(b'{"ts"'):
            stamped = _STAMPED.decode(body)
            if stamped.values and "".join(stamped.values).isprintable():
                return Heard(device, (Readings(stamped.values, stamped.ts * 1000),))
        elif body.startswith(b'[{"ts"'):
            several = _LIST.decode(body)
            if all(one.values and "".join(one.values).isprintable() for one in several):
                return Heard(device, tuple([Readings(one.values, one.ts * 1000) for one in several]))
        else:
            flat = _FLAT.decode(body)
            if flat and "".join(flat).isprintable():
                return Heard(device, (Readings(flat),))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return _telemetry(device, values.parse(body))


def _telemetry(device: str, told: Any) -> Heard:
    """Read telemetry that needs a closer look, keeping all of it that can be kept."""
    faults: list[Fault] = []
    said: list[Said] = []
    if not isinstance(told, dict | list):
        raise Garbled("Telemetry is an object of values, or a list of such objects.")
    for place, entry in enumerate(told if isinstance(told, list) else [told]):
        if not isinstance(entry, dict):
            faults.append(Fault(f"[{place}]", "An entry of telemetry is an object of values."))
            continue
        at, named = None, entry
        if "ts" in entry and isinstance(entry.get("values"), dict):
            try:
                at, named = values.time_of(entry["ts"]), entry["values"]
            except Garbled as garbled:
                faults.append(Fault("ts", str(garbled)))
                continue
        said.extend(values.sort(named, at, faults))
    return _heard(device, said, faults)


def attributes(device: str, body: bytes) -> Heard:
    """Read what a device reports about itself: one flat object."""
    told = values.parse(body)
    if not isinstance(told, dict):
        raise Garbled("Attributes are an object of names and values.")
    faults: list[Fault] = []
    return _heard(device, values.attributes(told, faults), faults)


def events(device: str, body: bytes) -> Heard:
    """Read an event {kind, at, id, data}, or a list of them."""
    told = values.parse(body)
    faults: list[Fault] = []
    said: list[Said] = []
    for entry in told if isinstance(told, list) else [told]:
        try:
            said.append(read_event(entry))
        except Garbled as garbled:
            faults.extend(garbled.faults)
    return _heard(device, said, faults)


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


def may_hear(topic_filter: str) -> bool:
    """Whether a device may subscribe to a topic filter: its own words and nothing else."""
    return _HEARABLE.fullmatch(topic_filter) is not None


def listens(subscriptions: Iterable[str], topic: str) -> bool:
    """Whether one of a device's topic filters covers a topic that ends with the number of an order, or none."""
    start = topic.rpartition("/")[0]
    return any(one in (topic, f"{start}/+") for one in subscriptions)


def write(order: Order, form: str = "") -> list[Frame]:
    """Write an order for a device that listens to v1 topics, or in the short form "v2" or "v2/j"."""
    short = "j/" if form == "v2/j" else ""
    match order:
        case Answered():
            return [Frame(order.reply_to, msgspec.json.encode(order.result))]
        case Ask():
            topic = f"v2/r/req/{short}{order.number}" if form else f"v1/devices/me/rpc/request/{order.number}"
            return [Frame(topic, msgspec.json.encode({"method": order.method, "params": order.params}))]
        case Wanted():
            topic = f"v2/a/{short}".rstrip("/") if form else "v1/devices/me/attributes"
            told = [order.values] if order.values else []
            gone = [{"deleted": order.deleted}] if order.deleted else []
            return [Frame(topic, msgspec.json.encode(one)) for one in (*told, *gone)]


def session_limits(packet_bytes: int, in_flight: int) -> dict[str, Any]:
    """Return the answer to getSessionLimits; no message rate is limited, so none is named."""
    return {"maxPayloadSize": packet_bytes, "maxInflightMessages": in_flight, "rateLimits": {}}


def replied(reply_to: str, body: bytes) -> Replied:
    """Read the answer to a command, whose number ends the topic."""
    return Replied(reply_to.rpartition("/")[2], values.parse(body))


def nothing(device: str, garbled: Garbled) -> Heard:
    """Return a message of which nothing was understood, so that it is answered in its turn."""
    return Heard(device, (), garbled.faults or (Fault("", str(garbled)),))


def _heard(device: str, said: Iterable[Said], faults: list[Fault]) -> Heard:
    """Return what was heard, with each fault once and not too many of them."""
    kept = tuple(said)
    several = tuple(dict.fromkeys(faults))
    if len(several) > MOST_FAULTS:
        rest = Fault("", f"{len(several) - MOST_FAULTS} further values were refused.")
        several = (*several[:MOST_FAULTS], rest)
    return Heard(device, kept, several)


_READERS: dict[str, Callable[[str, bytes], Heard]] = {
    **dict.fromkeys(TELEMETRY, telemetry),
    "v1/devices/me/attributes": attributes,
    "v2/a": attributes,
    "v2/a/j": attributes,
    "v1/devices/me/events": events,
}
_ASKING: dict[str, tuple[Callable[[str, bytes], Meaning], str]] = {
    "v1/devices/me/attributes/request": (asked, "v1/devices/me/attributes/response"),
    "v2/a/req": (asked, "v2/a/res"),
    "v2/a/req/j": (asked, "v2/a/res/j"),
    "v1/devices/me/rpc/request": (called, "v1/devices/me/rpc/response"),
    "v2/r/req": (called, "v2/r/res"),
    "v2/r/req/j": (called, "v2/r/res/j"),
    "v1/devices/me/rpc/response": (replied, ""),
    "v2/r/res": (replied, ""),
    "v2/r/res/j": (replied, ""),
}

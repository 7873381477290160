"""The words of the native dialect: what a device may mean besides readings, and what it is told."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from verger.domain.telemetry.model import Garbled, Heard

BEHIND = "v1/gateway/attributes/response"
"""Where a gateway hears the attributes that it asked for."""

_LEVEL = r"(?:\+|[^/+#]{1,64})"
_HEARABLE = re.compile(
    r"v1/devices/me/(?:attributes(?:/response/LEVEL)?|rpc/(?:request|response)/LEVEL)"
    r"|v2/(?:a(?:/j)?|(?:a/res|r/req|r/res)(?:/j)?/LEVEL)"
    r"|v2/[fs]w/(?:response/LEVEL(?:/chunk/LEVEL)?|error)"
    r"|v1/gateway/(?:attributes(?:/response)?|rpc|\+)"
    r"|/provision/response".replace("LEVEL", _LEVEL)
)


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


class AskedBehind(Struct, frozen=True, gc=False):
    """A gateway wants attributes of a device behind it.

    `single` when it asked for one by `key`, `apart` when it asked for both sides by lists.
    """

    number: Any
    name: str
    client: tuple[str, ...] | None
    shared: tuple[str, ...] | None
    single: bool = False
    apart: bool = False


class FirmwareAsked(Struct, frozen=True, gc=False):
    """A device wants a chunk of its "fw" or "sw"."""

    kind: str


class Unclear(Garbled):
    """A device asked for something in a way that makes no sense; it waits for an answer at `reply_to` all the same."""

    def __init__(self, garbled: Garbled, reply_to: str, about: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Keep what is wrong, where to say so, and what the answer repeats so that it is known for what it is."""
        super().__init__(str(garbled), garbled.faults)
        self.reply_to, self.about = reply_to, about

    @property
    def answer(self) -> "Answered":
        """Return what the device is told."""
        return Answered(self.reply_to, {**self.about, "error": str(self)})


Meaning = Heard | AttributesAsked | AskedBehind | Called | FirmwareAsked


class Answered(Struct, frozen=True, gc=False):
    """The answer to something a device asked: JSON, or bytes as they are."""

    reply_to: str
    result: Any


class Ask(Struct, frozen=True, gc=False):
    """A command, numbered so that the device can answer it; `behind` names one behind a gateway, `device` its id.

    `at` is when it was asked and `until` when its time is over, in microseconds. Of one that goes `one_way` no answer
    is awaited.
    """

    number: int
    method: str
    params: Any = None
    behind: str | None = None
    device: str | None = None
    at: int = 0
    until: int = 0
    one_way: bool = False


class Wanted(Struct, frozen=True, gc=False):
    """Attributes that a device, or the one `behind` a gateway, should have from now on, and those it should forget."""

    values: dict[str, Any]
    deleted: tuple[str, ...] = ()
    behind: str | None = None


Order = Answered | Ask | Wanted


class Frame(Struct, frozen=True, gc=False):
    """A message ready to be sent: where to, and the bytes."""

    topic: str
    body: bytes


def may_hear(topic_filter: str) -> bool:
    """Whether a device may subscribe to a topic filter: its own words and nothing else."""
    return _HEARABLE.fullmatch(topic_filter) is not None


def covers(topic_filter: str, topic: str) -> bool:
    """Whether one of a device's topic filters covers a topic that ends with the number of an order, or none."""
    return topic_filter in (topic, f"{topic.rpartition('/')[0]}/+")


def write(order: Order, form: str = "") -> list[Frame]:
    """Write an order for a device that listens to v1 topics, or in the short form "v2" or "v2/j"."""
    short = "j/" if form == "v2/j" else ""
    match order:
        case Answered(reply_to, result):
            return [Frame(reply_to, result if isinstance(result, bytes) else msgspec.json.encode(result))]
        case Ask(number, method, params, str(behind)):
            return [_behind("rpc", behind, {"id": number, "method": method, "params": params})]
        case Ask(number, method, params):
            topic = f"v2/r/req/{short}{number}" if form else f"v1/devices/me/rpc/request/{number}"
            return [Frame(topic, msgspec.json.encode({"method": method, "params": params}))]
        case Wanted(behind=str(behind)):
            return [_behind("attributes", behind, told) for told in _told(order)]
        case Wanted():
            topic = f"v2/a/{short}".rstrip("/") if form else "v1/devices/me/attributes"
            return [Frame(topic, msgspec.json.encode(told)) for told in _told(order)]


def _told(wanted: Wanted) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [wanted.values] if wanted.values else []
    return [*told, {"deleted": wanted.deleted}] if wanted.deleted else told


def _behind(word: str, name: str, data: dict[str, Any]) -> Frame:
    return Frame(f"v1/gateway/{word}", msgspec.json.encode({"device": name, "data": data}))

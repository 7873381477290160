"""A bridge: which broker, what to hear there, and how a topic names the device."""

import re
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Topic = Annotated[str, Meta(min_length=1, max_length=500)]
Pem = Annotated[str, Meta(max_length=20_000)]
Says = Literal["telemetry", "attributes", "events", "native"]
DEVICE = "{device}"
_NAME = re.compile(r"[^/+#]+")


class TopicRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How topics are read: `topic` has `{device}` for one level, by id or name, unless `device` names one for all.

    `native` reads what `#` at its end stands for as a topic of the native dialect, also of its gateways.
    """

    topic: Topic
    says: Says = "telemetry"
    device: Text | None = None

    def match(self, topic: str) -> tuple[str, str] | None:
        """Return (device, rest) of a topic that this rule reads, None of any other; the rest is what `#` stands for."""
        wanted, given = self.topic.split("/"), topic.split("/")
        device = self.device
        for at, level in enumerate(wanted):
            if level == "#":
                return (device, "/".join(given[at:])) if device and len(given) > at else None
            if at >= len(given) or level not in ("+", DEVICE, given[at]):
                return None
            if level == DEVICE:
                device = given[at]
        return (device, "") if device and len(wanted) == len(given) else None


class Secrets(Struct, frozen=True, forbid_unknown_fields=True):
    """What proves who we are there, and who they are: never told again."""

    password: Annotated[str, Meta(max_length=1000)] | None = None
    certificate: Pem | None = None
    key: Pem | None = None
    ca: Pem | None = None


class Bridge(Struct, frozen=True, kw_only=True):
    """A broker that is listened at while `enabled`; `protocol` is 4 for MQTT 3.1.1 and 5 for MQTT 5."""

    id: str
    name: str
    host: str
    port: int = 8883
    tls: bool = True
    alpn: str | None = None
    protocol: Literal[4, 5] = 5
    client_id: str
    username: str | None = None
    filters: tuple[str, ...]
    rules: tuple[TopicRule, ...]
    enabled: bool = True
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a bridge that cannot be; raise Invalid with a fault for each field."""
        if faults := _faults(self):
            raise Invalid(" ".join(fault.message for fault in faults), faults)


def _faults(bridge: Bridge) -> list[Fault]:
    faults = []
    if not bridge.host.strip() or any(letter.isspace() or letter in "/@" for letter in bridge.host):
        faults.append(Fault("host", "Write the name of the broker's host, such as broker.example."))
    if not 1 <= bridge.port <= 65_535:
        faults.append(Fault("port", "A port is a number from 1 to 65535."))
    if not 1 <= len(bridge.filters) <= 50 or not all(map(_is_filter, bridge.filters)):
        faults.append(Fault("filters", "Name 1 to 50 topics to hear, such as plant/+/data or $share/verger/plant/#."))
    if not 1 <= len(bridge.rules) <= 50:
        faults.append(Fault("rules", "Say with 1 to 50 rules how a topic names its device."))
    for at, rule in enumerate(bridge.rules):
        if message := _wrong(rule):
            faults.append(Fault(f"rules[{at}].topic", message))
    return faults


def _wrong(rule: TopicRule) -> str | None:
    levels = rule.topic.split("/")
    if "#" in levels[:-1] or any(c in level for level in levels for c in "+#" if level != c):
        return "A wildcard stands alone in its level, and # at the end."
    if (levels.count(DEVICE) == 1) == (rule.device is not None):
        return "Put {device} where the topic names the device, or name one device for all."
    if rule.says == "native" and levels[-1] != "#":
        return "End it with #, which stands for the native topic, such as plant/{device}/#."
    return None


def _is_filter(text: str) -> bool:
    levels = text.split("/")
    if levels[0] == "$share":
        if len(levels) < 3 or not _NAME.fullmatch(levels[1]):
            return False
        levels = levels[2:]
    whole = 0 < len(text) <= 500 and "\x00" not in text and "#" not in levels[:-1]
    return whole and all(level in ("+", "#") or not ({"+", "#"} & set(level)) for level in levels)

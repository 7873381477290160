"""A bridge: which broker, what to hear there, and how a topic names the device."""

import re
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Topic = Annotated[str, Meta(min_length=1, max_length=500)]
Pem = Annotated[str, Meta(max_length=20_000)]
Says = Literal["telemetry", "attributes", "events", "native", "cottage", "farm", "ozone"]
FAMILIES = frozenset({"cottage", "farm", "ozone"})
"""Those that speak MQTT; their devices name themselves, and come in by an enrolment."""
DEVICE = "{device}"
_NAME = re.compile(r"[^/+#]+")
_TOLD = "cottage, farm or ozone"


class Found(NamedTuple):
    """What a rule finds in a topic: the device that it names, what stands before `#`, and what `#` stands for."""

    device: str
    prefix: str
    rest: str


class TopicRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How topics are read: `topic` has `{device}` for one level, by id or name, unless `device` names one for all.

    `native` reads what `#` at its end stands for as a topic of the native dialect, also of its gateways; a family as
    one of its own, of devices that name themselves and are let in by an `enrolment`.
    """

    topic: Topic
    says: Says = "telemetry"
    device: Text | None = None
    enrolment: Text | None = None

    @property
    def of_family(self) -> bool:
        """Whether it reads the words of a family."""
        return self.says in FAMILIES

    def match(self, topic: str) -> Found | None:
        """Return what a topic says that this rule reads, None of any other."""
        wanted, given = self.topic.split("/"), topic.split("/")
        device, end = self.device or "", len(wanted)
        for at, level in enumerate(wanted):
            if at >= len(given):
                return None
            if level == "#":
                end = at
                break
            if level not in ("+", DEVICE, given[at]):
                return None
            if level == DEVICE:
                device = given[at]
        if (end == len(wanted) != len(given)) or not (device or self.of_family):
            return None
        return Found(device, "".join(f"{level}/" for level in given[:end]), "/".join(given[end:]))


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
        if wrong := _wrong(rule):
            field, message = wrong
            faults.append(Fault(f"rules[{at}].{field}", message))
    return faults


def _wrong(rule: TopicRule) -> tuple[str, str] | None:
    """Return which field of a rule cannot be so, and what to write there."""
    levels = rule.topic.split("/")
    if "#" in levels[:-1] or any(c in level for level in levels for c in "+#" if level != c):
        return "topic", "A wildcard stands alone in its level, and # at the end."
    if rule.of_family:
        return _wrong_of_family(rule, levels)
    if rule.enrolment is not None:
        return "enrolment", f"An enrolment is for {_TOLD}; leave it out here."
    if (levels.count(DEVICE) == 1) == (rule.device is not None):
        return "topic", "Put {device} where the topic names the device, or name one device for all."
    if rule.says == "native" and levels[-1] != "#":
        return "topic", "End it with #, which stands for the native topic, such as plant/{device}/#."
    return None


def _wrong_of_family(rule: TopicRule, levels: list[str]) -> tuple[str, str] | None:
    if levels[-1] != "#" or DEVICE in levels:
        return "topic", "End it with #, which stands for the family's own topic, such as site/# or # alone."
    if rule.device is not None:
        return "device", f"Devices of {rule.says} name themselves; leave the device out."
    if rule.enrolment is None:
        return "enrolment", "Choose the enrolment that lets these devices in, or make one first."
    return None


def _is_filter(text: str) -> bool:
    levels = text.split("/")
    if levels[0] == "$share":
        if len(levels) < 3 or not _NAME.fullmatch(levels[1]):
            return False
        levels = levels[2:]
    whole = 0 < len(text) <= 500 and "\x00" not in text and "#" not in levels[:-1]
    return whole and all(level in ("+", "#") or not ({"+", "#"} & set(level)) for level in levels)

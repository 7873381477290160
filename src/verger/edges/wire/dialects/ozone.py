"""The dialect of treatment machines: what they count, what they did, and how they stand; pure."""

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

import msgspec

from verger.domain.devices.families import identity
from verger.domain.telemetry.model import Attributes, Event, Garbled, Readings, Said
from verger.edges.wire.dialects import clocks, values
from verger.edges.wire.dialects.family import Ask, Family, Frame, Reached, Spoken, Voice

NAME = "ozone"
TREATMENTS = ("basic", "standard", "premium")
COMMANDS = "telemetry/commands/"
SELF_TEST = "test/ozon_telemetry"

_TOPIC = re.compile(
    r"telemetry/(?P<what>status|events)/(?P<id>[^/]+)|ozon/device/(?P<old>[^/]+)/(?:event|status|heartbeat)"
)
_TWO_NAMES = "A message at its topic gave itself the device_id of another device."
_LONGEST = 200
_CLIENT = re.compile(r"OzonTelemetry_(?P<id>[0-9A-Fa-f]{2}(?:[:-]?[0-9A-Fa-f]{2}){5})")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FLAGS = {
    "wifi_connected": "wifi_connected",
    "rtc_available": "rtc_available",
    "sd_card_available": "sd_card_available",
    "sd_available": "sd_card_available",
}


def read(message: Frame, zone: tzinfo) -> Spoken:
    """Return what a machine says at one of its topics; whoever tests the way hears its own words again."""
    if message.topic == SELF_TEST:
        return Spoken(echo=(message,))
    found = _TOPIC.fullmatch(message.topic)
    told = values.parse(message.body)
    if found is None or not isinstance(told, dict):
        raise Garbled("Send an object.")
    address = found["id"] or found["old"]
    named = told.get("device_id")
    if isinstance(named, str) and named and identity(NAME, named) != identity(NAME, address):
        return Spoken((Voice(voice(address, []).address, lie=_TWO_NAMES),))
    data = told["data"] if isinstance(told.get("data"), dict) else told
    at = clocks.time_of(told.get("timestamp"), zone)
    happened = found["what"] == "events" or message.topic.endswith("/event")
    said: list[Said] = [treatment(data.get("event_type"), at, _beside(data))] if happened else []
    return Spoken((voice(address, [*said, *stand(data, at)]),))


def voice(address: Any, said: list[Said], secret: str | None = None) -> Voice:
    """Return who says something; raise Garbled for what is no address."""
    if not isinstance(address, str) or not 0 < len(address.strip()) <= _LONGEST or not address.isprintable():
        raise Garbled("A device is named in 1 to 200 printable characters.")
    return Voice(address.strip(), tuple(said), secret)


def treatment(told: Any, at: int | None, data: Mapping[str, Any], number: str | None = None) -> Event:
    """Return one treatment of a kind; one whose kind is not told is unknown, but happened."""
    kind = told.strip() if isinstance(told, str) else ""
    word = kind.lower() if _WORD.fullmatch(kind) else "unknown"
    return Event(f"treatment.{word}", dict(data) or None, at, number)


def stand(told: Mapping[str, Any], at: int | None) -> list[Said]:
    """Return how a machine stands: its counters, and what it says of itself."""
    counts: dict[str, float] = {}
    for name in TREATMENTS:
        number = count(told.get(f"{name}_count", told.get(f"count_{name}")))
        if number is not None:
            counts[f"count_{name}"] = number
    uptime = values.number_of(told.get("uptime_seconds"))
    if uptime is not None and 0 <= uptime <= values.LARGEST:
        counts["uptime"] = uptime
    flags: dict[str, Any] = {}
    for name, ours in _FLAGS.items():
        flag = flag_of(told.get(name))
        if flag is not None:
            flags[ours] = flag
    said: list[Said] = [Readings(counts, at)] if counts else []
    return [*said, Attributes(flags)] if flags else said


def count(told: Any) -> float | None:
    """Return a counter: a whole number that is not negative; None for anything else."""
    number = None if isinstance(told, bool) else values.number_of(told)
    return number if number is not None and 0 <= number < 1 << 53 and number == int(number) else None


def flag_of(told: Any) -> bool | None:
    """Return a flag, also where it is written as text or as a number."""
    if isinstance(told, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(told.strip().lower())
    return bool(told) if isinstance(told, bool | int | float) else None


def _beside(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a message about a treatment tells besides: its count where that is not one."""
    number = count(data.get("count"))
    return {} if number is None or number == 1 else {"count": int(number)}


def write(ask: Ask, reached: Reached) -> list[Frame]:
    """Write a command; a machine of this generation takes it, and never answers."""
    body = {"id": ask.number, "command": ask.method, "params": ask.params}
    return [Frame(COMMANDS + reached.address, msgspec.json.encode(body))]


def hears(topic: str) -> bool:
    """Whether a topic is this family's."""
    return topic == SELF_TEST or _TOPIC.fullmatch(topic) is not None


def may_hear(topic_filter: str) -> bool:
    """Whether a machine may listen there: to its own commands, and to its test of the way."""
    return topic_filter == SELF_TEST or listens(topic_filter) is not None


def listens(topic_filter: str) -> Voice | None:
    """Return the machine that listens to its commands."""
    address = topic_filter.removeprefix(COMMANDS)
    if address == topic_filter or not 0 < len(address) <= _LONGEST or set(address) & set("/+#"):
        return None
    return Voice(address)


def named(client_id: str) -> str:
    """Return the machine that the client id of its firmware names."""
    found = _CLIENT.fullmatch(client_id)
    return found["id"] if found else ""


FAMILY = Family(NAME, hears=hears, may_hear=may_hear, read=read, write=write, listens=listens, named=named)

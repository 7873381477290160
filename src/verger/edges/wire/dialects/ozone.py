"""The dialect of treatment machines: what they count, what they did, and how they stand; pure."""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import astuple

from verger.domain.devices.families import identity
from verger.domain.telemetry.model import Attributes, Event, Garbled, Readings, Said
from verger.edges.wire.dialects import clocks, values
from verger.edges.wire.dialects.family import Ask, Family, Frame, Reached, Spoken, Voice
from verger.edges.wire.dialects.shapes import NOT_SO

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
_Count = Annotated[int, Meta(ge=0, lt=1 << 53)]
_COUNTERS = tuple((f"{name}_count", f"count_{name}") for name in TREATMENTS)
_KINDS = {kind.upper(): f"treatment.{kind}" for kind in TREATMENTS}
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
    where = _where(message.topic)
    if where is not None and (usual := _usual(where, message.body, zone)) is not None:
        return Spoken(usual)
    told = values.parse_text(message.body)
    if where is None or not isinstance(told, dict):
        raise Garbled("Send an object.")
    address, happened, _ = where
    named = told.get("device_id")
    if isinstance(named, str) and named and identity(NAME, named) != identity(NAME, address):
        return Spoken(Voice(voice(address, []).address, lie=_TWO_NAMES))
    data = told["data"] if isinstance(told.get("data"), dict) else told
    at = clocks.time_of(told.get("timestamp"), zone)
    said: list[Said] = [treatment(data.get("event_type"), at, _beside(data))] if happened else []
    return Spoken(voice(address, [*said, *stand(data, at)]))


class _Where(NamedTuple):
    """Which machine speaks at a topic, whether of something that happened, and whether its address is one as it is."""

    address: str
    happened: bool
    plain: bool


@lru_cache(maxsize=10_000)
def _where(topic: str) -> _Where | None:
    """Return what a topic says."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return None
    address = found["id"] or found["old"]
    return _Where(address, found["what"] == "events" or topic.endswith("/event"), _plain(address) == address)


def _plain(address: str) -> str:
    """Return an address without blanks around it, "" for what is none."""
    return address.strip() if 0 < len(address.strip()) <= _LONGEST and address.isprintable() else ""


class _Machine(Struct, forbid_unknown_fields=True, gc=False):
    """What a message of the firmware says while its clock is set."""

    device_id: str
    timestamp: datetime


class _Counts(Struct, forbid_unknown_fields=True, gc=False):
    basic_count: _Count
    standard_count: _Count
    premium_count: _Count
    wifi_connected: bool
    rtc_available: bool


class _Pressed(Struct, forbid_unknown_fields=True, gc=False):
    event_type: Literal["BASIC", "STANDARD", "PREMIUM"]
    count: Literal[1]


class _Status(_Machine, forbid_unknown_fields=True, gc=False):
    data: _Counts
    type: str = ""


class _Event(_Machine, forbid_unknown_fields=True, gc=False):
    data: _Pressed
    type: str = ""


_STATUS = msgspec.json.Decoder(_Status)
_EVENT = msgspec.json.Decoder(_Event)


def _usual(where: _Where, body: bytes, zone: tzinfo) -> Voice | None:
    """Return what the firmware says in its own way, None where that needs a closer look."""
    try:
        told = (_EVENT if where.happened else _STATUS).decode(body)
    except NOT_SO:
        return None
    if told.device_id != where.address or not where.plain:
        return None
    at = clocks.instant(told.timestamp, zone)
    if isinstance(told, _Event):
        return Voice(where.address, (Event(_KINDS[told.data.event_type], None, at),))
    basic, standard, premium, wifi, clock = astuple(told.data)
    counts = {"count_basic": float(basic), "count_standard": float(standard), "count_premium": float(premium)}
    return Voice(where.address, (Readings(counts, at), Attributes({"wifi_connected": wifi, "rtc_available": clock})))


def voice(address: Any, said: list[Said], secret: str | None = None) -> Voice:
    """Return who says something; raise Garbled for what is no address."""
    if not isinstance(address, str) or not (plain := _plain(address)):
        raise Garbled("A device is named in 1 to 200 printable characters.")
    return Voice(plain, tuple(said), secret)


def treatment(told: Any, at: int | None, data: Mapping[str, Any], number: str | None = None) -> Event:
    """Return one treatment of a kind; one whose kind is not told is unknown, but happened."""
    kind = told.strip() if isinstance(told, str) else ""
    word = kind.lower() if _WORD.fullmatch(kind) else "unknown"
    return Event(f"treatment.{word}", dict(data) or None, at, number)


def stand(told: Mapping[str, Any], at: int | None) -> list[Said]:
    """Return how a machine stands: its counters, and what it says of itself."""
    counts: dict[str, float] = {}
    for theirs, ours in _COUNTERS:
        number = count(told[theirs] if theirs in told else told.get(ours))
        if number is not None:
            counts[ours] = number
    uptime = values.number_of(told["uptime_seconds"]) if "uptime_seconds" in told else None
    if uptime is not None and 0 <= uptime <= values.LARGEST:
        counts["uptime"] = uptime
    flags = {ours: flag for name, ours in _FLAGS.items() if (flag := flag_of(told.get(name))) is not None}
    said: list[Said] = [Readings(counts, at)] if counts else []
    return [*said, Attributes(flags)] if flags else said


def count(told: Any) -> float | None:
    """Return a counter: a whole number that is not negative; None for anything else."""
    if type(told) is int:
        return float(told) if 0 <= told < 1 << 53 else None
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


def whose(topic: str) -> str:
    """Return the address of the machine that speaks at a topic."""
    where = _where(topic)
    return "" if where is None else _plain(where.address)


FAMILY = Family(
    NAME,
    hears=hears,
    may_hear=may_hear,
    read=read,
    write=write,
    listens=listens,
    named=named,
    whose=whose,
    answers=False,
)

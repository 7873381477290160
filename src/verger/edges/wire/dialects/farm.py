"""The dialect of mushroom farms: the topic says farm, room and device; a command is answered by its id; pure."""

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import astuple

from verger.base.clock import moment
from verger.domain.devices.families import identity
from verger.domain.telemetry.model import Ack, Attributes, Garbled, Readings, Said
from verger.edges.wire.dialects import clocks, farm_board, values
from verger.edges.wire.dialects.family import Ask, Family, Fault, Frame, Reached, Spoken, Voice
from verger.edges.wire.dialects.shapes import NOT_SO

NAME = "farm"
METRICS = {
    "temperature_c": "temperature",
    "humidity_pct": "humidity",
    "co2_ppm": "co2",
    "light_lux": "light",
    "battery_v": "battery_voltage",
}
FAILED = "The device says that it failed."
SELF_TEST = "test/mqtt_tester"

_ID = "([^/+#]{1,64})"
_AN_ID = re.compile(_ID)
_WORDS = frozenset({"telemetry", "status", "ack", "command"})
_REAL = re.compile(f"farm/{_ID}/room/{_ID}/device/{_ID}/(telemetry|status|ack|command)")
_README = re.compile(f"farm/{_ID}/room/{_ID}/{_ID}/{_ID}")
_TESTS = frozenset({SELF_TEST, f"{SELF_TEST}/response"})
_ABOUT = frozenset({"device_id", "farm_id", "room_id", "timestamp", "command_id", "ack_status", "response", "data"})
_OWN = ("status", "firmware_version")
_USUALLY = frozenset({"telemetry", "status"})
_HAS = frozenset({"pending", "sent", "received", "acknowledged"})
_FAILED = frozenset({"failed", "error", "rejected", "timeout"})
_LARGEST_NUMBER = 1 << 63
_DIGITS = 32  # of a UUID
_LONGEST = 200


class _Place(NamedTuple):
    """Where a device says that it stands, which word its topic ends with, and where it is answered.

    It is known by its own id within its farm, in whichever room it stands.
    """

    path: tuple[tuple[str, str], ...]
    ids: tuple[tuple[str, str], ...]
    device: str
    word: str
    reach: str
    address: str

    def voice(self, said: tuple[Said, ...], refused: tuple[Fault, ...] = ()) -> Voice:
        return Voice(self.address, said, path=self.path, reach=self.reach, refused=refused)


@lru_cache(maxsize=10_000)
def _place(topic: str) -> _Place | None:
    """Return what a topic says, in either way of writing it.

    A word that is none of the four is the kind of device that measured.
    """
    if found := _REAL.fullmatch(topic):
        farm, room, device, word = found.groups()
    elif found := _README.fullmatch(topic):
        farm, room, word, device = found.groups()
        word = word if word in _WORDS else "telemetry"
    else:
        return None
    return _stands(farm, room, device, word) if all(map(is_id, (farm, room, device))) else None


def is_id(text: str) -> bool:
    """Whether a text can be the id of a farm, a room or a device: no two of them look alike by blanks alone."""
    return _AN_ID.fullmatch(text) is not None and text.isprintable() and text == text.strip()


def _stands(farm: str, room: str, device: str, word: str) -> _Place:
    ids = ("farm_id", farm), ("room_id", room), ("device_id", device)
    path = ("farm", farm), ("room", room)
    return _Place(path, ids, device, word, f"farm/{farm}/room/{room}", f"{farm}/{device}")


_Number = Annotated[float, Meta(ge=-values.LARGEST, le=values.LARGEST)] | None
_Text = Annotated[str, Meta(max_length=_LONGEST)] | None


class _Usual(Struct, forbid_unknown_fields=True, gc=False):
    """What most devices say: what they measured, flat, and how they stand."""

    device_id: str | None = None
    timestamp: datetime | None = None
    status: _Text = None
    firmware_version: _Text = None
    temperature_c: _Number = None
    humidity_pct: _Number = None
    co2_ppm: _Number = None
    light_lux: _Number = None
    battery_v: _Number = None
    substrate_moisture: _Number = None


_USUAL = msgspec.json.Decoder(_Usual)
_MEASURES = tuple(METRICS.get(name, name) for name in _Usual.__struct_fields__[4:])


def _usual(place: _Place, body: bytes) -> tuple[Said, ...]:
    """Return what a device says in the usual way, nothing where that needs a closer look."""
    try:
        told = _USUAL.decode(body)
    except NOT_SO:
        return ()
    numbers = {metric: value for metric, value in zip(_MEASURES, astuple(told)[4:], strict=True) if value is not None}
    own = {name: text for name in _OWN if (text := getattr(told, name)) is not None}
    stands = place.word == "status"
    if (
        place.word not in _USUALLY
        or stands == bool(numbers)
        or (told.device_id is not None and told.device_id != place.device)
    ):
        return ()
    attributes = (Attributes(own),) if own else ()
    if stands:
        return attributes
    return Readings(numbers, None if told.timestamp is None else clocks.instant(told.timestamp, UTC)), *attributes


def read(message: Frame, _zone: tzinfo = UTC) -> Spoken:
    """Return what a device says at one of its topics; times without a zone are UTC, wherever its farm is."""
    place = _place(message.topic)
    if place is not None and b'"command_id"' not in message.body and (said := _usual(place, message.body)):
        return Spoken(place.voice(said))
    if message.topic in _TESTS:
        return Spoken(echo=(message,))
    if farm_board.hears(message.topic):
        return farm_board.read(message)
    told = values.parse_text(message.body)
    if place is None or not isinstance(told, dict):
        raise Garbled("Send an object.")
    return Spoken(_heard(place, told))


def measured(farm: str, room: str, device: str, told: dict[str, Any]) -> Voice:
    """Return what a program tells that a device measured, by the ids of its topics."""
    return _heard(_stands(farm, room, device, "telemetry"), told)


def _heard(place: _Place, told: dict[str, Any]) -> Voice:
    for name, own in place.ids:
        if (given := told.get(name)) is not None and given != own and str(given) != own:
            return Voice(place.address, lie=f"Its {name} is not the one of its topic.")
    if place.word in {"status", "ack"} and (command := told.get("command_id")) is not None:
        number = _number(command)
        return place.voice(() if number is None else (_ack(told, number),))
    if place.word == "ack":
        raise Garbled("An answer names its command_id.", (Fault("command_id", "Say which command this is about."),))
    faults: list[Fault] = []
    telling = place.word == "telemetry"
    said = _measured(told, faults) if telling else tuple(values.attributes(_stand(told), faults))
    return place.voice(said, tuple(faults))


def _stand(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in _ABOUT}


def _measured(told: dict[str, Any], faults: list[Fault]) -> tuple[Said, ...]:
    """Return what is measured, flat or in `data`, and what the device says of itself beside it."""
    data, stand = told.get("data"), _stand(told)
    if isinstance(data, dict):
        stand |= data
    own: dict[str, Any] = {name: stand.pop(name) for name in _OWN if name in stand}
    named = {METRICS.get(name, name): value for name, value in stand.items()}
    said: list[Said] = [
        each if isinstance(each, Readings) else Attributes(each.values)
        for each in values.sort(named, clocks.time_of(told.get("timestamp"), UTC), faults)
        if isinstance(each, Readings | Attributes)
    ]
    return (*said, *values.attributes(own, faults))


def _number(command_id: Any) -> int | None:
    """Return the number of one of our commands, None for an id that is of somebody else."""
    digits = str(command_id).replace("-", "")
    try:
        number = int(digits, 16) if len(digits) == _DIGITS and digits.isalnum() else _LARGEST_NUMBER
    except ValueError:
        return None
    return number if number < _LARGEST_NUMBER else None


def _ack(told: dict[str, Any], number: int) -> Ack:
    """Return what a device says of a command; how the device itself stands is not told by it."""
    state = str(told.get("ack_status") or told.get("status") or "acked").lower()
    if state in _HAS:
        return Ack(number, "ack")
    result: dict[str, Any] = {"status": state}
    if told.get("response") is not None:
        result["response"] = told["response"]
    if state in _FAILED:
        result["error"] = str(told.get("response") or FAILED)
    return Ack(number, "ack", answered=True, result=result)


def write(ask: Ask, reached: Reached) -> list[Frame]:
    """Write a command in both forms; the device gets the one whose topic it listens to."""
    if reached.reach == farm_board.REACH:
        return farm_board.write(ask)
    number, where = str(UUID(int=ask.number)), reached.reach
    device = identity(NAME, reached.address).rpartition("/")[2]
    if not where:
        return []
    params = ask.params if ask.params is not None else {}
    value = params["value"] if isinstance(params, dict) and set(params) == {"value"} else params
    at = naive(moment(ask.at))
    real = {"command_id": number, "command": ask.method, "params": params, "timestamp": at}
    readme = {"command_id": number, "device_id": device, "action": ask.method, "value": value, "timestamp": f"{at}Z"}
    return [
        Frame(f"{where}/device/{device}/command", msgspec.json.encode(real)),
        Frame(f"{where}/command/{device}", msgspec.json.encode(readme)),
    ]


def naive(at: datetime) -> str:
    """Return a time as farms write it: UTC, without saying so."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()


def hears(topic: str) -> bool:
    """Whether a device of a farm may speak at a topic."""
    place = _place(topic)
    return place.word != "command" if place is not None else topic in _TESTS or farm_board.hears(topic)


def may_hear(topic_filter: str) -> bool:
    """Whether a device of a farm may listen there: to its commands, and to itself where it tests the way."""
    return topic_filter in _TESTS or listens(topic_filter) is not None


def listens(topic_filter: str) -> Voice | None:
    """Return the device that listens to its commands."""
    if farm_board.listens(topic_filter):
        return farm_board.BOARD
    place = _place(topic_filter)
    return place.voice(()) if place is not None and place.word == "command" else None


def whose(topic: str) -> str:
    """Return the address of the device that speaks at a topic."""
    place = _place(topic)
    return "" if place is None else place.address


def told_at(topic: str) -> str:
    """Return where a device that speaks at a topic listens for commands, in the same way of writing it."""
    place = _place(topic)
    if place is None:
        return ""
    where = f"device/{place.device}/command" if _REAL.fullmatch(topic) else f"command/{place.device}"
    return f"{place.reach}/{where}"


def sender(message: Frame) -> str:
    """Return that it is the board of this connection, at a topic of such boards."""
    return farm_board.BOARD.address if farm_board.hears(message.topic) else ""


FAMILY = Family(
    NAME,
    hears=hears,
    may_hear=may_hear,
    read=read,
    write=write,
    listens=listens,
    whose=whose,
    told_at=told_at,
    sender=sender,
)

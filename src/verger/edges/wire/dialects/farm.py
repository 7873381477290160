"""The dialect of mushroom farms: the topic says farm, room and device; a command is answered by its id; pure."""

import re
from datetime import UTC, tzinfo
from typing import Any
from uuid import UUID

import msgspec

from verger.domain.telemetry.model import Ack, Attributes, Garbled, Readings, Said
from verger.edges.wire.dialects import clocks, values
from verger.edges.wire.dialects.family import Ask, Family, Fault, Frame, Reached, Spoken, Voice

NAME = "farm"
METRICS = {
    "temperature_c": "temperature",
    "humidity_pct": "humidity",
    "co2_ppm": "co2",
    "light_lux": "light",
    "battery_v": "battery_voltage",
}
FAILED = "The device says that it failed."

_ID = "([^/+#]{1,64})"
_WORDS = "(telemetry|status|ack|command)"
_REAL = re.compile(f"farm/{_ID}/room/{_ID}/device/{_ID}/{_WORDS}")
_README = re.compile(f"farm/{_ID}/room/{_ID}/{_WORDS}/{_ID}")
_ABOUT = frozenset({"device_id", "farm_id", "room_id", "timestamp", "command_id", "ack_status", "response", "data"})
_HAS = frozenset({"pending", "sent", "received", "acknowledged"})
_FAILED = frozenset({"failed", "error", "rejected", "timeout"})
_LARGEST_NUMBER = 1 << 63


def _parts(topic: str) -> tuple[str, str, str, str] | None:
    """Return the farm, the room, the device and the word of a topic, in either way of writing it."""
    if found := _REAL.fullmatch(topic):
        return found[1], found[2], found[3], found[4]
    if found := _README.fullmatch(topic):
        return found[1], found[2], found[4], found[3]
    return None


def read(message: Frame, _zone: tzinfo) -> Spoken:
    """Return what a device says at one of its topics; times without a zone are UTC."""
    parts, told = _parts(message.topic), values.parse(message.body)
    if parts is None or not isinstance(told, dict):
        raise Garbled("Send an object.")
    farm, room, device, word = parts
    for name, own in (("farm_id", farm), ("room_id", room), ("device_id", device)):
        if told.get(name) is not None and str(told[name]) != own:
            raise Garbled(f"The {name} is not the one of the topic.", (Fault(name, "This is another one."),))
    number = _number(told.get("command_id"))
    if word in {"status", "ack"} and told.get("command_id") is not None:
        said: tuple[Said, ...] = () if number is None else (_ack(told, number),)
        return Spoken((_voice(farm, room, device, said),))
    if word == "ack":
        raise Garbled("An answer names its command_id.", (Fault("command_id", "Say which command this is about."),))
    faults: list[Fault] = []
    said = _measured(told, faults) if word == "telemetry" else tuple(values.attributes(_stand(told), faults))
    return Spoken((_voice(farm, room, device, said, tuple(faults)),))


def _voice(farm: str, room: str, device: str, said: tuple[Said, ...], refused: tuple[Fault, ...] = ()) -> Voice:
    path = (("farm", farm), ("room", room))
    return Voice(device, said, path=path, reach=f"farm/{farm}/room/{room}", refused=refused)


def _stand(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in _ABOUT}


def _measured(told: dict[str, Any], faults: list[Fault]) -> tuple[Said, ...]:
    """Return what is measured, flat or in `data`, and what the device says of itself beside it."""
    data, stand = told.get("data"), _stand(told)
    if isinstance(data, dict):
        stand |= data
    own: dict[str, Any] = {name: stand.pop(name) for name in ("status", "firmware_version") if name in stand}
    named = {METRICS.get(name, name): value for name, value in stand.items()}
    said: list[Said] = [
        each if isinstance(each, Readings) else Attributes(each.values)
        for each in values.sort(named, clocks.time_of(told.get("timestamp"), UTC), faults)
        if isinstance(each, Readings | Attributes)
    ]
    return (*said, *values.attributes(own, faults))


def _number(command_id: Any) -> int | None:
    """Return the number of one of our commands, None for an id that is of somebody else."""
    try:
        number = UUID(str(command_id)).int
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
    number, where, address = str(UUID(int=ask.number)), reached.reach, reached.address
    if not where:
        return []
    params = ask.params if ask.params is not None else {}
    value = params["value"] if isinstance(params, dict) and set(params) == {"value"} else params
    real = {"command_id": number, "command": ask.method, "params": params}
    readme = {"command_id": number, "device_id": address, "action": ask.method, "value": value}
    return [
        Frame(f"{where}/device/{address}/command", msgspec.json.encode(real)),
        Frame(f"{where}/command/{address}", msgspec.json.encode(readme)),
    ]


def hears(topic: str) -> bool:
    """Whether a device of a farm may speak at a topic."""
    parts = _parts(topic)
    return parts is not None and parts[3] != "command"


def listens(topic_filter: str) -> Voice | None:
    """Return the device that listens to its commands."""
    parts = _parts(topic_filter)
    return _voice(*parts[:3], ()) if parts is not None and parts[3] == "command" else None


FAMILY = Family(
    NAME,
    hears=hears,
    may_hear=lambda topic_filter: listens(topic_filter) is not None,
    read=read,
    write=write,
    listens=listens,
)

"""The dialect of CottagePilot's sensors: one code for each physical device, one message for each of its sensors."""

from datetime import tzinfo
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from verger.domain.devices.families import sensor
from verger.domain.telemetry.model import Garbled, Readings
from verger.edges.wire.dialects import values
from verger.edges.wire.dialects.family import Family, Fault, Frame, Spoken, Voice
from verger.edges.wire.dialects.shapes import NOT_SO

NAME = "cottage"
DATA = "sensors/data"
PROVISION = "sensors/provision/"
NO_CODE = "nan"
_LONGEST = 200
_MOST = 50
_SHAPE = 'Send {"sensors":[{"sensor_id","sensor_data"}],"code"}.'
_ID = f"A sensor_id is text of 1 to {_LONGEST} printable characters."


class _Sensor(Struct, gc=False):
    sensor_id: Annotated[str, Meta(min_length=1, max_length=_LONGEST)]
    sensor_data: Annotated[float, Meta(ge=-values.LARGEST, le=values.LARGEST)]


class _Usual(Struct, gc=False):
    """Sensors with their code, as the firmware sends them."""

    sensors: Annotated[list[_Sensor], Meta(min_length=1, max_length=_MOST)]
    code: Annotated[str, Meta(min_length=1, max_length=_LONGEST)]


_USUAL = msgspec.json.Decoder(_Usual)
_NO_CODES = frozenset({"", NO_CODE})


@lru_cache(maxsize=10_000)
def _metric_of(name: str) -> str | None:
    """Return the metric of a sensor whose id needs no closer look, None for any other."""
    return sensor(name)[1] if name.isprintable() and name == name.strip() else None


def read(message: Frame, _zone: tzinfo) -> Spoken:
    """Return who speaks at `sensors/data`; without a code, or with "nan", a device asks for one."""
    return Spoken(heard(message.body))


def heard(body: bytes) -> Voice:
    """Return the device whose sensors a message lists; raise Garbled."""
    try:
        usual = _USUAL.decode(body)
    except NOT_SO:
        usual = None
    if usual is not None and usual.code.isalnum() and usual.code != NO_CODE:
        readings: dict[str, float] = {}
        channels: dict[str, str] = {}
        for each in usual.sensors:
            if (metric := _metric_of(each.sensor_id)) is None or metric in readings:
                break
            readings[metric], channels[metric] = each.sensor_data, each.sensor_id
        else:
            return Voice(usual.sensors[0].sensor_id, (Readings(readings),), usual.code, channels)
    return several(values.parse_text(body))


def several(told: Any) -> Voice:
    """Return the device whose sensors one message lists; raise Garbled."""
    if not isinstance(told, dict) or not isinstance(told.get("sensors"), list) or not told["sensors"]:
        raise Garbled(_SHAPE, (Fault("sensors", _SHAPE),))
    code = told.get("code")
    if code is not None and not isinstance(code, str | int):
        raise Garbled("A code is text.", (Fault("code", "A code is text."),))
    return voice(told["sensors"][:_MOST], "" if code is None else str(code).strip())


def voice(sensors: list[Any], code: str) -> Voice:
    """Return the device that has some sensors, each {sensor_id, sensor_data}, and what they measure."""
    faults: list[Fault] = []
    readings: dict[str, float] = {}
    channels: dict[str, str] = {}
    for each in sensors:
        name = each.get("sensor_id") if isinstance(each, dict) else None
        if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST or not name.isprintable():
            raise Garbled(_ID, (Fault("sensor_id", _ID),))
        metric = _metric(name.strip(), channels)
        channels[metric] = name.strip()
        number = values.number_of(each.get("sensor_data"))
        if number is not None and -values.LARGEST <= number <= values.LARGEST:
            readings[metric] = number
        elif each.get("sensor_data") is not None:
            faults.append(Fault(name, "This is not a number."))
    address = next(iter(channels.values()))
    secret = "" if code in _NO_CODES else code[:_LONGEST]
    return Voice(address, (Readings(readings),) if readings else (), secret, channels, refused=tuple(faults))


def _metric(name: str, channels: dict[str, str]) -> str:
    """Return the metric of a sensor; of two that would be the same one, the second goes by its own name."""
    _, metric = sensor(name)
    return metric if channels.get(metric, name) == name else name[: values.LONGEST_NAME]


def granted(voice: Voice, code: str) -> list[Frame]:
    """Return the message that tells a device its code, to each sensor that asked."""
    body = b'{"status": "provisioned", "code": %s}' % msgspec.json.encode(code)
    return [Frame(PROVISION + name, body) for name in voice.channels.values()]


def may_hear(topic_filter: str) -> bool:
    """Whether a sensor may listen there: to what it is told of its own code."""
    return topic_filter.startswith(PROVISION) and "/" not in topic_filter.removeprefix(PROVISION)


def sender(message: Frame) -> str:
    """Return the first sensor that a message names, "" where it names none."""
    return values.mentioned(message.body, "sensor_id")


FAMILY = Family(NAME, hears=lambda topic: topic == DATA, may_hear=may_hear, read=read, granted=granted, sender=sender)

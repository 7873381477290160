"""Messages of all families as their devices send them, each beside native's of as many values."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import partial
from zoneinfo import ZoneInfo

import msgspec

from verger.edges.wire.dialects import cottage, farm, native, outlet, ozone, plant, values
from verger.edges.wire.dialects.family import Family, Frame
from verger.edges.wire.families import ozone as ozone_http
from verger.edges.wire.families.call import fields

_KUALA_LUMPUR = ZoneInfo("Asia/Kuala_Lumpur")
_TIME_MS = 1_757_471_400_000
_NUMBERS = {
    "temperature": 22.35,
    "humidity": 45.1,
    "co2": 812.0,
    "light": 320.5,
    "pressure": 1013.2,
    "battery": 3.91,
    "moisture": 41.7,
}
_TEXTS = {"status": "online", "firmware_version": "v1.2.3", "relay": "open"}


@dataclass(frozen=True)
class Message:
    """A message: `read` makes of its bytes what was said.

    `native` reads what says as many numbers, texts, events and answers in native's words, with a time where the
    family's has one; `numbers` as many numbers as all of these together, which is what native reads fastest.
    """

    family: str
    name: str
    values: int
    size: int
    read: Callable[[], object]
    native: Callable[[], object]
    numbers: Callable[[], object]


def _values(numbers: int, texts: int, *, timed: bool) -> Callable[[], object]:
    told: object = dict([*list(_NUMBERS.items())[:numbers], *list(_TEXTS.items())[:texts]])
    body = msgspec.json.encode({"ts": _TIME_MS, "values": told} if timed else told)
    return partial(native.read, "d", "v1/devices/me/telemetry", body)


def _event() -> Callable[[], object]:
    told = {"kind": "treatment.basic", "at": _TIME_MS, "data": {"counter": 12}}
    return partial(native.read, "d", "v1/devices/me/events", msgspec.json.encode(told))


def _both(works: list[Callable[[], object]]) -> Callable[[], object]:
    if len(works) == 1:
        return works[0]

    def work() -> None:
        for each in works:
            each()

    return work


def _answer() -> Callable[[], object]:
    return partial(native.read, "d", "v1/devices/me/rpc/response/7", b'{"status":"acked","response":"done"}')


class _Says(msgspec.Struct, frozen=True):
    """How many of each kind a message says, and whether it tells a time."""

    numbers: int = 0
    texts: int = 0
    events: int = 0
    answers: int = 0
    timed: bool = False


def _message(family: str, name: str, says: _Says, body: bytes, read: Callable[[], object]) -> Message:
    works = [_values(says.numbers, says.texts, timed=says.timed)] if says.numbers or says.texts else []
    works += [_event()] * says.events + [_answer()] * says.answers
    values = says.numbers + says.texts + says.events + says.answers
    return Message(family, name, values, len(body), read, _both(works), _values(values, 0, timed=says.timed))


def _heard(family: Family, name: str, says: _Says, topic: str, told: str, zone: tzinfo = UTC) -> Message:
    """Return a message over MQTT."""
    body = told.encode()
    return _message(family.name, name, says, body, lambda: family.read(Frame(topic, body), zone))


_MAC = "3C:8A:1F:A4:3E:C4"
_TIME = "2025-09-10 10:30:00"
_STATUS = (
    f'{{"device_id":"{_MAC}","timestamp":"{_TIME}","type":"status","data":{{"basic_count":15,"standard_count":8,'
    '"premium_count":3,"wifi_connected":true,"rtc_available":true}}'
)
_PRESSED = f'{{"device_id":"{_MAC}","timestamp":"{_TIME}","type":"event","data":{{"event_type":"BASIC","count":1}}}}'
_FORM = (
    b"mode=BASIC&macaddr=3C:8A:1F:A4:3E:C4&type1=0&type2=0&type3=0&count1=4&count2=0&count3=9"
    b"&timestamp=2025-09-10+10:30:00"
)
_TREATED = (
    f'{{"device_id":"{_MAC}","firmware":"1.0.0-sim","event_id":"{_MAC}-B00000000120000001","event":"treatment",'
    f'"treatment":"BASIC","counter":1,"ts":"{_TIME}","current_counters":{{"basic":1,"standard":0,"premium":0}}}}'
).encode()
_ONE = '{"sensors":[{"sensor_id":"ESP8266_12F_005_PROD_Temp","sensor_data":22.35}],"code":"1a2b3c4d"}'
_TWO = (
    b'{"sensors":[{"sensor_id":"ESP8266_12F_005_PROD_Temp","sensor_data":21.50},'
    b'{"sensor_id":"ESP8266_12F_005_PROD_Hum","sensor_data":40.10}],"code":"1a2b3c4d"}'
)
_SENSORS = {
    "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa": "soil_moisture",
    "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb": "air_temperature",
    "cccccccc-cccc-cccc-cccc-cccccccccccc": "water_level",
    "21111111-1111-1111-1111-111111111111": "pump",
    "31111111-1111-1111-1111-111111111111": "lamp",
}
_BATCH = json.dumps(
    {
        "readings": [
            {"sensor_id": each, "timestamp": "2025-11-26T10:00:00.123456+00:00", "value": value, "raw": None}
            for each, value in zip(_SENSORS, (42.0, 23.5, 75.0), strict=False)
        ]
    }
).encode()
_FLOWS = b'{"device_id":"FE","current_a":1250,"current_b":800,"relay_a":true,"relay_b":false,"is_overload":false}'
_BREAKER = b'{"ccu_id":"02","current_ma":4500}'
_DEVICE = "9a546f6a-5d0d-4f0e-6a0a-0f8b1c1e2a01"
_ROOM = f"farm/0f8b1c1e-6a0a-4f0e-9a54-6f6a5d0d2a01/room/5d0d2a01-6a0a-4f0e-9a54-6f6a0f8b1c1e/device/{_DEVICE}/"
_NOW = "2025-08-20T10:00:00.123456+00:00"
_ABOUT = f'{{"device_id": "{_DEVICE}", "timestamp": "{_NOW}", "status": "online", "firmware_version": "v1.2.3"'
_SINGLE = _ABOUT + ', "temperature_c": 22.5}'
_MULTI = (
    _ABOUT + ', "temperature_c": 22.51, "humidity_pct": 88.2, "co2_ppm": 905.0, "light_lux": 310.4, "battery_v": 3.9}'
)
_STANDS = '{"status": "online", "firmware_version": "v1.2.3"}'
_ACKED = (
    f'{{"device_id": "{_DEVICE}", "command_id": "00000000-0000-0000-0000-000000000007", "status": "acked", '
    f'"timestamp": "{_NOW}", "response": "Command \'turn_on\' executed successfully"}}'
)


def _planter() -> object:
    return plant.read("11111111-1111-1111-1111-111111111111", _SENSORS, plant.body(_BATCH, plant.Batch))


def _outlet() -> object:
    return outlet.sample(_FLOWS).voice("CCU-02", fresh=True)


def _form() -> object:
    return ozone_http.form(fields(_FORM.decode("utf-8", "replace")), _KUALA_LUMPUR)


MESSAGES = (
    _heard(cottage.FAMILY, "one sensor", _Says(1), cottage.DATA, _ONE),
    _message("cottage", "two sensors, HTTP", _Says(2), _TWO, lambda: cottage.heard(_TWO)),
    _heard(ozone.FAMILY, "status", _Says(3, 2, timed=True), f"telemetry/status/{_MAC}", _STATUS, _KUALA_LUMPUR),
    _heard(ozone.FAMILY, "treatment", _Says(events=1, timed=True), f"telemetry/events/{_MAC}", _PRESSED, _KUALA_LUMPUR),
    _message("ozone", "treatment, a form", _Says(3, 1, 1, timed=True), _FORM, _form),
    _message(
        "ozone",
        "treatment of the successor",
        _Says(3, 0, 1, timed=True),
        _TREATED,
        lambda: ozone_http.treated(values.parse(_TREATED), _KUALA_LUMPUR),
    ),
    _message("plant", "batch of three", _Says(3, timed=True), _BATCH, _planter),
    _message("outlet", "outlet", _Says(2, 3), _FLOWS, _outlet),
    _message("outlet", "breaker", _Says(1), _BREAKER, lambda: outlet.breaker(_BREAKER)),
    _heard(farm.FAMILY, "one value", _Says(1, 2, timed=True), f"{_ROOM}telemetry", _SINGLE),
    _heard(farm.FAMILY, "five values", _Says(5, 2, timed=True), f"{_ROOM}telemetry", _MULTI),
    _heard(farm.FAMILY, "status", _Says(0, 2), f"{_ROOM}status", _STANDS),
    _heard(farm.FAMILY, "answer to a command", _Says(answers=1), f"{_ROOM}status", _ACKED),
)

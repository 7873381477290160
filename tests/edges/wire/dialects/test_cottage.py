"""What CottagePilot's sensors say, as far as it can be told without knowing any of them."""

import json
from datetime import UTC
from typing import Any

import pytest

from verger.base.errors import Fault
from verger.domain.devices.families import identity
from verger.domain.telemetry.model import Garbled, Readings
from verger.edges.wire.dialects.cottage import FAMILY, read
from verger.edges.wire.dialects.family import Frame, Voice

TEMP, HUM = "ESP8266_12F_005_PROD_Temp", "ESP8266_12F_005_PROD_Hum"


def heard(told: Any) -> Voice:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    voice = read(Frame("sensors/data", body), UTC).voice
    assert voice is not None
    return voice


@pytest.mark.parametrize("code", ["nan", "", None, " nan "])
def test_without_a_code_a_sensor_asks_for_one(code: str | None) -> None:
    told: dict[str, Any] = {"sensors": [{"sensor_id": TEMP, "sensor_data": 22.35}]}
    voice = heard(told if code is None else told | {"code": code})
    assert voice == Voice(TEMP, (Readings({"temperature": 22.35}),), "", {"temperature": TEMP})


@pytest.mark.parametrize("value", ["22.35", '"22.35"', " 22.35 "])
def test_a_number_is_a_number_however_it_is_written(value: str) -> None:
    voice = heard(
        b'{"sensors":[{"sensor_id":"%s","sensor_data":%s}],"code":"1a2b3c4d"}' % (TEMP.encode(), value.encode())
    )
    assert voice == Voice(TEMP, (Readings({"temperature": 22.35}),), "1a2b3c4d", {"temperature": TEMP})


def test_all_sensors_of_a_message_are_one_device_and_what_is_no_number_is_told() -> None:
    sensors = [
        {"sensor_id": TEMP, "sensor_data": 22.35},
        {"sensor_id": HUM, "sensor_data": "nan"},
        {"sensor_id": "odd"},
    ]
    voice = heard({"sensors": sensors, "code": "1a2b3c4d", "firmware": 3})
    assert voice.said == (Readings({"temperature": 22.35}),)
    assert voice.channels == {"temperature": TEMP, "humidity": HUM, "value": "odd"}
    assert voice.refused == (Fault(HUM, "This is not a number."),)


def test_of_two_of_a_kind_the_second_goes_by_its_own_name() -> None:
    voice = heard({"sensors": [{"sensor_id": each, "sensor_data": 1} for each in ("a_Temp", "b_Temp")], "code": "x"})
    assert voice.channels == {"temperature": "a_Temp", "b_Temp": "b_Temp"}


@pytest.mark.parametrize(
    "body",
    [b"", b"7", b"{}", b'{"sensors":[]}', b'{"sensors":[7]}', b'{"sensors":[{"sensor_id":""}]}', b'{"sensors":"x"}'],
)
def test_what_makes_no_sense_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        heard(body)


def test_siblings_are_one_device_and_numbers_are_not() -> None:
    assert identity("cottage", TEMP) == identity("cottage", HUM) == "ESP8266_12F_005_PROD"
    assert identity("cottage", "sensor_1") != identity("cottage", "sensor_2")


def test_the_code_fits_the_smallest_buffer_and_is_read_by_searching_for_it() -> None:
    (frame,) = FAMILY.granted(Voice(TEMP, channels={"temperature": TEMP}), "1a2b3c4d")
    assert frame == Frame(f"sensors/provision/{TEMP}", b'{"status": "provisioned", "code": "1a2b3c4d"}')
    assert len(frame.topic) + len(frame.body) + 7 <= 256


def test_a_sensor_hears_nothing_but_codes() -> None:
    assert FAMILY.may_hear(f"sensors/provision/{TEMP}")
    assert not FAMILY.may_hear("sensors/data")
    assert not FAMILY.may_hear("#")

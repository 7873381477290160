"""What families usually say is read in one pass, and means the same as by the closer look."""

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bench.rig.messages import MESSAGES
from verger.base.clock import moment
from verger.domain.telemetry.model import Attributes, Garbled, Readings
from verger.edges.wire.dialects import clocks, cottage, farm, outlet, ozone, plant
from verger.edges.wire.dialects.family import Family, Frame, Spoken
from verger.edges.wire.families.call import fields

KUALA_LUMPUR = ZoneInfo("Asia/Kuala_Lumpur")
MAC = "3C:8A:1F:A4:3E:C4"
CHANNELS = {"s1": "soil_moisture", "s2": "air_temperature", "p": "pump"}


class Never:
    """A decoder that finds everything unusual."""

    def decode(self, _body: bytes) -> Any:
        raise msgspec.DecodeError


def machine(**data: Any) -> Any:
    return {"device_id": MAC, "timestamp": "2025-09-10 10:30:00", "type": "status", "data": data}


COUNTS = {"basic_count": 15, "standard_count": 8, "premium_count": 3, "wifi_connected": True, "rtc_available": False}
DEVICE = {"device_id": "D1", "timestamp": "2025-08-20T10:00:00.123456", "status": "online", "temperature_c": 22.5}
SPOKEN: list[tuple[Family, str, Any]] = [
    (cottage.FAMILY, "sensors/data", {"sensors": [{"sensor_id": "A_Temp", "sensor_data": 1.5}], "code": "1a2b3c4d"}),
    (
        cottage.FAMILY,
        "sensors/data",
        {"sensors": [{"sensor_id": f"A_{each}", "sensor_data": 2} for each in ("Temp", "Hum")], "code": "1a2b3c4d"},
    ),
    (
        cottage.FAMILY,
        "sensors/data",
        {"sensors": [{"sensor_id": each, "sensor_data": 2} for each in ("A", "B")], "code": "1a2b3c4d"},
    ),
    (ozone.FAMILY, f"telemetry/status/{MAC}", machine(**COUNTS)),
    (ozone.FAMILY, f"telemetry/events/{MAC}", machine(event_type="BASIC", count=1)),
    (ozone.FAMILY, f"telemetry/events/{MAC}", machine(event_type="BASIC", count=16)),
    (ozone.FAMILY, f"ozon/device/{MAC}/status", machine(**COUNTS) | {"timestamp": "2025-09-10T10:30:00Z"}),
    (farm.FAMILY, "farm/F/room/R/device/D1/telemetry", DEVICE),
    (farm.FAMILY, "farm/F/room/R/telemetry/D1", DEVICE | {"co2_ppm": 900, "battery_v": None}),
    (farm.FAMILY, "farm/F/room/R/device/D1/status", {"status": "online", "firmware_version": "v1"}),
    (farm.FAMILY, "farm/F/room/R/device/D1/status", DEVICE),
]


@pytest.mark.parametrize(("family", "topic", "told"), SPOKEN)
def test_a_message_means_the_same_in_one_pass_and_by_the_closer_look(
    family: Family, topic: str, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> Any:
        return family.read(Frame(topic, json.dumps(told).encode()), KUALA_LUMPUR)

    usual = read()
    for module, name in ((cottage, "_USUAL"), (farm, "_USUAL"), (ozone, "_STATUS"), (ozone, "_EVENT")):
        monkeypatch.setattr(module, name, Never())
    assert usual == read()


@pytest.mark.parametrize(
    "told",
    [
        {
            "device_id": "FE",
            "current_a": 1250,
            "current_b": 80,
            "relay_a": True,
            "relay_b": False,
            "is_overload": False,
        },
        {"device_id": "fe", "current_a": -1, "current_b": 65535},
        {"device_id": "02", "current_a": 0, "current_b": 100.5, "is_overload": True, "more": [1]},
    ],
)
def test_an_outlet_and_a_breaker_too(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    body, breaker = json.dumps(told).encode(), json.dumps({"ccu_id": "2", "current_ma": told["current_a"]}).encode()
    usual = outlet.sample(body), outlet.breaker(breaker)
    monkeypatch.setattr(outlet, "_OUTLET", Never())
    monkeypatch.setattr(outlet, "_BREAKER", Never())
    assert usual == (outlet.sample(body), outlet.breaker(breaker))


@pytest.mark.parametrize("unknown", [-1, 65535])
def test_a_breaker_that_knows_nothing_says_only_that_it_is_there(unknown: int) -> None:
    assert outlet.breaker(json.dumps({"ccu_id": "2", "current_ma": unknown}).encode()).said == ()


def test_a_batch_knows_its_sensors_however_their_ids_are_written_and_moves_nothing() -> None:
    told = [{"sensor_id": " S1 ", "value": 40}, {"sensor_id": "s2", "value": "21.5"}]
    voice, accepted = plant.read("D", CHANNELS, plant.body(json.dumps({"readings": told}).encode(), plant.Batch))
    assert (voice.said, accepted) == ((Readings({"air_temperature": 21.5, "soil_moisture": 40.0}),), 2)
    with pytest.raises(plant.UnknownSensor):
        plant.read("D", CHANNELS, plant.body(b'{"readings":[{"sensor_id":"p","value":1}]}', plant.Batch))


def test_what_is_not_usual_is_not_lost_by_the_quick_look() -> None:
    more = DEVICE | {"ph_level": 6.5, "note": "dusty"}
    voice = farm.read(Frame("farm/F/room/R/telemetry/D1", json.dumps(more).encode()), UTC).voice
    assert voice is not None
    readings, told, own = voice.said
    assert isinstance(readings, Readings)
    assert readings.values == {"temperature": 22.5, "ph_level": 6.5}
    assert (told, own) == (Attributes({"note": "dusty"}), Attributes({"status": "online"}))
    lie = json.dumps(machine(**COUNTS) | {"device_id": "112233445566"}).encode()
    liar = ozone.read(Frame(f"telemetry/status/{MAC}", lie), UTC).voice
    assert liar is not None
    assert liar.lie
    with pytest.raises(Garbled):
        farm.read(Frame("farm/F/room/R/ack/D1", json.dumps(DEVICE).encode()), UTC)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2025-09-10 10:30:00", "2025-09-10T02:30:00+00:00"),
        ("2025-09-10T10:30:00.5+02:00", "2025-09-10T08:30:00.500000+00:00"),
        ("20250910T103000Z", "2025-09-10T10:30:00+00:00"),
        (1_757_500_200, "2025-09-10T10:30:00+00:00"),
        ("2025-13-10", None),
        ("0001-01-01", "0000"),
    ],
)
def test_a_clock_on_the_wall_has_the_zone_of_its_place(told: Any, at: str | None) -> None:
    found = clocks.time_of(told, KUALA_LUMPUR)
    if at == "0000":
        assert found is not None
        assert found < -(1 << 50)
    else:
        assert (None if found is None else moment(found).isoformat()) == at


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2025-08-20T10:00:00.123456+00:00", "2025-08-20T10:00:00.123456+00:00"),
        ("2025-08-20T10:00:00", "2025-08-20T10:00:00+00:00"),
        ("2025-08-20T12:00:00+02:00", "2025-08-20T10:00:00+00:00"),
        ("2025-08-20T10:00:00Z", "2025-08-20T10:00:00+00:00"),
        (1_755_684_000.5, "2025-08-20T10:00:00.500000+00:00"),
        (1_755_684_000_500, "2025-08-20T10:00:00.500000+00:00"),
        ("RTC_UNAVAILABLE", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("way", ["farm/F/room/R/device/D1/telemetry", "farm/F/room/R/telemetry/D1"])
def test_a_farm_tells_the_time_in_any_way_and_loses_nothing_by_it(way: str, told: Any, at: str | None) -> None:
    for body in ({"co2_ppm": 905}, {"data": {"co2_ppm": 905}}):
        voice = farm.read(Frame(way, json.dumps(body | {"timestamp": told}).encode()), KUALA_LUMPUR).voice
        assert voice is not None
        (readings,) = voice.said
        assert isinstance(readings, Readings)
        assert readings.values == {"co2": 905}
        assert (None if readings.at is None else moment(readings.at).isoformat()) == at


def test_an_hour_that_comes_twice_is_the_first_and_summer_is_summer() -> None:
    helsinki = ZoneInfo("Europe/Helsinki")
    for wall in ("2026-07-01 12:00:00", "2026-10-25 03:30:00", "2026-03-29 03:30:00"):
        told = clocks.time_of(wall, helsinki)
        assert told is not None
        from_wall = moment(told).astimezone(helsinki)
        assert from_wall.isoformat(" ", "seconds")[:19] in {wall, "2026-03-29 04:30:00"}


@pytest.mark.parametrize("form", ["a=1&b=x+y&c=&d", "a=1&&b=2", "a=%20b&c=d+e", "a=b=c"])
def test_a_form_is_read_as_forms_are(form: str) -> None:
    assert fields(form) == dict(parse_qsl(form, keep_blank_values=True))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: f"{each.family}: {each.name}")
def test_the_bench_reads_what_it_says_that_it_reads(message: Any) -> None:
    read: Callable[[], Any] = message.read
    told = read()
    if not isinstance(told, list):
        voice = told.voice if isinstance(told, Spoken) else told[0] if isinstance(told, tuple) else told
        assert voice is not None
        told = voice.said
    counted = sum(len(each.values) if isinstance(each, Readings | Attributes) else 1 for each in told)
    assert counted == message.values

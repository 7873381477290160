"""Whatever is refused of a message of a device stands on its log page, in every family, over HTTP and MQTT."""

from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, posted, stranger
from tests.edges.wire.families.test_farm import adopted_board
from tests.edges.wire.families.test_ozone import adopted, shaken, treated
from tests.edges.wire.families.test_plant import AT, signed_in
from tests.edges.wire.families.test_plant import added as planted
from tests.edges.wire.mqtt.device import Device
from verger.edges.wire.mqtt.packets import Connect, PubAck, Publish

MAC = "3C:8A:1F:A4:3E:C4"
SENSOR = "hall_temp"
FARM = "farm/North/room/R/device/D1"
CUT = "not JSON"


async def added(product: Product, dialect: str, address: str) -> str:
    about = {"name": address, "place": product.place["id"], "dialect": dialect, "address": address}
    return str((await posted(product, "/devices", **about))["device"]["id"])


async def log(product: Product, device: str) -> list[str]:
    """Return the sentences of a device's log page."""
    await product.house.stores.kept.remarks.write()
    return [each["message"] for each in (await product.get(f"/devices/{device}/log"))["items"]]


@pytest.mark.parametrize(
    ("dialect", "address", "path", "body", "sentence"),
    [
        ("outlet", "FE", "/api/data/", '{"device_id":"FE","current_a":12', "Invalid JSON format"),
        ("outlet", "FE", "/api/data/", '{"device_id":"fe","current_a":1}', "Missing required fields"),
        ("outlet", "FE", "/api/data/", '{"device_id":"FE","current_a":"x","current_b":null}', "current_a: This is no"),
        ("outlet", "FE", "/api/data/", '{"device_id":"FE","current_a":"x","current_b":5}', "current_a: This is no"),
        ("outlet", "CCU-02", "/api/breaker-data/", '{"ccu_id":2,"current_ma":"x"}', "current_ma: This is no"),
        ("outlet", "CCU-02", "/api/data/", "{", "Invalid JSON format"),
        ("cottage", SENSOR, "/sensors/create_sensor/", '{"sensors":[{"sensor_id":"hall_temp"', CUT),
        (
            *("cottage", SENSOR, "/sensors/create_sensor/"),
            *('{"sensors":[{"sensor_id":"hall_temp","sensor_data":1}],"code":[]}', "A code is text"),
        ),
        ("cottage", SENSOR, "/api/sensors/1/add_data/", '{"sensor_id":"hall_temp"}', "Send sensor_id, code"),
        ("ozone", MAC, "/api/iot/", f'{{"macaddr":"{MAC}","count1":', CUT),
        ("ozone", MAC, "/api/handshake/", f'{{"mac":"{MAC}","firmware"', CUT),
        ("farm", "North/D1", "/internal/ingest", '{"farm_id":"North","device_id":"D1","temperature_c":', CUT),
        ("farm", "North/D1", "/internal/ingest", '{"farm_id":"North","room_id":5,"device_id":"D1"}', "Invalid payload"),
    ],
)
async def test_what_is_refused_over_http_stands_on_the_page_of_its_device(
    product: Product, dialect: str, address: str, path: str, body: str, sentence: str
) -> None:
    key, device = (await enrolled(product, dialect))["key"], await added(product, dialect, address)
    async with client(product) as http:
        await http.post(f"/t/{key}{path}", content=body, headers={"Authorization": f"Internal {key}"})
    (told,) = await log(product, device)
    assert sentence in told
    assert await log(product, product.device["id"]) == []


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/telemetry", b'{"readings":[]}', "at least 1 item"),
        ("/telemetry", b"{", CUT),
        ("/commands/ack", b"{}", "command_id"),
        ("/commands/ack", b'{"command_id":"made-up"}', "Command not found"),
    ],
)
async def test_what_is_refused_of_a_planter_stands_on_its_page(
    product: Product, path: str, body: bytes, sentence: str
) -> None:
    made = await planted(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        assert (await pi.post(f"{AT}{path}", content=body)).status_code >= 400
    (told,) = await log(product, made["device"]["id"])
    assert sentence in told


async def test_what_is_refused_of_a_machine_that_proved_itself_stands_on_its_page(product: Product) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    async with client(product) as machine:
        await shaken(machine, at)
        await machine.post(f"{at}/api/events/", json=treated("BASIC", 1))
        device = await adopted(product)
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 2, event_id=""))).status_code == 400
        assert await log(product, device) == ["event_id required"]
        machine.headers["Authorization"] = "Bearer made-up"
        await machine.post(f"{at}/api/events/", json=treated("BASIC", 2, event="x"))
        assert "invalid event" not in await log(product, device)


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize(
    ("dialect", "address", "topic", "body", "sentence"),
    [
        ("cottage", SENSOR, "sensors/data", b'{"sensors":[{"sensor_id":"hall_temp"', CUT),
        ("cottage", SENSOR, "sensors/data", b'{"sensors":[{"sensor_id":"hall_temp"}],"code":[]}', "A code is text"),
        ("ozone", MAC, f"telemetry/status/{MAC}", b"?", CUT),
        ("ozone", MAC, f"ozon/device/{MAC}/status", b"[1]", "Send an object"),
        ("farm", "North/D1", f"{FARM}/telemetry", b"?", CUT),
        ("farm", "North/D1", f"{FARM}/ack", b"{}", "names its command_id"),
    ],
)
async def test_what_is_refused_over_mqtt_stands_on_the_page_of_its_device(
    product: Product, dialect: str, address: str, topic: str, body: bytes, sentence: str, level: int
) -> None:
    key, device = (await enrolled(product, dialect))["key"], await added(product, dialect, address)
    async with stranger(product, key, level=level) as line:
        await line.begin()
        assert isinstance(await line.ask(Publish(topic, body, 1, 1)), PubAck)
    (told,) = await log(product, device)
    assert sentence in told


async def test_a_board_without_an_id_is_known_by_its_connection_and_reads_what_was_refused(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin(Connect("ESP8266Client", 4, username=key, keep_alive=15))
        board = await adopted_board(product, line)
        for number, (topic, body) in enumerate((("home/sensors", b"["), ("home/sensors", b'{"humidity": 80}')), 1):
            assert isinstance(await line.ask(Publish(topic, body, 1, number)), PubAck)
        assert isinstance(await line.ask(Publish("home/weather", b"{}", 1, 3)), PubAck)
    told = await log(product, board)
    assert [CUT in each or "home/weather: no family" in each for each in told] == [True, True]


async def test_what_is_refused_of_a_device_with_a_token_stands_on_its_page(product: Product) -> None:
    async with client(product) as http:
        answer = await http.post(f"/api/v1/{product.token}/telemetry", content=b"?")
        assert answer.status_code == 422
    async with Device(product.house.mqtt.plain, 4, product.token) as line:
        await line.begin()
        await line.ask(Publish("v1/devices/me/attributes", b"[", 1, 1))
    told: Any = await log(product, product.device["id"])
    assert len(told) == 2
    assert all(CUT in each for each in told)


async def test_what_nobody_of_ours_said_stands_on_no_page(product: Product) -> None:
    key, device = (await enrolled(product, "outlet"))["key"], await added(product, "outlet", "FE")
    async with client(product) as http:
        for body in ('{"device_id":"AA"', "{", '{"ccu_id":"07","current_ma":"x"}'):
            assert (await http.post(f"/t/{key}/api/data/", content=body)).status_code == 400
    assert await log(product, device) == []

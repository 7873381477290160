"""Devices of mushroom farms: who is who, and the older boards at home/#, over real sockets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Authority
from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, next_message, posted, stranger, waiting
from tests.edges.wire.families.test_ozone_lies import log_page, shown
from tests.edges.wire.families.test_ports import enrolled as opened
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from verger.app import running
from verger.base.certificates import fingerprint
from verger.base.settings import Settings
from verger.domain.devices.families import identity
from verger.edges.wire.mqtt.packets import Connect, PubAck, Publish, SubAck

TOPIC = "farm/{}/room/{}/device/{}/telemetry"


async def said(line: Device, topic: str, told: Any, packet_id: int = 1) -> int:
    """Say something at QoS 1; return the reason it is answered with."""
    await line.say(Publish(topic, json.dumps(told).encode(), 1, packet_id))
    while not isinstance(answer := await line.hear(), PubAck):
        assert answer is not None
    return int(answer.reason)


async def devices(product: Product) -> dict[str, Any]:
    """Return the devices of the family by their address."""
    items = (await product.get("/devices"))["items"]
    return {each["address"]: each for each in items if each.get("address")}


async def latest(product: Product, device: str) -> dict[str, float]:
    await product.house.oversight.followers.caught_up()
    return {metric: each["value"] for metric, each in (await product.get(f"/devices/{device}/latest")).items()}


@pytest.mark.parametrize("word", ["telemetry", "temperature", "multi_sensor"])
async def test_the_kind_of_a_device_may_stand_where_the_word_does(product: Product, word: str) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin()
        assert await said(line, f"farm/F/room/R/{word}/D", {"data": {"temperature_c": 21}}) == 0
    (pending,) = await waiting(product)
    assert (pending["address"], pending["path"]) == ("F/D", [["farm", "F"], ["room", "R"]])
    assert pending["sample"] == {"temperature": 21}


async def test_equal_ids_in_two_farms_are_two_devices_and_one_that_moves_room_stays_itself(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin()
        for number, farm in enumerate(("North", "South"), 1):
            assert await said(line, TOPIC.format(farm, "R1", "D1"), {"temperature_c": 20 + number}, number) == 0
        wish = {"prefix": "", "place": product.place["id"]}
        assert (await product.owner.post("/pending-devices/adopt", json=wish)).status_code == 201
        there = await devices(product)
        assert sorted(there) == ["North/D1", "South/D1"]
        assert [each["name"] for each in there.values()] == ["D1", "D1"]
        assert await said(line, TOPIC.format("North", "R2", "D1"), {"humidity_pct": 90}, 3) == 0
        assert await waiting(product) == []
        assert await latest(product, there["North/D1"]["id"]) == {"temperature": 21, "humidity": 90}
        assert await latest(product, there["South/D1"]["id"]) == {"temperature": 22}


async def test_a_device_that_was_added_without_its_farm_is_heard_on_any_and_gets_what_it_said(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin()
        assert await said(line, TOPIC.format("North", "R1", "D1"), {"temperature_c": 21}) == 0
        about = {"name": "Mine", "place": product.place["id"], "dialect": "farm", "address": "D1"}
        device = (await posted(product, "/devices", **about))["device"]["id"]
        assert await waiting(product) == []
        assert await said(line, TOPIC.format("North", "R1", "D1"), {"humidity_pct": 90}) == 0
        assert await latest(product, device) == {"temperature": 21, "humidity": 90}
        # one whose farm was told is itself
        await posted(product, "/devices", **about | {"address": "South/D1"})
        assert await said(line, TOPIC.format("South", "R1", "D1"), {"humidity_pct": 70}) == 0
        assert await latest(product, device) == {"temperature": 21, "humidity": 90}


def test_a_topic_is_an_address_too() -> None:
    ways = ["F/D", " F/D ", "farm/F/room/R/device/D", "farm/F/room/R/device/D/telemetry", "farm/F/room/X/status/D"]
    assert {identity("farm", each) for each in ways} == {"F/D"}
    assert identity("farm", "home:ESP8266Client@1") == "home:ESP8266Client@1"


LIES = ({"device_id": "D2"}, {"farm_id": "South"}, {"room_id": "R2"})


async def test_a_device_that_lies_about_its_id_or_farm_is_refused_counted_and_shown(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    topic = TOPIC.format("North", "R1", "D1")
    async with stranger(product, key, level=5) as line:
        await line.begin()
        for packet_id, lie in enumerate(LIES, 1):
            assert await said(line, topic, lie | {"temperature_c": 1}, packet_id) == 0x99
        assert await waiting(product) == []
        assert await said(line, topic, {"temperature_c": 20}) == 0
        wish = {"prefix": "North", "place": product.place["id"]}
        assert (await product.owner.post("/pending-devices/adopt", json=wish)).status_code == 201
        device = (await devices(product))["North/D1"]["id"]
        for packet_id, lie in enumerate(LIES, 1):
            assert await said(line, topic, lie | {"temperature_c": 1}, packet_id) == 0x99
        assert await latest(product, device) == {"temperature": 20}
    assert await shown(product, device) == ["D1: Its room_id is not the one of its topic."]
    assert sorted(await log_page(product, device)) == [
        (f"address: Its {name} is not the one of its topic.", 1) for name in ("device_id", "farm_id", "room_id")
    ]
    lied = [each.value for each in product.house.oversight.figures() if each.name == "families_lied"]
    assert sum(lied) == 6


async def test_a_device_with_a_token_of_its_own_speaks_for_no_other_and_for_no_other_farm(product: Product) -> None:
    about = {"name": "Mine", "place": product.place["id"], "dialect": "farm", "address": "North/D1"}
    made = await posted(product, "/devices", **about)
    async with stranger(product, made["credentials"]["access_token"], level=5) as line:
        await line.begin()
        assert await said(line, TOPIC.format("North", "R1", "D1"), {"temperature_c": 20}) == 0
        for packet_id, (farm, name) in enumerate((("South", "D1"), ("North", "D2")), 2):
            assert await said(line, TOPIC.format(farm, "R1", name), {"temperature_c": 1}, packet_id) == 0x99
    assert await latest(product, made["device"]["id"]) == {"temperature": 20}
    assert len(await shown(product, made["device"]["id"])) == 1
    assert await waiting(product) == []


async def test_who_tests_the_way_hears_itself(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin()
        assert isinstance(await line.ask(subscribe("test/mqtt_tester")), SubAck)
        await line.say(Publish("test/mqtt_tester", b'{"any": "thing"}', 1, 1))
        assert (await next_message(line)).body == b'{"any": "thing"}'
    assert await waiting(product) == []


async def adopted_board(product: Product, line: Device) -> str:
    """Let a board speak, and adopt it."""
    assert await said(line, "home/sensors", {"temperature": 21.5, "humidity": 80, "light": 512}, 100) == 0
    pending = (await waiting(product))[0]
    assert pending["sample"] == {"temperature": 21.5, "humidity": 80, "light_adc": 512}
    made = await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Old board")
    return str(made["device"]["id"])


async def test_an_older_board_measures_and_is_told_single_words(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key, level=4) as line:
        await line.begin(Connect("ESP8266Client", 4, username=key, keep_alive=15))
        for name in ("light1", "fan1", "servo", "stepper", "dc_motor"):
            await line.ask(subscribe(f"home/control/{name}", qos=0))
        board = await adopted_board(product, line)
        assert await said(line, "home/sensors", {"temperature": 22}) == 0
        assert list(await devices(product)) == [f"home:ESP8266Client@{product.place['id']}"]
        for method, params, text, state in (
            ("light1", {"on": True}, b"on", {"light1": True}),
            ("fan1", {"on": False}, b"off", {"fan1": False}),
            ("servo", {"angle": 90}, b"90", {"servo_angle": 90}),
            ("stepper", {"direction": "LEFT"}, b"LEFT", {"stepper": "LEFT"}),
            ("dc_motor", {"direction": "STOP"}, b"STOP", {"dc_motor": "STOP"}),
        ):
            command = await posted(product, f"/devices/{board}/commands", method=method, params=params)
            heard = await next_message(line)
            assert (heard.topic, heard.body, heard.qos) == (f"home/control/{method}", text, 0)
            assert await said(line, "home/device_states", state) == 0
            await product.house.oversight.followers.caught_up()
            assert (await product.get(f"/commands/{command['id']}"))["stage"] == "succeeded"
        wrong = {"method": "servo", "params": {"angle": 200}}
        refused = await product.owner.post(f"/devices/{board}/commands", json=wrong)
        assert (refused.status_code, "0 to 180" in refused.json()["detail"]) == (422, True)


async def test_two_boards_of_one_name_at_two_places_are_two(product: Product) -> None:
    other = await posted(product, "/places", name="Barn", kind="room")
    for place in (product.place, other):
        key = (await posted(product, "/enrolments", dialect="farm", place=place["id"]))["key"]
        async with stranger(product, key, level=4) as line:
            await line.begin(Connect("ESP8266Client", 4, username=key, keep_alive=15))
            assert await said(line, "home/sensors", {"temperature": 20}) == 0
    assert len({each["address"] for each in await waiting(product)}) == 2


async def test_a_farm_comes_by_mutual_tls_and_a_board_is_known_by_its_certificate(
    founded: Settings, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    spoken = replace(founded, tls_cert=cert, tls_key=key, tls_client_ca=authority.path, mqtt_tls_port=0)
    mine, board, foreign = authority.sign("thing"), authority.sign("board"), authority.sign("other")
    prints = [fingerprint(each[0].read_text()) for each in (mine, board)]
    async with running(spoken) as (house, _):
        await opened(house, dialect="farm", certificates=prints)
        port = house.mqtt.tls
        assert port is not None
        async with Device(port, 4, "", "sdk", tls=authority.client(mine)) as line:
            user = "?SDK=Python&Version=1.5.4"
            assert (await line.begin(Connect("sdk", 4, username=user, keep_alive=600))).reason == 0
            assert await said(line, TOPIC.format("F", "R", "D"), {"device_id": "D", "temperature_c": 22.5}) == 0
        async with Device(port, 4, "", "ESP8266Client", tls=authority.client(board)) as line:
            assert (await line.begin(Connect("ESP8266Client", 4, keep_alive=15))).reason == 0
            assert await said(line, "home/sensors", {"temperature": 20}) == 0
        async with Device(port, 4, "", "sdk", tls=authority.client(foreign)) as line:
            assert (await line.begin(Connect("sdk", 4, keep_alive=15))).reason == 5
        waiting = await house.stores.enrolled.strangers.all(str(await house.stores.tenancy.users.first_tenant()))
        assert {each.address for each in waiting} == {"F/D", f"home:{prints[1][:16]}"}

"""Devices of a mushroom farm, unchanged, over real sockets: in both ways of writing their topics."""

import json

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, next_message, posted, stranger, waiting
from tests.edges.wire.mqtt.client import subscribe
from verger.base.clock import HeldClock, moment
from verger.edges.wire.mqtt.packets import PubAck, Publish, SubAck

WAYS = [
    "farm/North/room/Oyster/device/D1/{}",
    "farm/North/room/Oyster/{}/D1",
]


@pytest.mark.parametrize("way", WAYS)
async def test_a_device_waits_is_adopted_as_a_tree_obeys_and_answers(
    product: Product, clock: HeldClock, way: str
) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin()
        assert isinstance(await line.ask(subscribe(way.format("command"))), SubAck)
        at = moment(clock.at).isoformat()
        told = {"device_id": "D1", "timestamp": at, "status": "online", "temperature_c": 22.5}
        assert await line.ask(Publish(way.format("telemetry"), json.dumps(told).encode(), 1, 1)) == PubAck(1)
        (pending,) = await waiting(product)
        assert (pending["address"], pending["sample"]) == ("D1", {"temperature": 22.5})
        wish = {"prefix": "farm/North", "place": product.place["id"]}
        assert (await product.owner.post("/pending-devices/adopt", json=wish)).status_code == 201
        (device,) = [each["id"] for each in (await product.get("/devices"))["items"] if each.get("address") == "D1"]
        seconds = {"timestamp": clock.at / 1e6 + 1, "data": {"co2_ppm": 900}, "status": "online"}
        assert await line.ask(Publish(way.format("telemetry"), json.dumps(seconds).encode(), 1, 2)) == PubAck(2)
        command = await posted(product, f"/devices/{device}/commands", method="turn_on")
        order = await next_message(line)
        assert order.topic == way.format("command")
        body = json.loads(order.body)
        assert "turn_on" in (body.get("command"), body.get("action"))
        done = {"device_id": "D1", "command_id": body["command_id"], "status": "acked", "response": "done"}
        await line.say(Publish(way.format("status"), json.dumps(done).encode(), 1, 3))
        while await line.hear() != PubAck(3):
            pass
        await product.house.oversight.followers.caught_up()
        assert (await product.get(f"/commands/{command['id']}"))["stage"] == "succeeded"
        assert (await product.get(f"/devices/{device}"))["attributes"]["reported"]["status"] == "online"
        latest = await product.get(f"/devices/{device}/latest")
        assert {name: each["value"] for name, each in latest.items()} == {"temperature": 22.5, "co2": 900}


async def test_a_device_that_lies_about_its_id_or_farm_is_refused(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key, level=5) as line:
        await line.begin()
        for packet_id, lie in enumerate(({"device_id": "D2"}, {"farm_id": "South"}), 1):
            body = json.dumps(lie | {"temperature_c": 1}).encode()
            answer = await line.ask(Publish(WAYS[0].format("telemetry"), body, 1, packet_id))
            assert isinstance(answer, PubAck)
            assert answer.reason == 0x99
    assert await waiting(product) == []

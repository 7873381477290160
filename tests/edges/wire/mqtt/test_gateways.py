"""Gateways on real sockets: their messages are one to the inlet, and are answered on the topics of gateways."""

import json
from typing import Any

import pytest

from tests.edges.wire.conftest import FakeInbound
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import Open
from tests.edges.wire.mqtt.device import Device
from verger.domain.telemetry.model import Behind, Claim, Readings, Relayed
from verger.edges.wire.dialects.native import Wanted
from verger.edges.wire.mqtt.packets import Packet, PubAck, Publish, SubAck

GATEWAY = "token-gateway"


def publish(word: str, message: Any, number: int = 1) -> Publish:
    return Publish(f"v1/gateway/{word}", json.dumps(message).encode(), 1, number)


async def answer_to(device: Device, asked: Packet) -> Publish:
    """Ask, and return the answer, which may come before or after the acknowledgement."""
    [answer] = [one for one in (await device.ask(asked), await device.hear()) if isinstance(one, Publish)]
    return answer


async def test_a_message_of_several_devices_is_one_to_the_log(port: int, inbound: FakeInbound) -> None:
    async with Device(port, 4, GATEWAY) as device:
        await device.begin()
        message = publish("telemetry", {"A": [{"ts": 1, "values": {"t": 1}}], "B": [{"t": 2}]})
        assert await device.ask(message) == PubAck(1)
    [batch] = inbound.batches
    parts = (Behind("A", (Readings({"t": 1.0}, 1000),)), Behind("B", (Readings({"t": 2.0}),)))
    assert batch == [Relayed("gateway", (), behind=parts)]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"client": True, "key": "floor"}, {"value": 3}),
        ({"client": False, "keys": ["every_s"]}, {"values": {"every_s": 60}}),
        (
            {"client": ["floor"], "shared": ["every_s", "none"]},
            {"values": {"floor": 3, "every_s": 60}, "client": {"floor": 3}, "shared": {"every_s": 60}},
        ),
    ],
)
async def test_a_gateway_reads_attributes_of_a_device_behind_it(port: int, asked: Any, told: Any) -> None:
    async with Device(port, 5, GATEWAY) as device:
        await device.begin()
        answer = await answer_to(device, publish("attributes/request", {"id": 7, "device": "A", **asked}))
    assert answer.topic == "v1/gateway/attributes/response"
    assert json.loads(answer.body) == {"id": 7, "device": "A", **told}


async def test_a_gateway_is_told_when_a_device_is_not_known(port: int) -> None:
    async with Device(port, 5, GATEWAY) as device:
        await device.begin()
        asked = {"id": 7, "device": "nobody", "client": True, "key": "k"}
        assert "error" in json.loads((await answer_to(device, publish("attributes/request", asked))).body)


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize(
    ("body", "told", "says"),
    [
        (b'{"id":7,"device":"A"}', {"id": 7, "device": "A"}, "in keys, or one as key"),
        (b'{"id":"x","device":"A","client":["k",7]}', {"id": "x", "device": "A"}, "in keys, or one as key"),
        (b'{"id":7,"client":true,"key":"k"}', {"id": 7}, "Name the device"),
        (b'{"id":"\\ud800","device":"A","client":true,"key":"k"}', {"device": "A"}, "number or text"),
        (b"[]", {}, "sends an object"),
        (b"attributes, please", {}, "not JSON"),
    ],
)
async def test_a_gateway_that_asks_in_a_way_that_makes_no_sense_is_told_so_where_it_waits(
    port: int, inbound: FakeInbound, level: int, body: bytes, told: dict[str, Any], says: str
) -> None:
    async with Device(port, level, GATEWAY) as device:
        await device.begin()
        answer = await answer_to(device, Publish("v1/gateway/attributes/request", body, 1, 1))
    assert answer.topic == "v1/gateway/attributes/response"
    answered = json.loads(answer.body)
    assert says in answered.pop("error")
    assert answered == told
    [heard] = inbound.heard
    assert heard.refused  # it stands on the page of the gateway, too


async def test_what_is_wanted_of_a_device_behind_goes_to_its_gateway(open_listener: Open) -> None:
    listener, port = await open_listener()
    async with Device(port, 5, GATEWAY) as device:
        await device.begin()
        assert isinstance(await device.ask(subscribe("v1/gateway/attributes")), SubAck)
        assert listener.deliver("gateway", Wanted({"every_s": 60}, (), "A"))
        got = await device.hear()
    assert isinstance(got, Publish)
    assert (got.topic, got.body) == ("v1/gateway/attributes", b'{"device":"A","data":{"every_s":60}}')


async def test_a_gateway_is_told_its_limits_as_one(port: int) -> None:
    async with Device(port, 5, GATEWAY) as device:
        await device.begin()
        asked = Publish("v1/devices/me/rpc/request/1", b'{"method":"getSessionLimits"}', 1, 1)
        assert json.loads((await answer_to(device, asked)).body)["gatewayRateLimits"] == {}


async def test_claims_are_acknowledged_as_kept_and_firmware_as_not_there(port: int, inbound: FakeInbound) -> None:
    async with Device(port, 5) as device:
        await device.begin()
        await device.ask(Publish("v1/devices/me/claim", b'{"secretKey":"s"}', 1, 1))
        assert inbound.batches == [[Relayed("d", (), claims=(Claim("", "s"),))]]
        answer = await answer_to(device, Publish("v2/fw/request/1/chunk/0", b"4096", 1, 2))
    assert (answer.topic, answer.body) == ("v2/fw/error", b"NOT_FOUND")

"""Devices without a credential that ask for one over MQTT."""

import json
from typing import Any

import pytest

from tests.edges.wire.conftest import FakeInbound
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import Impatient, Open
from tests.edges.wire.mqtt.device import Device
from verger.edges.wire.mqtt.packets import Connect, Disconnect, PubAck, Publish, SubAck
from verger.edges.wire.mqtt.reasons import Reason

BOTH = pytest.mark.parametrize("level", [4, 5])
RESPONSE = "/provision/response"


def wish(brings: str = "right", qos: int = 0) -> Publish:
    body = json.dumps({"provisionDeviceKey": "key", "provisionDeviceSecret": brings}).encode()
    return Publish("/provision/request", body, qos, 1 if qos else 0)


def told(packet: Any) -> Any:
    assert isinstance(packet, Publish)
    assert packet.topic == RESPONSE
    return json.loads(packet.body)


@BOTH
@pytest.mark.parametrize(("username", "client_id"), [("provision", "c"), ("", "provision"), (None, "provision")])
async def test_a_newcomer_gets_a_credential(port: int, level: int, username: str | None, client_id: str) -> None:
    async with Device(port, level) as device:
        answer = await device.begin(Connect(client_id, level, username=username, keep_alive=60))
        assert answer.reason == 0
        assert await device.ask(subscribe(RESPONSE, qos=0)) == SubAck(1, (0,))
        got = told(await device.ask(wish()))
    assert got == {"status": "SUCCESS", "credentialsType": "ACCESS_TOKEN", "credentialsValue": "vt_fresh"}


async def test_a_wrong_key_is_told_and_counted(open_listener: Open) -> None:
    patience = Impatient()
    _, port = await open_listener(patience)
    async with Device(port, 5, "provision") as device:
        await device.begin()
        assert told(await device.ask(wish("wrong")))["status"] == "NOT_FOUND"
        assert patience.keys[0] == "address 127.0.0.1"
        assert told(await device.ask(wish()))["status"] == "SUCCESS"


async def test_a_newcomer_says_and_hears_nothing_else(port: int, inbound: FakeInbound) -> None:
    async with Device(port, 5, "provision") as device:
        await device.begin()
        refused = await device.ask(subscribe("v1/devices/me/attributes", RESPONSE))
        assert refused == SubAck(1, (Reason.NOT_AUTHORIZED, 1))
        answer = await device.ask(Publish("v1/devices/me/telemetry", b'{"t":1}', 1, 7))
        assert isinstance(answer, PubAck)
        assert answer.reason == Reason.TOPIC_NAME_INVALID
        assert await device.ask(wish(qos=1)) == PubAck(1)
        assert told(await device.hear())["status"] == "SUCCESS"
    assert inbound.heard == []


async def test_a_newcomer_has_to_leave_after_a_while(open_listener: Open) -> None:
    _, port = await open_listener(newcomer_s=0.05)
    async with Device(port, 5, "provision") as device:
        await device.begin()
        ended = await device.hear()
        assert isinstance(ended, Disconnect)
        assert ended.reason == Reason.MAXIMUM_CONNECT_TIME
        assert await device.hear() is None


async def test_a_device_with_user_name_and_password_is_let_in(port: int) -> None:
    for password, reason in ((b"my password", 0), (b"another one", Reason.NOT_AUTHORIZED)):
        async with Device(port, 5) as device:
            answer = await device.begin(Connect("c", 5, username="me", password=password, keep_alive=60))
            assert answer.reason == reason

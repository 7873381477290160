"""What a device is told at a limit, over MQTT and HTTP."""

import json

import pytest
from msgspec.structs import replace

from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import Open
from tests.edges.wire.mqtt.device import Device
from tests.edges.wire.test_http import ask
from verger.domain.telemetry.model import Answer, Heard
from verger.domain.tenancy.limits import Limits
from verger.edges.wire.dialects.native import Wanted
from verger.edges.wire.http import DeviceHttp
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.packets import Disconnect, PubAck, Publish, SubAck
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason

TOO_SOON = Answer(kept=False, later="Send this again in 20 s.", wait_s=20)


@pytest.fixture
def hasty(inbound: FakeInbound, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every message come too soon."""

    async def take(heard: list[Heard]) -> list[Answer]:
        return [TOO_SOON for _ in heard]

    monkeypatch.setattr(inbound, "take", take)


def telemetry(body: str, number: int = 1) -> Publish:
    return Publish("v1/devices/me/telemetry", body.encode(), 1, number)


@pytest.mark.usefixtures("hasty")
async def test_a_message_too_soon_is_told_by_mqtt_5_and_left_unanswered_by_3(open_listener: Open) -> None:
    _, port = await open_listener()
    async with Device(port) as device, Device(port, 4, "token-old") as old:
        await device.begin()
        await old.begin()
        answer = await device.ask(telemetry('{"t":1}'))
        assert isinstance(answer, PubAck)
        assert (answer.reason, answer.properties.reason_string) == (Reason.QUOTA_EXCEEDED, TOO_SOON.later)
        assert await old.ask(telemetry('{"t":1}')) is None


@pytest.mark.usefixtures("hasty")
async def test_a_message_too_soon_is_told_by_http(house: FakeHouse, inlet: Inlet) -> None:
    got = await ask(DeviceHttp(house, inlet), "POST", "/api/v1/token-d/telemetry", b'{"t":1}')
    assert (got.status, got.headers[b"retry-after"], got.json()["detail"]) == (429, b"20", TOO_SOON.later)


@pytest.mark.parametrize(("level", "code"), [(4, 3), (5, 0x97)])
async def test_a_connection_too_many_is_refused_with_the_reason(
    open_listener: Open, house: FakeHouse, level: int, code: int
) -> None:
    listener, port = await open_listener()
    house.full = "Your organisation has 2 connections already."
    async with Device(port, level) as device:
        answer = await device.begin()
        assert (answer.reason, await device.hear()) == (code, None)
        assert level == 4 or answer.properties.reason_string == house.full
    assert (house.left, house.presence, listener.counts.refused) == ([], [], 1)


async def test_each_connection_is_counted_once_and_let_go_once(open_listener: Open, house: FakeHouse) -> None:
    listener, port = await open_listener()
    async with Device(port) as device, Device(port, client_id="other") as other:
        await device.begin()
        await other.begin()
        lines = list(listener.lines)
    for line in lines:
        await line.gone.wait()
    assert (house.entered, house.left) == ([("farm", False)] * 2, ["farm"] * 2)


async def test_a_device_has_the_packet_size_and_the_rates_of_its_own(open_listener: Open, house: FakeHouse) -> None:
    house.own_bounds = (300, {"messages": "200:1"})
    _, port = await open_listener()
    async with Device(port) as device:
        assert (await device.begin()).properties.maximum_packet_size == 300
        body = b'{"method":"getSessionLimits"}'
        answer = await device.ask(Publish("v1/devices/me/rpc/request/1", body, 1, 3))
        assert isinstance(answer, Publish)
        told = json.loads(answer.body)
        assert told.pop("inbox") == {"messages": 1000, "bytes": 1 << 20, "days": 7}
        assert told == {"maxPayloadSize": 300, "maxInflightMessages": 1000, "rateLimits": {"messages": "200:1"}}
        await device.hear()
        bye = await device.ask(telemetry(" " * 400, 4))
        assert isinstance(bye, Disconnect)
        assert bye.reason == Reason.PACKET_TOO_LARGE


async def test_devices_of_a_type_may_have_smaller_inboxes(open_listener: Open, house: FakeHouse) -> None:
    house.own_inbox = (1, 1 << 20, 3)
    listener, port = await open_listener()
    async with Device(port) as device:
        asked = Properties(session_expiry_interval=10 * 86_400)
        welcome = await device.begin(replace(device.connect, properties=asked))
        assert welcome.properties.session_expiry_interval == 3 * 86_400
        assert await device.ask(subscribe("v1/devices/me/attributes")) == SubAck(1, (1,))
        await device.say(Disconnect())
        assert await device.hear() is None
    for number in (1, 2):
        listener.deliver("d", Wanted({"n": number}))
    [standing] = listener.sessions.standings("d")
    assert [letter.message.body for letter in standing.memory.letters.values()] == [b'{"n":2}']


async def test_an_organisation_says_for_how_long_sessions_are_remembered(open_listener: Open, house: FakeHouse) -> None:
    house.allowed = Limits(inbox_days=2, inbox_messages=5)
    _, port = await open_listener()
    async with Device(port) as device:
        asked = Properties(session_expiry_interval=10 * 86_400)
        welcome = await device.begin(replace(device.connect, properties=asked))
        assert welcome.properties.session_expiry_interval == 2 * 86_400
        answer = await device.ask(Publish("v1/devices/me/rpc/request/1", b'{"method":"getSessionLimits"}', 1, 3))
        assert isinstance(answer, Publish)
        assert json.loads(answer.body)["inbox"] == {"messages": 5, "bytes": 1 << 20, "days": 2}

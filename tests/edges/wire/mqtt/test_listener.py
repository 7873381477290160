"""Devices on real sockets: who is let in, what is acknowledged, and what is answered."""

import asyncio
import json

import pytest

from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import Impatient, Open
from tests.edges.wire.mqtt.device import Device
from verger.base.errors import Fault
from verger.domain.telemetry.model import Attributes, Heard, Readings
from verger.edges.wire.dialects.native import Ask, Wanted
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.packets import (
    Connect,
    Disconnect,
    PingReq,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    SubAck,
    Will,
)
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason

BOTH = pytest.mark.parametrize("level", [4, 5])
TELEMETRY = "v1/devices/me/telemetry"


def telemetry(body: str, number: int = 1, qos: int = 1) -> Publish:
    return Publish(TELEMETRY, body.encode(), qos, number if qos else 0)


@BOTH
async def test_a_message_is_acknowledged_only_after_it_is_kept(port: int, inbound: FakeInbound, level: int) -> None:
    inbound.open.clear()
    async with Device(port, level) as device:
        await device.begin()
        assert await device.ask(telemetry('{"t":1}'), PingReq()) == PingResp()
        assert inbound.heard == []
        inbound.open.set()
        assert await device.hear() == PubAck(1)
    assert inbound.heard == [Heard("d", (Readings({"t": 1.0}),))]


async def test_a_batch_is_acknowledged_in_one_write_and_in_order(port: int) -> None:
    async with Device(port) as device:
        await device.begin()
        await device.say(*(telemetry('{"t":1}', number) for number in range(1, 51)))
        raw = await device.reader.read(1000)
        assert raw == b"".join(b"\x40\x02\x00" + bytes((number,)) for number in range(1, 51))


@BOTH
async def test_qos_0_is_kept_and_not_answered(port: int, inbound: FakeInbound, level: int) -> None:
    async with Device(port, level) as device:
        await device.begin()
        assert await device.ask(telemetry('{"t":1}', qos=0), telemetry('{"t":2}', 5)) == PubAck(5)
    assert len(inbound.heard) == 2


@pytest.mark.parametrize(("level", "code"), [(4, 5), (5, 0x87)])
@pytest.mark.parametrize("token", ["nobody-knows-me", "", "?/any"])
async def test_a_stranger_is_refused_slowly_and_its_token_is_not_written_down(
    open_listener: Open, capsys: pytest.CaptureFixture[str], level: int, code: int, token: str
) -> None:
    patience = Impatient()
    listener, port = await open_listener(patience)
    async with Device(port, level, token) as device:
        answer = await device.begin()
        assert answer.reason == code
        assert await device.hear() is None
    assert patience.keys[0] == "address 127.0.0.1"
    assert len(patience.keys) == (2 if token else 1)
    assert not token or token not in patience.keys[-1] + capsys.readouterr().out
    assert listener.counts.refused == 1


async def test_a_known_device_does_not_wait_for_the_failures_of_others(open_listener: Open) -> None:
    _, port = await open_listener(Impatient(1000.0))
    async with Device(port, username="unknown") as stranger, Device(port) as device:
        await stranger.say(stranger.connect)
        assert (await device.begin()).reason == 0


async def test_a_malformed_packet_closes_its_connection_with_the_reason_and_no_other(
    open_listener: Open, house: FakeHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    listener, port = await open_listener()
    async with Device(port) as broken, Device(port, username="token-other") as other:
        await broken.begin()
        await other.begin()
        broken.writer.write(b"\x00\x00")
        bye = await broken.hear()
        assert isinstance(bye, Disconnect)
        assert bye.reason == Reason.MALFORMED_PACKET
        assert await broken.hear() is None
        assert await other.ask(telemetry('{"t":1}')) == PubAck(1)
    assert house.remarks == [("d", "protocol", "There is no packet of type 0.")]
    assert "device=d" in capsys.readouterr().out
    assert listener.counts.malformed == 1


async def test_what_is_refused_is_told_by_name_in_mqtt_5(port: int, inbound: FakeInbound) -> None:
    async with Device(port) as device:
        await device.begin()
        answer = await device.ask(telemetry('{"t":1,"h":"nan"}'))
    words = Properties(reason_string="1 value was not kept.", user_properties=(("h", "This is not a number."),))
    assert answer == PubAck(1, 0, words)
    assert inbound.heard == [Heard("d", (Readings({"t": 1.0}),), (Fault("h", "This is not a number."),))]


@pytest.mark.parametrize("body", ["{", '{"t":"nan"}', "{}", "7"])
async def test_when_nothing_is_kept_mqtt_5_hears_so_and_stays(port: int, body: str) -> None:
    async with Device(port) as device, Device(port, 4, "token-old") as old:
        await device.begin()
        await old.begin()
        answer = await device.ask(telemetry(body))
        assert isinstance(answer, PubAck)
        assert answer.reason == Reason.PAYLOAD_FORMAT_INVALID
        assert await device.ask(telemetry('{"t":1}', 2)) == PubAck(2)
        assert await old.ask(telemetry(body)) == PubAck(1)


async def test_a_message_that_cannot_be_kept_is_not_acknowledged_and_the_device_comes_again(
    port: int, inbound: FakeInbound
) -> None:
    inbound.be_busy()
    async with Device(port) as device, Device(port, 4, "token-old") as old:
        await device.begin()
        await old.begin()
        bye = await device.ask(telemetry('{"t":1}'))
        assert isinstance(bye, Disconnect)
        assert bye.reason == Reason.QUOTA_EXCEEDED
        assert await device.hear() is None
        assert await old.ask(telemetry('{"t":1}')) is None
    inbound.failure = None
    async with Device(port) as device:
        await device.begin()
        assert await device.ask(telemetry('{"t":1}')) == PubAck(1)


async def test_a_lost_message_at_qos_0_does_not_end_the_connection(port: int, inbound: FakeInbound) -> None:
    inbound.be_busy()
    async with Device(port) as device:
        await device.begin()
        await device.say(telemetry('{"t":1}', qos=0))
        await inbound.taking.wait()
        inbound.failure = None
        assert await device.ask(telemetry('{"t":2}', 7)) == PubAck(7)


async def test_qos_2_is_kept_once_even_over_a_broken_connection(port: int, inbound: FakeInbound) -> None:
    lasting = Connect("c", 4, clean_start=False, username="token-d")
    async with Device(port, 4) as device:
        assert not (await device.begin(lasting)).session_present
        assert await device.ask(telemetry('{"t":1}', 9, qos=2)) == PubRec(9)
    async with Device(port, 4) as device:
        assert (await device.begin(lasting)).session_present
        assert await device.ask(telemetry('{"t":1}', 9, qos=2)) == PubRec(9)
        assert await device.ask(PubRel(9)) == PubComp(9)
    assert len(inbound.heard) == 1


async def test_qos_2_again_while_the_first_is_on_its_way_is_kept_once(port: int, inbound: FakeInbound) -> None:
    inbound.open.clear()
    async with Device(port) as device:
        await device.begin()
        message = telemetry('{"t":1}', 9, qos=2)
        await device.say(message, message)
        inbound.open.set()
        assert [await device.hear(), await device.hear()] == [PubRec(9), PubRec(9)]
    assert len(inbound.heard) == 1


async def test_limits_are_told_at_the_topic_that_asks(port: int) -> None:
    async with Device(port) as device:
        await device.begin()
        body = b'{"method":"getSessionLimits","params":{}}'
        answers = [await device.ask(Publish("v1/devices/me/rpc/request/1", body, 1, 3)), await device.hear()]
    inbox = b'"inbox":{"messages":1000,"bytes":1048576,"days":7}'
    limits = b'{"maxPayloadSize":65536,"maxInflightMessages":1000,"rateLimits":{},' + inbox + b"}"
    assert answers == [Publish("v1/devices/me/rpc/response/1", limits, 1, 1), PubAck(3)]


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize(
    ("asked", "answered", "body", "says"),
    [
        ("v1/devices/me/rpc/request/1", "v1/devices/me/rpc/response/1", b'{"method":"sing"}', "no method sing here"),
        ("v2/r/req/1", "v2/r/res/1", b'{"method":"sing"}', "no method sing here"),
        ("v1/devices/me/rpc/request/1", "v1/devices/me/rpc/response/1", b'{"params":{}}', "an object with a method"),
        ("v2/r/req/j/1", "v2/r/res/j/1", b"[1]", "an object with a method"),
        ("v1/devices/me/rpc/request/1", "v1/devices/me/rpc/response/1", b"sing", ""),
        ("v1/devices/me/attributes/request/1", "v1/devices/me/attributes/response/1", b"[1]", "clientKeys"),
        ("v2/a/req/1", "v2/a/res/1", b'{"clientKeys":3}', "joined by commas"),
    ],
)
async def test_whoever_asks_for_what_cannot_be_is_told_so_where_it_waits(
    port: int, level: int, asked: str, answered: str, body: bytes, says: str
) -> None:
    async with Device(port, level) as device:
        await device.begin()
        answer = await device.ask(Publish(asked, body))
    assert isinstance(answer, Publish)
    assert answer.topic == answered
    assert says in json.loads(answer.body)["error"]


async def test_attributes_are_told_at_the_topic_that_asks(port: int, house: FakeHouse) -> None:
    async with Device(port, 4) as device:
        await device.begin()
        ask = Publish("v1/devices/me/attributes/request/7", b'{"clientKeys":"floor,x","sharedKeys":"every_s"}')
        answer = await device.ask(ask)
        topic = "v1/devices/me/attributes/response/7"
        assert answer == Publish(topic, b'{"client":{"floor":3},"shared":{"every_s":60}}', 1, 1)
        house.client = {}
        assert await device.ask(ask) == Publish(topic, b'{"shared":{"every_s":60}}', 1, 2)


async def test_an_order_reaches_whoever_listens_to_it(open_listener: Open) -> None:
    listener, port = await open_listener()
    async with Device(port) as device:
        await device.begin()
        assert not listener.deliver("d", Ask(7, "on"))
        granted = await device.ask(subscribe("v2/r/req/+", "v1/devices/me/attributes"))
        assert granted == SubAck(1, (1, 1))
        assert listener.deliver("d", Ask(7, "on"))
        assert await device.hear() == Publish("v2/r/req/7", b'{"method":"on","params":null}', 1, 1)
        assert listener.deliver("d", Wanted({"a": 1}), qos=0)
        assert await device.hear() == Publish("v1/devices/me/attributes", b'{"a":1}')
    assert not listener.deliver("nobody", Ask(7, "on"))


async def test_a_will_is_heard_when_a_device_breaks_off_and_not_when_it_says_goodbye(
    port: int, inbound: FakeInbound, house: FakeHouse
) -> None:
    gone = Will("v1/devices/me/attributes", b'{"state":"gone"}')
    strange = Will("somewhere/else", b"gone")
    async with Device(port) as device:
        await device.begin(Connect("a", 5, username="token-d", will=gone))
        await device.say(Disconnect())
        assert await device.hear() is None
    async with Device(port) as device:
        await device.begin(Connect("b", 5, username="token-d", will=strange))
        assert await device.ask(Disconnect(Reason.DISCONNECT_WITH_WILL)) is None
    assert house.remarks == [("d", "refused", "Its last will: Nothing is heard at the topic somewhere/else.")]
    assert inbound.heard == []
    async with Device(port) as device:
        await device.begin(Connect("c", 5, username="token-d", will=gone))
        device.writer.transport.abort()
    await inbound.taking.wait()
    assert inbound.heard == [Heard("d", (Attributes({"state": "gone"}),))]


async def test_a_will_that_waits_is_heard_unless_its_session_goes_on(port: int, inbound: FakeInbound) -> None:
    def connect(state: str, delay: int) -> Connect:
        body = b'{"state":"%s"}' % state.encode()
        will = Will("v1/devices/me/attributes", body, properties=Properties(will_delay_interval=delay))
        lasting = Properties(session_expiry_interval=60)
        return Connect("c", 5, clean_start=False, username="token-d", will=will, properties=lasting)

    for state, delay in (("not heard", 1), ("heard", 1)):
        async with Device(port) as device:
            await device.begin(connect(state, delay))
            device.writer.transport.abort()
    async with asyncio.timeout(10):
        await inbound.taking.wait()
    assert inbound.heard == [Heard("d", (Attributes({"state": "heard"}),))]


async def test_too_large_a_packet_is_refused(open_listener: Open) -> None:
    _, port = await open_listener(limits=Limits(packet_bytes=500))
    async with Device(port) as device:
        assert (await device.begin()).properties.maximum_packet_size == 500
        bye = await device.ask(telemetry(" " * 600))
        assert isinstance(bye, Disconnect)
        assert bye.reason == Reason.PACKET_TOO_LARGE

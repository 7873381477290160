"""Programs on real sockets: their tenant's topic tree, what they may do there, and what is kept for them."""

import asyncio
from typing import Any

import pytest

from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import FakeDisk, FakeMembers, Open
from tests.edges.wire.mqtt.device import Device
from verger.edges.wire.mqtt.packets import (
    Connect,
    Disconnect,
    Filter,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
    Will,
)
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.reasons import Reason

BOTH = pytest.mark.parametrize("level", [4, 5])


def program(port: int, client_id: str = "p", level: int = 5, key: str = "vk_farm") -> Device:
    return Device(port, level, key, client_id)


def lasting(client_id: str = "p", key: str = "vk_farm", **more: Any) -> Connect:
    said = Properties(session_expiry_interval=600)
    return Connect(client_id, 5, clean_start=False, username=key, keep_alive=60, properties=said, **more)


def listening(topic: str, number: int = 1, qos: int = 2, **how: Any) -> Subscribe:
    return Subscribe(number, (Filter(topic, qos, **how),))


async def body(device: Device) -> bytes:
    heard = await device.hear()
    assert isinstance(heard, Publish), heard
    return heard.body


async def test_a_program_is_told_what_is_open_to_it(port: int) -> None:
    async with program(port) as one, Device(port) as device:
        answer = (await one.begin()).properties
        assert (answer.subscription_identifier_available, answer.shared_subscription_available) == (1, 1)
        answer = (await device.begin()).properties
        assert (answer.subscription_identifier_available, answer.shared_subscription_available) == (0, 0)


@pytest.mark.parametrize(("level", "code"), [(4, 5), (5, Reason.NOT_AUTHORIZED)])
async def test_an_unknown_key_is_refused(port: int, level: int, code: int) -> None:
    async with program(port, level=level, key="vk_nobody") as stranger:
        assert (await stranger.begin()).reason == code


@BOTH
async def test_what_one_program_writes_another_of_its_tenant_hears_and_nobody_else(port: int, level: int) -> None:
    async with (
        program(port, "a", level) as one,
        program(port, "b") as other,
        program(port, "a", key="vk_cottage") as far,
    ):
        for each in (one, other, far):
            await each.begin()
        assert await other.ask(subscribe("hall/+/#")) == SubAck(1, (1,))
        assert await far.ask(subscribe("#")) == SubAck(1, (1,))
        answer = await one.ask(Publish("hall/lamp/on", b"1", 1, 7))
        assert answer == PubAck(7)
        heard = await other.hear()
        assert heard == Publish("hall/lamp/on", b"1", 1, 1)
        assert await far.ask(Publish("own", b"2", 1, 3)) in {Publish("own", b"2", 1, 1), PubAck(3)}


async def test_nobody_listening_is_told(port: int) -> None:
    async with program(port) as one:
        await one.begin()
        assert await one.ask(Publish("t", b"", 1, 1)) == PubAck(1, Reason.NO_MATCHING_SUBSCRIBERS)


@pytest.mark.parametrize(
    ("key", "topic"),
    [
        ("vk_farm-reads", "free"),
        ("vk_farm", "devices/7/readings"),
        ("vk_farm", "places/7/alerts"),
        ("vk_farm", "v1/devices/me/telemetry"),
        ("vk_farm", "$SYS/uptime"),
    ],
)
async def test_what_a_program_may_not_write_is_refused_with_the_reason(
    open_listener: Open, key: str, topic: str
) -> None:
    listener, port = await open_listener()
    async with program(port, key=key) as one, program(port, "old", 4, key) as old, program(port, "c") as other:
        for each in (one, old, other):
            await each.begin()
        await other.ask(subscribe("#", topic if topic.startswith("$") else "x"))
        answer = await one.ask(Publish(topic, b"x", 1, 7))
        assert isinstance(answer, PubAck)
        assert answer.reason == Reason.NOT_AUTHORIZED
        assert answer.properties.reason_string
        answer = await one.ask(Publish(topic, b"x", 2, 8))
        assert isinstance(answer, PubRec)
        assert answer.reason == Reason.NOT_AUTHORIZED
        assert await old.ask(Publish(topic, b"x", 1, 7)) == PubAck(7)
        assert await other.ask(Publish("y", b"", 0), Publish("x", b"", 0)) == Publish("y", b"")
    assert listener.counts.unwritten == 3


async def test_the_words_of_devices_are_not_for_programs_nor_the_tree_for_devices(port: int) -> None:
    async with program(port) as one, Device(port) as device:
        await one.begin()
        await device.begin()
        assert await one.ask(subscribe("v1/devices/me/attributes", "v1/#", "#")) == SubAck(1, (0x87, 0x87, 1))
        assert await device.ask(subscribe("#", "hall", "devices/+/readings")) == SubAck(1, (0x87, 0x87, 0x87))


async def test_a_will_where_a_program_may_not_write_is_refused_at_once(port: int) -> None:
    async with program(port) as one:
        answer = await one.begin(Connect("p", 5, username="vk_farm", will=Will("devices/1/status", b"")))
        assert answer.reason == Reason.NOT_AUTHORIZED


async def test_a_will_is_heard_with_all_that_it_says(port: int) -> None:
    about = Properties(content_type="text/plain", user_properties=(("a", "1"),))
    async with program(port, "a") as one, program(port, "b") as other:
        await one.begin(Connect("a", 5, username="vk_farm", will=Will("gone", b"a", 1, retain=True, properties=about)))
        await other.begin()
        await other.ask(subscribe("gone"))
        one.writer.transport.abort()
        assert await other.hear() == Publish("gone", b"a", 1, 1, properties=about)
    async with program(port, "c") as late:
        await late.begin()
        assert isinstance(await late.ask(subscribe("gone")), SubAck)
        assert await late.hear() == Publish("gone", b"a", 1, 1, retain=True, properties=about)


async def test_a_delayed_will_is_heard_when_its_session_is_over_before(port: int) -> None:
    will = Will("gone", b"a", properties=Properties(will_delay_interval=3_000))
    async with program(port, "b") as other:
        await other.begin()
        await other.ask(subscribe("gone"))
        async with program(port, "a") as one:
            await one.begin(lasting("a", will=will))
            one.writer.transport.abort()
        async with program(port, "a") as again:
            await again.begin(Connect("a", 5, clean_start=True, username="vk_farm"))
            assert await body(other) == b"a"


async def test_what_is_retained_is_told_to_who_comes_as_they_wish_and_an_empty_one_removes_it(port: int) -> None:
    async with program(port) as one:
        await one.begin()
        assert await one.ask(Publish("a/b", b"last", 1, 1, retain=True)) == PubAck(1)
        assert await one.ask(listening("a/+")) == SubAck(1, (2,))
        assert await one.hear() == Publish("a/b", b"last", 1, 1, retain=True)
        assert await one.ask(listening("a/+", 2, retain_handling=1)) == SubAck(2, (2,))
        assert await one.ask(listening("a/#", 3, retain_handling=2)) == SubAck(3, (2,))
        assert await one.ask(listening("$share/g/a/b", 4)) == SubAck(4, (2,))
        assert await one.ask(Unsubscribe(5, ("a/+", "a/#", "$share/g/a/b"))) == UnsubAck(5, (0, 0, 0))
        assert await one.ask(Publish("a/b", b"", 1, 2, retain=True)) == PubAck(2)
        assert await one.ask(listening("a/+", 6), Publish("a/c", b"x")) == SubAck(6, (2,))
        assert await one.hear() == Publish("a/c", b"x")


async def test_subscription_options_are_heeded(port: int) -> None:
    async with program(port) as one:
        await one.begin()
        named = Properties(subscription_identifiers=(7,))
        wishes = (Filter("a", 0, no_local=True), Filter("b", 0, retain_as_published=True), Filter("+", 0))
        assert await one.ask(Subscribe(1, wishes[:1])) == SubAck(1, (0,))
        assert await one.ask(Publish("a", b"x", 1, 1)) == PubAck(1, Reason.NO_MATCHING_SUBSCRIBERS)
        assert await one.ask(Subscribe(2, wishes[1:], named)) == SubAck(2, (0, 0))
        await one.say(Publish("b", b"x", 1, 2, retain=True))
        twice = Properties(subscription_identifiers=(7, 7))
        got = [await one.hear(), await one.hear()]
        assert Publish("b", b"x", retain=True, properties=twice) in got


async def test_a_shared_subscription_takes_turns(port: int) -> None:
    async with program(port, "a") as one, program(port, "b") as other, program(port, "c") as third:
        for each in (one, other, third):
            await each.begin()
        for each in (one, other):
            assert await each.ask(listening("$share/g/job/+")) == SubAck(1, (2,))
        await third.say(*(Publish(f"job/{number}", bytes((number,)), 1, number) for number in (1, 2, 3, 4)))
        assert [await body(one), await body(other), await body(one), await body(other)] == [b"\1", b"\2", b"\3", b"\4"]


async def test_a_message_is_acknowledged_once_it_is_on_disk_in_every_inbox(port: int, disk: FakeDisk) -> None:
    async with program(port, "away") as away:
        await away.begin(lasting("away"))
        assert await away.ask(subscribe("t")) == SubAck(1, (1,))
    async with program(port, "p") as one:
        await one.begin()
        disk.open.clear()
        await one.say(Publish("t", b"x", 1, 1), Publish("t", b"y", 2, 2), Publish("u", b"z", 1, 3, retain=True))
        waiting = asyncio.ensure_future(one.hear())
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        disk.open.set()
        assert [await waiting, await one.hear(), await one.hear()] == [PubAck(1), PubRec(2), PubAck(3)]
        assert await one.ask(PubRel(2)) == PubComp(2)
    async with program(port, "away") as away:
        assert (await away.begin(lasting("away"))).session_present
        assert [await body(away), await body(away)] == [b"x", b"y"]


async def test_ending_a_key_ends_its_connections_and_sessions(open_listener: Open, members: FakeMembers) -> None:
    listener, port = await open_listener()
    async with program(port) as one, program(port, key="vk_farm-1") as other:
        await one.begin(lasting())
        await other.begin()
        members.ended.add("farm")
        await listener.review()
        bye = await one.hear()
        assert isinstance(bye, Disconnect)
        assert bye.reason == Reason.NOT_AUTHORIZED
        assert await other.ask(Publish("t", b"", 1, 1)) == PubAck(1, Reason.NO_MATCHING_SUBSCRIBERS)
    assert listener.sessions.standings("key:farm") == []


async def test_who_brings_no_credential_comes_as_the_key_of_the_port(open_listener: Open) -> None:
    listener, port = await open_listener()
    bound = await listener.listen("127.0.0.1", 0, bound="farm")
    async with Device(bound, username="") as one, program(port) as other, Device(bound) as device:
        assert (await one.begin(Connect("n", 5))).reason == 0
        assert (await other.begin()).reason == 0
        assert (await device.begin()).reason == 0
        await other.ask(subscribe("t"))
        await one.say(Publish("t", b"x"))
        assert await body(other) == b"x"
    async with Device(port) as nobody:
        assert (await nobody.begin(Connect("n", 5))).reason == Reason.NOT_AUTHORIZED


async def test_text_that_is_none_is_refused(port: int) -> None:
    async with program(port) as one:
        await one.begin()
        answer = await one.ask(Publish("t", b"\xff", 1, 1, properties=Properties(payload_format_indicator=1)))
        assert isinstance(answer, PubAck)
        assert answer.reason == Reason.PAYLOAD_FORMAT_INVALID


async def test_a_will_is_heard_when_its_key_ends(open_listener: Open, members: FakeMembers) -> None:
    listener, port = await open_listener()
    delayed = Will("late", b"b", 1, properties=Properties(will_delay_interval=3_000))
    async with program(port, "c", key="vk_farm-1") as other, program(port, "a") as one, program(port, "b") as two:
        await other.begin()
        assert await other.ask(subscribe("gone", "late")) == SubAck(1, (1, 1))
        await one.begin(Connect("a", 5, username="vk_farm", will=Will("gone", b"a", 1)))
        await two.begin(lasting("b", will=delayed))
        members.ended.add("farm")
        await listener.review()
        assert sorted([await body(other), await body(other)]) == [b"a", b"b"]

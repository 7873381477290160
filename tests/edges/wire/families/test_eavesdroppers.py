"""Who may hear what a device is told, where many come with one key: only the connection that spoke for it first."""

import json
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, next_message, posted, stranger, waiting
from tests.edges.wire.families.test_farm import TOPIC, said
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from verger.edges.wire.mqtt.family_line import FamilyLine
from verger.edges.wire.mqtt.packets import Publish, SubAck

MAC = "3C:8A:1F:A4:3E:C4"
COMMANDS = {"farm": "farm/F/room/R/device/D/command", "ozone": f"telemetry/commands/{MAC}"}
WORDS = {
    "farm": (TOPIC.format("F", "R", "D"), {"temperature_c": 20}),
    "ozone": (f"telemetry/status/{MAC}", {"device_id": MAC, "data": {"basic_count": 1}}),
}


async def listens(line: Device, topic: str) -> None:
    granted = await line.ask(subscribe(topic))
    assert isinstance(granted, SubAck)
    assert granted.reasons[0] < 0x80


async def heard_nothing(line: Device, topic: str) -> None:
    """See that the answer to something asked just now is the next that comes."""
    await listens(line, topic)


async def adopted(product: Product, line: Device, dialect: str) -> str:
    """Let the device of a dialect speak on a connection until it is adopted, and once more."""
    topic, told = WORDS[dialect]
    assert await said(line, topic, told, 1) == 0
    (pending,) = await waiting(product)
    made = await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Mine")
    return str(made["device"]["id"])


async def speaks(line: Device, dialect: str) -> None:
    topic, told = WORDS[dialect]
    assert await said(line, topic, told, 2) == 0


def connections(product: Product) -> float:
    return next(each.value for each in product.house.oversight.figures() if each.name == "mqtt_connections")


async def asked(product: Product, device: str) -> Any:
    return await posted(product, f"/devices/{device}/commands", method="turn_on", params={})


@pytest.mark.parametrize("dialect", sorted(COMMANDS))
async def test_to_listen_for_a_device_is_not_to_be_it(product: Product, dialect: str) -> None:
    key, topic = (await enrolled(product, dialect))["key"], COMMANDS[dialect]
    async with stranger(product, key, "plain") as line:
        await line.begin()
        device = await adopted(product, line, dialect)
    while connections(product):
        await product.get("/me")
    async with stranger(product, key, "thief") as thief, stranger(product, key, "new name") as line:
        for each in (thief, line):
            await each.begin()
            await listens(each, topic)
        command = await asked(product, device)
        assert command["stage"] == "queued", "nobody has spoken for it yet"
        words, told = WORDS[dialect]
        await line.say(Publish(words, json.dumps(told).encode()))
        order = await next_message(line)
        assert order.topic == topic
        await heard_nothing(thief, topic)


@pytest.mark.parametrize("dialect", sorted(COMMANDS))
async def test_who_speaks_for_a_device_later_does_not_take_its_commands(product: Product, dialect: str) -> None:
    key, topic = (await enrolled(product, dialect))["key"], COMMANDS[dialect]
    async with stranger(product, key, "thief") as thief:
        await thief.begin()
        async with stranger(product, key, "plain") as line:
            await line.begin()
            await listens(line, topic)
            device = await adopted(product, line, dialect)
            await speaks(line, dialect)
            await listens(thief, topic)
            await speaks(thief, dialect)
            await asked(product, device)
            assert (await next_message(line)).topic == topic
            await heard_nothing(thief, topic)
            await product.house.oversight.kept.remarks.write()
            (told,) = (await product.get(f"/devices/{device}/log"))["items"]
            assert (told["kind"], "second connection" in told["message"]) == ("connection", True)


@pytest.mark.parametrize("dialect", sorted(COMMANDS))
async def test_who_spoke_as_a_stranger_hears_as_soon_as_it_is_adopted_and_when_it_comes_again(
    product: Product, dialect: str
) -> None:
    key, topic = (await enrolled(product, dialect))["key"], COMMANDS[dialect]
    async with stranger(product, key, "thief") as thief:
        await thief.begin()
        async with stranger(product, key, "plain") as line:
            await line.begin()
            for each in (thief, line):
                await listens(each, topic)
            device = await adopted(product, line, dialect)
            await asked(product, device)
            assert (await next_message(line)).topic == topic
        while connections(product) > 1:
            await product.get("/me")
        await asked(product, device)
        await listens(thief, topic)
        async with stranger(product, key, "plain") as line:
            await line.begin()
            await listens(line, topic)
            assert (await next_message(line)).topic == topic
        await heard_nothing(thief, topic)


async def test_a_second_connection_is_told_commands_once_the_first_is_silent_or_has_left(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, topic = (await enrolled(product, "farm"))["key"], COMMANDS["farm"]
    async with stranger(product, key, "second") as second:
        await second.begin()
        async with stranger(product, key, "first") as first:
            await first.begin()
            for line in (first, second):
                await listens(line, topic)
            device = await adopted(product, first, "farm")
            await speaks(first, "farm")
            await speaks(second, "farm")
            with monkeypatch.context() as patched:
                patched.setattr(FamilyLine, "quiet", property(lambda line: line.who[0] == "first"))
                await asked(product, device)
                assert (await next_message(second)).topic == topic
            await heard_nothing(first, topic)
            await asked(product, device)
            assert (await next_message(first)).topic == topic
            await heard_nothing(second, topic)
        while connections(product) > 1:
            await product.get("/me")
        await asked(product, device)
        assert (await next_message(second)).topic == topic


async def test_a_device_that_comes_again_under_its_name_is_told_its_commands_at_once(product: Product) -> None:
    key, topic = (await enrolled(product, "farm"))["key"], COMMANDS["farm"]
    async with stranger(product, key, "sim") as before, stranger(product, key, "sim") as again:
        for line in (before, again):
            await line.begin()
            await listens(line, topic)
        device = await adopted(product, before, "farm")
        await speaks(before, "farm")
        await speaks(again, "farm")
        await asked(product, device)
        assert (await next_message(again)).topic == topic
        await heard_nothing(before, topic)


async def test_a_code_is_told_to_who_asked_and_to_nobody_who_listens(product: Product) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    async with stranger(product, key, "thief") as thief, stranger(product, key, "ESP8266Client-1") as sensor:
        for line in (thief, sensor):
            await line.begin()
            await listens(line, "sensors/provision/A1_Temp")
        asks = b'{"sensors":[{"sensor_id":"A1_Temp","sensor_data":1.00}],"code":"nan"}'
        await sensor.say(Publish("sensors/data", asks))
        assert (await next_message(sensor)).topic == "sensors/provision/A1_Temp"
        await heard_nothing(thief, "sensors/provision/A1_Temp")

"""Commands for devices of families: over MQTT to the connection they speak on, and left for those that poll."""

import json
from datetime import tzinfo
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, next_message, posted, stranger
from tests.edges.wire.mqtt.client import subscribe
from verger.domain.telemetry.model import Ack, Readings
from verger.edges.wire.dialects.families import SPOKEN
from verger.edges.wire.dialects.family import Ask, Family, Frame, Reached, Spoken, Voice
from verger.edges.wire.mqtt.packets import PubAck, Publish, SubAck


def _read(message: Frame, _zone: tzinfo) -> Spoken:
    told, address = json.loads(message.body), message.topic.split("/")[1]
    if "did" in told:
        return Spoken(Voice(address, (Ack(told["did"], "answer", answered=True, result={"ok": True}),)))
    return Spoken(Voice(address, (Readings(told),), reach=message.topic), (Frame("toy/echo", message.body),))


def _write(ask: Ask, reached: Reached) -> list[Frame]:
    return [Frame(f"toy/{reached.address}/do", json.dumps({"n": ask.number, "do": ask.method}).encode())]


def _listens(topic_filter: str) -> Voice | None:
    return Voice(topic_filter.split("/")[1]) if topic_filter.endswith("/do") and "+" not in topic_filter else None


TOY = Family(
    "farm",
    hears=lambda topic: topic.startswith("toy/"),
    may_hear=lambda topic: topic.startswith("toy/"),
    read=_read,
    write=_write,
    listens=_listens,
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SPOKEN, "farm", TOY)


async def added(product: Product, address: str) -> str:
    made = await posted(product, "/devices", name=address, place=product.place["id"], dialect="farm", address=address)
    device: str = made["device"]["id"]
    return device


async def asked(product: Product, device: str, method: str) -> Any:
    return await posted(product, f"/devices/{device}/commands", method=method)


async def stage(product: Product, command: Any) -> str:
    await product.house.oversight.followers.caught_up()
    told = "queued"
    for _ in range(200):  # it is on the wire before it is noted as sent
        if told != "queued":
            break
        told = str((await product.get(f"/commands/{command['id']}"))["stage"])
    return told


async def test_a_command_reaches_each_of_several_devices_on_one_connection(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    one, two = await added(product, "one"), await added(product, "two")
    async with stranger(product, key) as line:
        await line.begin()
        assert isinstance(await line.ask(subscribe("toy/+/do")), SubAck)
        for packet_id, name in enumerate(("one", "two"), 1):
            await line.say(Publish(f"toy/{name}/said", b'{"t":1}', 1, packet_id))
            assert (await next_message(line)).topic == "toy/echo"
        first, second = await asked(product, one, "on"), await asked(product, two, "off")
        orders = [await next_message(line) for _ in (first, second)]
        for command, address, order in ((first, "one", orders[0]), (second, "two", orders[1])):
            assert order.topic == f"toy/{address}/do"
            done = json.dumps({"did": json.loads(order.body)["n"]}).encode()
            await line.say(Publish(f"toy/{address}/said", done, 1, 9))
            while await line.hear() != PubAck(9):
                pass
            assert await stage(product, command) == "succeeded"


async def test_a_command_that_waited_goes_out_with_the_first_word_and_not_to_who_only_listens(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    device = await added(product, "one")
    command = await asked(product, device, "on")
    async with stranger(product, key) as line:
        await line.begin()
        assert isinstance(await line.ask(subscribe("toy/one/do")), SubAck)
        assert not (await product.get(f"/devices/{device}"))["online"]
        await line.say(Publish("toy/one/said", b'{"t":1}', 1, 1))
        heard = [await next_message(line) for _ in range(2)]
        assert {each.topic for each in heard} == {"toy/echo", "toy/one/do"}
        assert [json.loads(each.body)["do"] for each in heard if each.topic == "toy/one/do"] == ["on"]
    assert await stage(product, command) in {"sent", "acknowledged"}


async def test_a_retired_device_hears_nothing_more_and_is_a_stranger_again(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    device = await added(product, "one")
    async with stranger(product, key) as line:
        await line.begin()
        assert isinstance(await line.ask(subscribe("toy/one/do")), SubAck)
        assert (await product.owner.delete(f"/devices/{device}")).status_code == 204
        await line.say(Publish("toy/one/said", b'{"t":1}', 1, 1))
        assert (await next_message(line)).topic == "toy/echo"
        assert isinstance(await line.hear(), PubAck)
    assert [each["address"] for each in (await product.get("/pending-devices"))["items"]] == ["one"]


async def test_a_connection_ends_with_its_enrolment(product: Product) -> None:
    made = await enrolled(product, "farm")
    async with stranger(product, made["key"]) as line:
        await line.begin()
        assert (await product.owner.delete(f"/enrolments/{made['id']}")).status_code == 204
        assert await line.hear() is None


async def test_a_device_with_a_token_of_its_own_speaks_its_familys_words_for_itself_alone(product: Product) -> None:
    made = await posted(product, "/devices", name="One", place=product.place["id"], dialect="farm", address="one")
    await added(product, "two")
    async with stranger(product, made["credentials"]["access_token"], level=5) as line:
        await line.begin()
        await line.say(Publish("toy/one/said", b'{"t":1}', 1, 1))
        assert (await next_message(line)).topic == "toy/echo"
        answer = await line.hear()
        assert isinstance(answer, PubAck)
        assert answer.reason == 0
        await line.say(Publish("toy/two/said", b'{"t":9}', 1, 2))
        assert (await next_message(line)).topic == "toy/echo"
        answer = await line.hear()
        assert isinstance(answer, PubAck)
        assert answer.reason == 0x99


async def test_a_device_that_polls_gets_each_command_once_and_has_it_then(product: Product) -> None:
    device, desk = await added(product, "one"), product.house.families.desk
    first, second = await asked(product, device, "on"), await asked(product, device, "off")
    asks = await desk.commands(device)
    assert [ask.method for ask in asks] == ["on", "off"]
    assert await stage(product, first) == "sent"
    # Nothing was fetched as far as anybody knows, so it comes again.
    assert [ask.number for ask in await desk.commands(device)] == [ask.number for ask in asks]
    await desk.fetched(device, asks)
    assert await stage(product, second) == "acknowledged"
    assert await desk.commands(device) == []

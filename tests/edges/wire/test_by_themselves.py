"""What devices bring about by themselves and people see of it, over the whole product and real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.product import Product, opened_product
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from tests.recorded import Record
from verger.base.clock import HeldClock
from verger.edges.live.screen import Screen
from verger.edges.wire.mqtt.packets import PubAck, Publish


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


def speaker(product: Product, token: str | None = None) -> Device:
    return Device(product.house.mqtt.plain, 5, token or product.token)


def publish(topic: str, message: Any) -> Publish:
    return Publish(topic, json.dumps(message).encode(), 1, 1)


async def heard(device: Device) -> tuple[str, Any]:
    """Return the next message that a device hears."""
    while not isinstance(packet := await device.hear(), Publish):
        assert packet is not None
    return packet.topic, json.loads(packet.body)


async def patched(product: Product, path: str, **body: Any) -> Any:
    answer = await product.owner.patch(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def posted(product: Product, path: str, **body: Any) -> Any:
    answer = await product.owner.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_what_is_desired_reaches_a_device_that_listens_and_one_that_comes_later(product: Product) -> None:
    path = f"/devices/{product.device['id']}"
    async with speaker(product) as device:
        await device.begin()
        await device.ask(subscribe("v1/devices/me/attributes"))
        shown = await patched(product, path, attributes={"desired": {"every_s": 60, "mode": "eco"}})
        assert shown["attributes"]["desired"] == {"every_s": 60, "mode": "eco"}
        assert await heard(device) == ("v1/devices/me/attributes", {"every_s": 60, "mode": "eco"})
        shown = await patched(product, path, attributes={"desired": {"mode": None}})
        assert await heard(device) == ("v1/devices/me/attributes", {"deleted": ["mode"]})
    assert shown["attributes"]["desired"] == {"every_s": 60}
    async with speaker(product) as device:
        await device.begin()
        await device.say(publish("v1/devices/me/attributes/request/1", {"sharedKeys": "every_s,mode"}))
        assert await heard(device) == ("v1/devices/me/attributes/response/1", {"shared": {"every_s": 60}})


async def test_a_screen_hears_what_is_desired(product: Product) -> None:
    device = product.device["id"]
    screen = Screen((await product.get("/me"))["tenant"]["id"])
    screen.show("device", device, [device])
    hub = product.house.hub
    hub.open(screen)
    hub.watch()
    await patched(product, f"/devices/{device}", attributes={"desired": {"every_s": 60}})
    hub.tick()
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def send(frame: str) -> None:
        if "attributes" in frame:
            heard.set_result(frame)

    async def fresh(_kind: str, _subject: str) -> str:
        return "{}"

    draining = asyncio.create_task(screen.drain(send, fresh))
    async with asyncio.timeout(5):
        frame = await heard
    draining.cancel()
    assert json.loads(frame) == {"type": "attributes", "device": device, "desired": {"every_s": 60}}


async def test_what_a_device_reports_is_its_own(product: Product) -> None:
    path = f"/devices/{product.device['id']}"
    answer = await product.owner.patch(path, json={"attributes": {"reported": {"state": "on"}}})
    assert answer.status_code == 422
    answer = await product.owner.patch(path, json={"attributes": {"desired": {"a,b": 1}}})
    assert answer.json()["errors"][0]["field"] == "attributes.desired.a,b"


async def test_the_history_of_an_attribute_tells_from_what_to_what(product: Product, record: Record) -> None:
    now_ms = product.house.stores.clock.now() // 1000
    for number, state in enumerate(["on", "on", "off", {"fan": 2}]):
        await product.say("telemetry", {"ts": now_ms - 60_000 + number * 1000, "values": {"state": state}})
    path = "/attributes/state/history"
    told = await product.of_device(path)
    record("attribute_history.json", told)
    assert [(one["before"], one["value"]) for one in told["items"]] == [
        ("off", {"fan": 2}),
        ("on", "off"),
        (None, "on"),
    ]
    page = await product.of_device(f"{path}?limit=1&sort=at")
    assert [one["value"] for one in page["items"]] == ["on"]
    rest = await product.of_device(f"{path}?limit=1&sort=at&cursor={page['next']}")
    assert [(one["before"], one["value"]) for one in rest["items"]] == [("on", "off")]
    since = told["items"][0]["at"]
    assert [one["before"] for one in (await product.of_device(f"{path}?from={since}"))["items"]] == ["off"]
    assert (await product.of_device("/attributes/none/history"))["items"] == []


async def test_a_gateway_brings_its_devices(product: Product) -> None:
    made = await posted(product, "/devices", name="Gateway", place=product.place["id"], is_gateway=True)
    async with speaker(product, made["credentials"]["access_token"]) as gateway:
        await gateway.begin()
        await gateway.ask(subscribe("v1/gateway/attributes", "v1/gateway/attributes/response"))
        await gateway.ask(publish("v1/gateway/connect", {"device": "Dev A", "type": "default"}))
        values = [{"ts": product.house.stores.clock.now() // 1000, "values": {"temperature": 42}}]
        assert await gateway.ask(publish("v1/gateway/telemetry", {"Dev A": values, "Dev B": values})) == PubAck(1)
        await gateway.ask(publish("v1/gateway/attributes", {"Dev A": {"model": "T1000"}}))
        await product.house.oversight.followers.caught_up()
        devices = {one["name"]: one for one in (await product.get("/devices"))["items"]}
        behind = devices["Dev A"]
        assert (behind["gateway"], behind["online"]) == (made["device"]["id"], True)
        assert behind["attributes"]["reported"] == {"model": "T1000"}
        assert (await product.get(f"/devices/{behind['id']}/latest"))["temperature"]["value"] == 42
        await patched(product, f"/devices/{behind['id']}", attributes={"desired": {"every_s": 60}})
        assert await heard(gateway) == ("v1/gateway/attributes", {"device": "Dev A", "data": {"every_s": 60}})
        await gateway.say(
            publish("v1/gateway/attributes/request", {"id": 1, "device": "Dev A", "key": "model", "client": True})
        )
        assert await heard(gateway) == (
            "v1/gateway/attributes/response",
            {"id": 1, "device": "Dev A", "value": "T1000"},
        )


async def test_a_tenant_says_what_devices_may_bring_about(product: Product) -> None:
    before = await product.get("/settings/devices")
    assert before == {"made_by_gateways": True, "claimed_by_others": False, "version": 0}
    after = await patched(product, "/settings/devices", made_by_gateways=False)
    assert after == {"made_by_gateways": False, "claimed_by_others": False, "version": 1}
    stale = await product.owner.patch("/settings/devices", json={}, headers={"If-Match": '"0"'})
    assert stale.status_code == 412


async def test_a_device_gets_in_by_the_key_of_its_type(product: Product) -> None:
    await posted(product, "/device-types", key="probe", name="Probe")
    path = "/device-types/probe/provisioning"
    assert (await product.get(path))["strategy"] == "off"
    refused = await product.owner.patch(path, json={"strategy": "known"})
    assert refused.status_code == 404
    made = await posted(product, path, strategy="new", place=product.place["id"])
    wish = {
        "deviceName": "DHT11",
        "provisionDeviceKey": made["credentials"]["key"],
        "provisionDeviceSecret": made["credentials"]["secret"],
    }
    assert made["credentials"]["secret"] not in json.dumps(await product.get(path))
    async with speaker(product, "provision") as device:
        await device.begin()
        await device.ask(subscribe("/provision/response"))
        await device.say(publish("/provision/request", wish))
        topic, told = await heard(device)
    assert (topic, told["status"]) == ("/provision/response", "SUCCESS")
    async with visitor(product.app, base=HERE) as device:
        again = await device.post("/api/v1/provision", json=wish)
        assert again.json()["status"] == "FAILURE"
        said = await device.post(f"/api/v1/{told['credentialsValue']}/telemetry", json={"t": 1})
        assert said.status_code == 200
    assert (await patched(product, path, strategy="off"))["strategy"] == "off"
    assert (await product.owner.delete(path)).status_code == 204
    assert (await product.get(path))["key"] is None


async def test_a_device_is_claimed_with_the_secret_that_it_told(product: Product) -> None:
    barn = await posted(product, "/places", name="Barn")
    path = f"/devices/{product.device['id']}/claim"
    assert (await product.get(path))["open"] is False
    await product.say("claim", {"secretKey": "on the label", "durationMs": 60000})
    assert (await product.get(path))["open"] is True
    wish = {"device": "Hall", "place": barn["id"], "secret": "on the label"}
    wrong = await product.owner.post("/claims", json=wish | {"secret": "guess"})
    assert wrong.status_code == 404
    assert (await posted(product, "/claims", **wish))["place"] == barn["id"]
    offered = await posted(product, path, lasts_s=3600)
    assert offered["secret"].startswith("vc_")
    assert (await product.owner.delete(path)).status_code == 204
    assert (await product.get(path))["open"] is False


async def test_a_device_that_asks_over_http_misses_nothing_between_two_questions(product: Product) -> None:
    async with visitor(product.app, base=HERE) as device:
        path = f"/api/v1/{product.token}/attributes/updates?timeout="
        assert (await device.get(f"{path}1")).status_code == 408
        await patched(product, f"/devices/{product.device['id']}", attributes={"desired": {"every_s": 60}})
        assert (await device.get(f"{path}20000")).json() == {"every_s": 60}

"""What a device sends at QoS 2 is stored once, whatever moment the program ends in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.whole import moved_in
from tests.edges.wire.mqtt.device import Device
from verger.app import House, build_api, open_house, open_stores
from verger.base.settings import Settings
from verger.domain.messages.store import MessageStore, Page
from verger.edges.wire.mqtt.packets import Connect, PingReq, PingResp, PubComp, Publish, PubRec, PubRel
from verger.edges.wire.mqtt.properties import NONE, Properties

TELEMETRY = "v1/devices/me/telemetry"
LEVELS = pytest.mark.parametrize("level", [4, 5])


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """Run the whole product over a data folder."""
    settings = Settings.read({"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0", "VERGER_RESERVE_BYTES": "0"})
    async with asyncio.timeout(30), AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings))
        app: Any = build_api(house)
        yield house, await stack.enter_async_context(visitor(app, base=f"{HERE}/api/v1"))


def lasting(level: int, token: str) -> Connect:
    said = Properties(session_expiry_interval=600) if level == 5 else NONE
    return Connect("c", level, clean_start=False, username=token, keep_alive=60, properties=said)


@LEVELS
async def test_a_crash_between_the_log_and_the_session_stores_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    message = Publish(TELEMETRY, b'{"t":1}', 2, 7)

    async def lose(_store: MessageStore, _page: Page) -> None:
        raise OSError("the database is out of reach")

    async with running(tmp_path) as (house, owner):
        owner.headers["Authorization"] = f"Bearer {(await moved_in(house.stores.tenancy))['owner']}"
        place = (await owner.post("/places", json={"name": "Hut"})).json()["id"]
        made = (await owner.post("/devices", json={"name": "Lamp", "place": place})).json()
        bearer, token = dict(owner.headers), made["credentials"]["access_token"]
        async with Device(house.mqtt.plain, level) as device:
            assert (await device.begin(lasting(level, token))).reason == 0
            assert await device.ask(Publish(TELEMETRY, b'{"t":0}', 2, 6)) == PubRec(6)
            assert await device.ask(PubRel(6)) == PubComp(6)
            monkeypatch.setattr(MessageStore, "write", lose)
            async with aclosing(house.stores.log.read(house.stores.log.last)) as records:
                await device.say(message)
                await anext(records)
    monkeypatch.undo()
    async with running(tmp_path) as (house, owner):
        async with Device(house.mqtt.plain, level) as device:
            assert (await device.begin(lasting(level, token))).session_present
            again = Publish(TELEMETRY, b'{"t":1}', 2, 7, dup=True)
            assert await device.ask(again) == PubRec(7)
            assert await device.ask(PubRel(7)) == PubComp(7)
            assert await device.ask(Publish(TELEMETRY, b'{"t":2}', 2, 7)) == PubRec(7)
        answer = await owner.get(f"/devices/{made['device']['id']}/readings", params={"metric": "t"}, headers=bearer)
        assert [each["value"] for each in answer.json()["items"]] == [0.0, 1.0, 2.0]


@LEVELS
async def test_a_crash_before_a_session_was_ever_saved_stores_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    tried = asyncio.Event()

    async def lose(_store: MessageStore, _page: Page) -> None:
        tried.set()
        raise OSError("the database is out of reach")

    async with running(tmp_path) as (house, owner):
        owner.headers["Authorization"] = f"Bearer {(await moved_in(house.stores.tenancy))['owner']}"
        place = (await owner.post("/places", json={"name": "Hut"})).json()["id"]
        made = (await owner.post("/devices", json={"name": "Lamp", "place": place})).json()
        bearer, token = dict(owner.headers), made["credentials"]["access_token"]
        monkeypatch.setattr(MessageStore, "write", lose)
        async with Device(house.mqtt.plain, level) as device:
            assert (await device.begin(lasting(level, token))).reason == 0
            await device.say(Publish(TELEMETRY, b'{"t":1}', 2, 7))
            await device.say(Publish(TELEMETRY, b'{"t":1}', 2, 7, dup=True))
            await tried.wait()
            assert await device.ask(PingReq()) == PingResp()  # so it was heard, and it waits for the session
            assert house.stores.log.last == 0
    monkeypatch.undo()
    async with running(tmp_path) as (house, owner):
        async with Device(house.mqtt.plain, level) as device:
            assert not (await device.begin(lasting(level, token))).session_present
            assert await device.ask(Publish(TELEMETRY, b'{"t":1}', 2, 7, dup=True)) == PubRec(7)
            assert await device.ask(PubRel(7)) == PubComp(7)
        answer = await owner.get(f"/devices/{made['device']['id']}/readings", params={"metric": "t"}, headers=bearer)
        assert [each["value"] for each in answer.json()["items"]] == [1.0]

"""The demo: one place of each family that looks lived in, and devices that are heard from then on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from verger.app import House, running
from verger.app.demo import Ports, demonstrate
from verger.base.clock import DAY, moment
from verger.base.settings import Settings
from verger.domain.devices.families import FAMILIES

_SIGNED_IN = "It was given a new code."  # the machine that signs in by a handshake


@dataclass
class Shown:
    """A demo that runs, and its owner."""

    house: House
    owner: httpx.AsyncClient

    async def items(self, path: str) -> list[Any]:
        answer = await self.owner.get(f"/api/v1{path}", params={"limit": 500})
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["items"]
        return found

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.owner.get(f"/api/v1{path}", params=query)).json()


@pytest_asyncio.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Shown]:
    settings = Settings.read({"VERGER_DATA": str(tmp_path / "data"), "VERGER_MQTT_PORT": "0", "VERGER_HTTP_PORT": "0"})
    async with running(replace(settings, reserve_bytes=0)) as (house, http):
        told = await demonstrate(house, Ports("127.0.0.1", http.plain, house.mqtt.plain))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http.plain}") as owner:
            signed_in = await owner.post("/api/v1/auth/login", json={"email": told.email, "password": told.password})
            owner.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
            yield Shown(house, owner)


async def test_the_demo_is_a_lived_in_place_of_each_family(demo: Shown) -> None:
    roots = [each for each in await demo.items("/places") if each["parent"] is None]
    assert sorted(each["kind"] for each in roots) == ["branch", "cottage", "farm", "garden", "workshop"]
    assert {each["dialect"] for each in await demo.items("/enrolments")} == set(FAMILIES)
    devices = await demo.items("/devices")
    assert {each["dialect"] for each in devices} == set(FAMILIES)
    assert {each["name"] for each in await demo.items("/members")} == {"Demo", "Aino", "Minh"}
    assert {each["state"] for each in await demo.items("/tasks")} == {"open", "done"}
    assert any(each["state"] == "cleared" and "freeze" in each["message"] for each in await demo.items("/alerts"))
    (cycle,) = await demo.items("/cycles")
    assert (cycle["stage"], cycle["contaminations"], round(cycle["harvested_kg"], 1)) == ("harvest", 1, 9.5)
    now = demo.house.stores.clock.now()
    for device in devices:
        month = {"from": moment(now - 31 * DAY).isoformat(), "points": 200}
        told = (await demo.get(f"/devices/{device['id']}/history", **month))["metrics"]
        for metric, series in told.items():
            if "energy" in metric or metric == "treatments_all_time":  # what adds up begins when the demo does
                continue
            assert series["at"][0] < (now - 29 * DAY) // 1000, (device["name"], metric)
            assert series["at"][-1] > (now - DAY) // 1000, (device["name"], metric)


async def test_its_devices_are_heard_and_one_knocks(demo: Shown) -> None:
    async with asyncio.timeout(30):
        while not all(each["online"] for each in await demo.items("/devices")):
            await demo.house.oversight.followers.caught_up()
        while not (waiting := await demo.items("/pending-devices")):
            await demo.house.oversight.followers.caught_up()
    assert [each["address"] for each in waiting] == ["ESP8266_12F_004_PROD_Temp"]
    for each in await demo.items("/devices"):
        assert [remark["message"] for remark in await demo.items(f"/devices/{each['id']}/log")] in ([], [_SIGNED_IN])


async def test_its_month_is_counted(demo: Shown) -> None:
    await demo.house.oversight.followers.caught_up()
    places = {each["name"]: each["id"] for each in await demo.items("/places")}
    for place, kind, most, devices in (
        ("Car wash Cheras", "treatment", 100, 3),
        ("Oyster farm", "harvest", 10, 2),
        ("Joinery", "overload", 6, 2),
    ):
        asked = {"place": places[place], "kind": kind, "per": "device", "by": "month"}
        found = (await demo.get("/analytics/counts", **asked))["counts"]
        assert sum(each["count"] for each in found) >= most, place
        assert len({each["device"] for each in found} - {None}) == devices, place  # people tell of some

"""Two organisations whose devices have the same ids, names and addresses: nothing of one reaches the other."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.edges.api.conftest import HERE
from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import FARM, client, next_message, stranger
from tests.edges.wire.families.test_cottage import TEMP
from tests.edges.wire.families.test_eavesdroppers import heard_nothing, listens
from tests.edges.wire.families.test_farm import TOPIC, said
from tests.edges.wire.families.test_farm_socket import base, screen  # noqa: F401  a fixture
from tests.edges.wire.families.test_ozone import MAC
from tests.edges.wire.mqtt.device import Device
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock, moment
from verger.domain.tenancy.model import Role
from verger.edges.wire.mqtt.packets import Connect, PubAck, Publish

WORDS = {
    "farm": (TOPIC.format("F", "R", "D"), "temperature_c", "farm/F/room/R/device/D/command"),
    "board": ("home/sensors", "temperature", "home/control/light1"),
}


@dataclass
class Side:
    """One of two neighbours: what its owner asks, by a token of its own."""

    people: httpx.AsyncClient
    token: str
    tenant: str
    place: str
    keys: dict[str, str]

    async def get(self, path: str) -> Any:
        answer = await self.people.get(path, headers=self.by)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.people.post(path, json=body, headers=self.by)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def status(self, path: str) -> int:
        return (await self.people.get(path, headers=self.by)).status_code

    @property
    def by(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def adopted(self) -> str:
        """Adopt the only one that waits here."""
        (pending,) = (await self.get("/pending-devices"))["items"]
        made = await self.post("/pending-devices/adopt", prefix="", place=self.place)
        assert [each["address"] for each in made["devices"]] == [pending["address"]]
        return str(made["devices"][0]["id"])


@pytest_asyncio.fixture
async def sides(product: Product) -> tuple[Side, Side]:
    tenancy = product.house.stores.tenancy
    found = []
    for number, name in enumerate(("Near", "Far")):
        first = str(await tenancy.users.first_tenant())
        tenant = (await tenancy.users.add_tenant(name, "UTC")).id if number else first
        user = await tenancy.users.add(tenant, Role.owner, name, f"{name}@example.test", PASSWORD)
        side = Side(product.owner, await tenancy.sessions.open(user.id, tenant), tenant, "", {})
        side.place = (await side.post("/places", name="Same", timezone="UTC"))["id"]
        for dialect in ("farm", "cottage", "ozone"):
            side.keys[dialect] = (await side.post("/enrolments", dialect=dialect, place=side.place))["key"]
        found.append(side)
    return found[0], found[1]


async def line_of(product: Product, side: Side, what: str) -> Device:
    line = stranger(product, side.keys["farm"], "ESP8266Client")
    await line.__aenter__()
    await line.begin(Connect("ESP8266Client", 4, username=side.keys["farm"], keep_alive=15))
    await listens(line, WORDS[what][2])
    return line


@pytest.mark.parametrize("what", sorted(WORDS))
async def test_the_same_device_over_mqtt_is_two(
    product: Product, sides: tuple[Side, Side], clock: HeldClock, what: str
) -> None:
    topic, name, command = WORDS[what]
    lines = [await line_of(product, side, what) for side in sides]
    for number, line in enumerate(lines):
        assert await said(line, topic, {name: 20 + number}) == 0
    devices = [await side.adopted() for side in sides]
    clock.at += MINUTE
    for number, line in enumerate(lines):
        assert await said(line, topic, {name: 30 + number}) == 0
    await product.house.oversight.followers.caught_up()
    for number, (side, device) in enumerate(zip(sides, devices, strict=True)):
        latest = await side.get(f"/devices/{device}/latest")
        assert latest["temperature"]["value"] == 30 + number
        for path in ("", "/latest", "/log", "/code", "/commands", "/events", "/stays"):
            assert await side.status(f"/devices/{devices[1 - number]}{path}") == 404
    near, _ = sides
    await near.post(f"/devices/{devices[0]}/commands", method="light1", params={"on": True})
    assert (await next_message(lines[0])).topic == command
    await heard_nothing(lines[1], command)
    for line in lines:
        line.writer.close()


async def pages_of(product: Product, side: Side) -> httpx.AsyncClient:
    found = client(product)
    found.headers.update(side.by)
    found.base_url = httpx.URL(f"{HERE}{FARM}/api")
    return found


async def test_the_pages_of_one_farm_show_nothing_of_the_other(
    product: Product, sides: tuple[Side, Side], clock: HeldClock
) -> None:
    seen = []
    for number, side in enumerate(sides):
        async with stranger(product, side.keys["farm"]) as line:
            await line.begin()
            told = {"temperature_c": 20 + number, "timestamp": moment(clock.at).isoformat()}
            assert await said(line, TOPIC.format("F", "R", "D"), told) == 0
        await side.adopted()
    await product.house.oversight.followers.caught_up()
    for number, side in enumerate(sides):
        async with await pages_of(product, side) as pages:
            (farm,) = (await pages.get("/farms")).json()["farms"]
            (room,) = (await pages.get(f"/farms/{farm['farm_id']}/rooms")).json()["rooms"]
            (device,) = (await pages.get(f"/rooms/{room['room_id']}/devices")).json()["devices"]
            (row,) = (await pages.get("/sensor-history")).json()["data"]
            assert row["temperature"] == 20 + number
            assert list((await pages.get("/device_states")).json()) == ["D"]
            seen.append((farm["farm_id"], room["room_id"], device["device_id"]))
    assert len({*seen[0], *seen[1]}) == 6
    async with await pages_of(product, sides[0]) as pages:
        farm, room, device = seen[1]
        for path in (f"/farms/{farm}", f"/farms/{farm}/rooms", f"/farms/{farm}/analytics", f"/rooms/{room}"):
            assert (await pages.get(path)).status_code == 404
        for path in (
            f"/rooms/{room}/telemetry",
            f"/rooms/{room}/commands",
            f"/rooms/{room}/rules",
            f"/devices/{device}",
        ):
            assert (await pages.get(path)).status_code == 404
        assert (await pages.post(f"/devices/{device}/commands", json={"command": "x"})).status_code == 404
        assert (await pages.put(f"/devices/{device}", json={"name": "Mine"})).status_code == 404
        assert (await pages.delete(f"/rooms/{room}?contents=delete")).status_code == 404


async def test_each_page_hears_of_its_own_device_by_the_same_ids(
    product: Product,
    sides: tuple[Side, Side],
    base: str,  # noqa: F811
    clock: HeldClock,
) -> None:
    for side in sides:
        async with stranger(product, side.keys["farm"]) as line:
            await line.begin()
            assert await said(line, TOPIC.format("F", "R", "D"), {"temperature_c": 20}) == 0
        await side.adopted()
    await product.house.oversight.followers.caught_up()
    clock.at += MINUTE
    async with screen(base, sides[0].token) as mine, screen(base, sides[1].token) as theirs:
        for number, side in enumerate(sides):
            async with stranger(product, side.keys["farm"]) as line:
                await line.begin()
                told = {"temperature_c": 30 + number, "timestamp": moment(clock.at).isoformat()}
                assert await said(line, TOPIC.format("F", "R", "D"), told) == 0
        for number, page in enumerate((mine, theirs)):
            told = await page.next("telemetry_data")
            assert told["data"]["temperature_c"] == 30 + number
        for page in (mine, theirs):
            while not page.heard.empty():
                assert page.heard.get_nowait()[0] != "telemetry_data"


async def test_older_sensors_of_two_cottages_have_codes_and_values_of_their_own(
    product: Product, sides: tuple[Side, Side]
) -> None:
    codes = []
    asks = '{"sensors":[{"sensor_id":"%s","sensor_data":%.2f}],"code":"%s"}'
    for number, side in enumerate(sides):
        async with client(product, f"198.51.100.{number}") as sensor:
            at = f"/t/{side.keys['cottage']}/compat/cottage/sensors/create_sensor/"
            codes.append((await sensor.post(at, content=asks % (TEMP, number, "nan"))).json()["code"])
            assert (await sensor.post(at, content=asks % (TEMP, 10 + number, codes[-1]))).status_code == 200
    assert codes[0] != codes[1]
    devices = [await side.adopted() for side in sides]
    async with client(product, "198.51.100.77") as thief:
        at = f"/t/{sides[1].keys['cottage']}/compat/cottage/sensors"
        assert (await thief.post(f"{at}/create_sensor/", content=asks % (TEMP, 99, codes[0]))).status_code == 401
        value = {"sensor_id": TEMP, "code": codes[0], "value": 99}
        assert (await thief.post(f"{at}/x/add_data/", json=value)).status_code == 401
    await product.house.oversight.followers.caught_up()
    for number, (side, device) in enumerate(zip(sides, devices, strict=True)):
        assert (await side.get(f"/devices/{device}/latest"))["temperature"]["value"] == 10 + number


async def test_forms_of_the_same_machine_count_where_they_were_sent(
    product: Product, sides: tuple[Side, Side], clock: HeldClock
) -> None:
    form = {"mode": "BASIC", "macaddr": MAC, "timestamp": "RTC_UNAVAILABLE"}
    for side in sides:
        async with client(product) as machine:
            at = f"/t/{side.keys['ozone']}/compat/ozone/api/iot/"
            assert (await machine.post(at, data=form)).status_code == 200
    devices = [await side.adopted() for side in sides]
    clock.at += MINUTE
    async with client(product) as machine:
        at = f"/t/{sides[1].keys['ozone']}/compat/ozone/api/iot/"
        assert (await machine.post(at, data=form)).status_code == 200
    await product.house.oversight.followers.caught_up()
    for number, (side, device) in enumerate(zip(sides, devices, strict=True), 1):
        events = (await side.get(f"/devices/{device}/events?kind=treatment"))["items"]
        assert len(events) == number
        async with client(product) as pages:
            pages.headers.update(side.by)
            table = await pages.get(f"/compat/ozone/api/export/?device_id={MAC}&days=2")
            assert len(table.text.strip().split("\r\n")) == 1 + number
            assert len((await pages.get("/compat/ozone/api/devices/")).json()) == 1


async def test_a_stranger_that_is_met_slowly_holds_up_no_other_organisation(
    product: Product, sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    near, other = sides
    store, inside, going = product.house.stores.enrolled.strangers, asyncio.Event(), asyncio.Event()
    hear = store.hear

    async def slow(tenant: str, *more: Any) -> None:
        if tenant == near.tenant:
            inside.set()
            await going.wait()
        await hear(tenant, *more)

    monkeypatch.setattr(store, "hear", slow)
    topic = TOPIC.format("F", "R", "D")
    async with stranger(product, near.keys["farm"]) as one, stranger(product, other.keys["farm"]) as two:
        for line in (one, two):
            await line.begin()
        await one.say(Publish(topic, b'{"temperature_c": 20}', 1, 1))
        async with asyncio.timeout(10):
            await inside.wait()
            assert await said(two, topic, {"temperature_c": 20}) == 0
            going.set()
            assert isinstance(await one.hear(), PubAck)

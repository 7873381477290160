"""The Socket.IO of mushroom farms, over real sockets, by the client that their pages use."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
import socketio

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, posted, stranger
from tests.edges.wire.families.test_farm import TOPIC, said
from tests.edges.wire.mqtt.client import subscribe
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock, moment
from verger.base.settings import Settings
from verger.domain.tenancy.model import Role
from verger.edges.api.server import served
from verger.edges.wire.families import farm_socket

PATH = "compat/farm/socket.io"
EVENTS = ("connected", "mqtt_status", "telemetry_data", "device_status", "command_status", "notification", "error")
JOINS = ("joined_farm", "joined_room", "left_farm", "left_room")


@pytest_asyncio.fixture
async def base(product: Product) -> AsyncIterator[str]:
    """Serve the product on a real port."""
    settings = Settings.read({"VERGER_HTTP_HOST": "127.0.0.1", "VERGER_HTTP_PORT": "0"})
    async with served(product.app, settings, None) as ports:
        yield f"http://127.0.0.1:{ports.plain}"


class Screen:
    """One page that listens; `heard` are events with what they tell, as they came."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()
        for name in (*EVENTS, *JOINS):
            self.client.on(name, self._note(name))
        self.client.on("disconnect", self._gone)

    def _note(self, name: str) -> Any:
        async def note(told: Any) -> None:
            await self.heard.put((name, told))

        return note

    async def _gone(self, *_why: Any) -> None:
        self.gone.set()

    async def next(self, *names: str) -> Any:
        """Return what the next event of some names tells; others are passed over."""
        async with asyncio.timeout(10):
            while True:
                name, told = await self.heard.get()
                if name in names:
                    return told


@asynccontextmanager
async def screen(base: str, token: str | None, transports: Any = None, **more: Any) -> AsyncIterator[Screen]:
    """Open a page as somebody."""
    found = Screen()
    auth = None if token is None else {"token": token}
    await found.client.connect(base, socketio_path=PATH, auth=auth, transports=transports, wait_timeout=20, **more)
    try:
        assert await found.next("connected") == {"status": "Connected to Smart Farm"}
        assert await found.next("mqtt_status") == {"connected": True}
        yield found
    finally:
        await found.client.disconnect()


async def token_of(product: Product, role: Role = Role.viewer, tenant: str | None = None) -> str:
    """Make a person, and sign them in."""
    tenancy = product.house.stores.tenancy
    whose = tenant or str(await tenancy.users.first_tenant())
    user = await tenancy.users.add(whose, role, "Vera", f"{role}-{whose[-6:]}@example.test", PASSWORD)
    return str(await tenancy.sessions.open(user.id, whose))


async def grown(product: Product) -> tuple[str, dict[str, dict[str, str]]]:
    """Adopt two farms with a device each; return the key they come by, and their ids by farm."""
    key: str = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin()
        for number, farm in enumerate(("North", "South"), 1):
            assert await said(line, TOPIC.format(farm, "R", "D"), {"temperature_c": 20}, number) == 0
    wish = {"prefix": "", "place": product.place["id"]}
    tree = (await product.owner.post("/pending-devices/adopt", json=wish)).json()
    await product.house.oversight.followers.caught_up()
    ids: dict[str, dict[str, str]] = {}
    for place in tree["places"]:
        if place["kind"] == "farm":
            room = next(each for each in tree["places"] if each["parent"] == place["id"])
            device = next(each for each in tree["devices"] if each["place"] == room["id"])
            ids[place["name"]] = {"farm_id": place["id"], "room_id": room["id"], "device_id": device["id"]}
    return key, ids


@pytest.mark.parametrize("transports", [None, ["websocket"], ["polling"]])
async def test_a_page_hears_what_happens_on_its_farms(
    product: Product, base: str, clock: HeldClock, transports: Any
) -> None:
    key, ids = await grown(product)
    north = ids["North"]
    async with screen(base, await token_of(product), transports) as page, stranger(product, key, level=5) as line:
        await line.begin()
        await line.ask(subscribe(TOPIC.format("North", "R", "D").replace("telemetry", "command")))
        clock.at += MINUTE
        told = {"timestamp": moment(clock.at).isoformat(), "temperature_c": 27.5, "co2_ppm": 900, "status": "active"}
        assert await said(line, TOPIC.format("North", "R", "D"), told) == 0
        data = await page.next("telemetry_data")
        assert {name: data[name] for name in north} == north
        assert (data["data"]["temperature_c"], data["data"]["co2_ppm"], data["data"]["light_lux"]) == (27.5, 900, None)
        assert data["data"]["recorded_at"] == "2027-01-15T08:01:00"
        while (stands := await page.next("device_status"))["status"] != {"status": "active"}:
            """It came online first."""
        assert {name: stands[name] for name in north} == north
        command = await posted(product, f"/devices/{north['device_id']}/commands", method="turn_on")
        seen = [await page.next("command_status") for _ in range(2)]
        assert [each["status"] for each in seen] == ["pending", "sent"]
        assert {each["command_id"] for each in seen} == {command["id"]}
        note = {"severity": "warning", "message": "Too hot"}
        hot = {"metric": "temperature", "is": "above", "value": 26}
        await posted(product, "/rules", name="Hot", place=north["room_id"], when=hot, then=[{"alert": note}])
        clock.at += MINUTE
        assert await said(line, TOPIC.format("North", "R", "D"), told | {"timestamp": clock.at / 1e6}) == 0
        shown = await page.next("notification")
        assert (shown["message"], shown["level"], shown["room_id"]) == ("Too hot", "warning", north["room_id"])


async def test_a_page_that_joins_a_farm_or_room_hears_of_that_alone(
    product: Product, base: str, clock: HeldClock
) -> None:
    key, ids = await grown(product)
    async with screen(base, await token_of(product)) as page, stranger(product, key) as line:
        await line.begin()

        async def both(number: int) -> None:
            for at, farm in enumerate(("South", "North"), number):
                clock.at += MINUTE
                told = {"timestamp": moment(clock.at).isoformat(), "temperature_c": at}
                assert await said(line, TOPIC.format(farm, "R", "D"), told, at) == 0
                await product.house.oversight.followers.caught_up()
                product.house.hub.tick()

        await page.client.emit("join_farm", {"farm_id": ids["North"]["farm_id"]})
        assert await page.next("joined_farm") == {"farm_id": ids["North"]["farm_id"]}
        await both(10)
        assert (await page.next("telemetry_data"))["farm_id"] == ids["North"]["farm_id"]
        await page.client.emit("leave_farm", {"farm_id": ids["North"]["farm_id"]})
        assert await page.next("left_farm") == {"farm_id": ids["North"]["farm_id"]}
        await page.client.emit("join_room", {"room_id": ids["South"]["room_id"]})
        assert await page.next("joined_room") == {"room_id": ids["South"]["room_id"]}
        await both(20)
        assert (await page.next("telemetry_data"))["farm_id"] == ids["South"]["farm_id"]
        for wrong in ({"farm_id": "nowhere"}, {}, "x", None):
            await page.client.emit("join_farm", wrong)
            assert await page.next("error") == {"message": "Failed to join farm"}
        await page.client.emit("join_room", {"room_id": ids["South"]["farm_id"]})
        assert await page.next("error") == {"message": "Failed to join room"}


async def test_another_organisation_hears_nothing_and_joins_nothing(
    product: Product, base: str, clock: HeldClock
) -> None:
    key, ids = await grown(product)
    other = await product.house.stores.tenancy.users.add_tenant("Elsewhere", "UTC")
    theirs = await token_of(product, Role.owner, other.id)
    async with screen(base, theirs) as page, screen(base, await token_of(product)) as mine:
        await page.client.emit("join_farm", {"farm_id": ids["North"]["farm_id"]})
        assert await page.next("error") == {"message": "Failed to join farm"}
        async with stranger(product, key) as line:
            await line.begin()
            clock.at += MINUTE
            told = {"timestamp": moment(clock.at).isoformat(), "temperature_c": 30, "status": "active"}
            assert await said(line, TOPIC.format("North", "R", "D"), told) == 0
            await mine.next("telemetry_data")
            await posted(product, f"/devices/{ids['North']['device_id']}/commands", method="turn_on")
            await mine.next("command_status")
        assert page.heard.empty()


async def test_nobody_hears_anything_without_a_session_or_from_a_foreign_page(product: Product, base: str) -> None:
    token = await token_of(product)
    cookie = {"Cookie": f"verger_session={token}"}
    async with screen(base, None, headers=cookie):
        """The cookie of a page of ours is enough."""
    for wrong, headers in ((None, {}), ("vs_wrong", {}), (None, cookie | {"Origin": "http://evil.test"})):
        page = Screen()
        auth = None if wrong is None else {"token": wrong}
        with pytest.raises(socketio.exceptions.ConnectionError):
            await page.client.connect(base, socketio_path=PATH, auth=auth, headers=headers, wait_timeout=20)
        assert page.heard.empty()


async def test_who_signs_out_hears_nothing_any_more(
    product: Product, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farm_socket, "_LOOK_S", 0.02)
    token = await token_of(product)
    async with screen(base, token) as page:
        await product.house.stores.tenancy.sessions.end_all()
        async with asyncio.timeout(10):
            await page.gone.wait()


def figures(product: Product) -> dict[str, float]:
    """Return what the metrics page tells of pages."""
    found = {each.name: each.value for each in product.house.oversight.figures()}
    return {name: value for name, value in found.items() if name.startswith("farm_pages")}


async def test_too_many_pages_are_told_to_come_later_and_nameless_ones_are_let_go(
    product: Product, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    product.house.families.desk.pages.most = 1
    async with httpx.AsyncClient(base_url=base) as visitor:
        ask = f"/{PATH}/?EIO=4&transport=polling"
        assert (await visitor.get(ask)).status_code == 200
        full = await visitor.get(ask)
        assert (full.status_code, full.headers["retry-after"]) == (503, "60")
        assert figures(product) == {"farm_pages": 1, "farm_pages_refused": 1, "farm_pages_ended": 0}
        monkeypatch.setattr(farm_socket, "_SILENT_S", -1)
        assert (await visitor.get(ask)).status_code == 200


async def test_a_page_that_does_not_read_is_let_go(product: Product, base: str) -> None:
    product.house.families.desk.pages.most_unread = 1
    token = await token_of(product)
    async with httpx.AsyncClient(base_url=base) as visitor, asyncio.timeout(10):
        ask = f"/{PATH}/?EIO=4&transport=polling"
        opened = json.loads((await visitor.get(ask)).text[1:])
        hello = f"40{json.dumps({'token': token})}"
        assert (await visitor.post(f"{ask}&sid={opened['sid']}", content=hello)).status_code == 200
        while not figures(product)["farm_pages_ended"]:
            await visitor.get("/health")
    assert figures(product)["farm_pages_refused"] == 0

"""The live sockets of power outlets: who may open them, what they tell, and whom they obey."""

import asyncio
import json
from typing import Any

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client
from tests.edges.wire.families.test_outlet import added, caught_up, opened
from tests.edges.wire.families.test_outlet_people import BASE, own_page, token
from tests.edges.wire.families.unit import Unit
from verger.base.clock import HeldClock
from verger.domain.tenancy.model import Role


class Browser:
    """The other side of a live socket, without the network between."""

    def __init__(self, product: Product, path: str, headers: dict[str, str]) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        raw = [(name.encode(), value.encode()) for name, value in ({"host": "verger.test"} | headers).items()]
        scope = {"type": "websocket", "path": path, "headers": raw, "query_string": b"", "client": ("1.2.3.4", 1)}
        self.said.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(product.app(scope, self.said.get, self.sent.put))

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            return await self.sent.get()

    async def frame(self) -> Any:
        return json.loads((await self.next())["text"])

    def say(self, text: str) -> None:
        self.said.put_nowait({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        self.said.put_nowait({"type": "websocket.disconnect"})
        await self.task


async def test_a_socket_tells_each_reading_of_an_outlet_and_switches_it_for_those_who_may(
    product: Product, clock: HeldClock
) -> None:
    base, device = await opened(product), await added(product, "FE")
    owner, viewer = await token(product), await token(product, Role.viewer)
    path = f"{BASE}/ws/sensor/FE/"
    watching, switching = (Browser(product, path, own_page(session)) for session in (viewer, owner))
    for each in (watching, switching):
        assert (await each.next())["type"] == "websocket.accept"
        assert (await each.frame())["data"] == {
            "outlet_name": "FE",
            "device_id": "FE",
            "relay_a": False,
            "relay_b": False,
            "current_a": 0,
            "current_b": 0,
            "is_overload": False,
            "timestamp": None,
        }
    for each in (watching, switching):
        each.say("no JSON")
        each.say('{"type": "toggle_relay", "socket": "b"}')
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        unit.outlets["FE"].currents = [1250, 800]
        while unit.outlets["FE"].relays != [False, True]:
            await unit.cycle(background=True)
            await caught_up(product, clock)
    while (data := (await watching.frame())["data"])["current_a"] != 1250:
        pass
    assert (data["current_b"], data["timestamp"][:4]) == (800, "2027")
    found = (await product.get(f"/devices/{device}/commands"))["items"]
    assert [(each["method"], each["params"]) for each in found] == [("relay_on", {"socket": "b"})]
    for each in (watching, switching):
        await each.leave()


async def test_a_socket_opens_for_who_is_signed_in_and_knows_nothing_of_an_outlet_that_is_not_there(
    product: Product,
) -> None:
    await added(product, "FE")
    owner = await token(product)
    for headers in ({}, own_page("vs_made-up"), own_page(owner) | {"origin": "https://evil.example"}):
        assert (await Browser(product, f"{BASE}/ws/sensor/FE/", headers).next())["type"] == "websocket.close"
    unknown = Browser(product, f"{BASE}/ws/sensor/AA/", own_page(owner))
    assert (await unknown.next())["type"] == "websocket.accept"
    assert (await unknown.next())["text"] == '{"type": "initial_data", "data": null}'
    await unknown.leave()


async def test_a_socket_tells_what_flows_through_a_breaker(product: Product) -> None:
    base = await opened(product)
    await added(product, "CCU-02", is_gateway=True)
    browser = Browser(product, f"{BASE}/ws/breaker/2/", own_page(await token(product)))
    assert (await browser.next())["type"] == "websocket.accept"
    async with client(product) as unit:
        await unit.post(f"{base}/api/breaker-data/", json={"ccu_id": "02", "current_ma": 4500})
    frame = await browser.frame()
    assert frame["type"] == "sensor_data"
    assert {name: frame["data"][name] for name in ("ccu_id", "current_ma", "current_amps")} == {
        "ccu_id": "02",
        "current_ma": 4500,
        "current_amps": 4.5,
    }
    await browser.leave()

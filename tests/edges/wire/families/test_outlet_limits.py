"""The threshold that people set is the one limit: what is warned of, cut and shown follows it, however it was set."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, posted
from tests.edges.wire.families.test_blueprints import alerts, wired
from tests.edges.wire.families.test_outlet_people import BASE, own_page, token
from tests.edges.wire.families.unit import Unit
from verger.base.clock import SECOND, HeldClock

NEAR = "Socket A of Bench carries {} % of its limit."
NEAR_ALL = "The main breaker of Lake cottage carries {} % of what it may."
OVER_ALL = "The main breaker of Lake cottage carries {} % of what it may: turn something off."


@dataclass
class Bench:
    """An outlet behind a unit, at a place with the blueprint of outlets."""

    product: Product
    unit: Unit
    clock: HeldClock
    central: str
    device: str

    async def cycle(self, a: int, breaker: int) -> dict[str, str]:
        """Let so much flow, and the unit tell of it; return the alerts that are open then."""
        self.unit.outlets["FE"].currents, self.unit.breaker = [a, 0], breaker
        self.clock.at += 10 * SECOND
        await self.unit.cycle(background=True)
        return await alerts(self.product)

    async def threshold(self, device: str, value: int) -> None:
        """Desire a threshold of the outlet or the unit."""
        about = (await self.product.owner.get(f"/devices/{device}")).headers["etag"]
        change = {"attributes": {"desired": {"threshold": value}}}
        answer = await self.product.owner.patch(f"/devices/{device}", json=change, headers={"If-Match": about})
        assert answer.status_code == 200, answer.text

    async def load(self, device: str, metric: str) -> float:
        return float((await self.product.get(f"/devices/{device}/latest"))[metric]["value"])


@pytest_asyncio.fixture
async def bench(product: Product, clock: HeldClock) -> AsyncIterator[Bench]:
    base, device = await wired(product)
    central = next(each["id"] for each in (await product.get("/devices"))["items"] if each["name"] == "Unit")
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        unit.outlets["FE"].relays = [True, True]
        yield Bench(product, unit, clock, central, device)


async def test_the_same_flows_are_told_of_once_less_may(bench: Bench) -> None:
    assert await bench.cycle(2000, 8000) == {}
    await bench.threshold(bench.device, 2400)
    await bench.threshold(bench.central, 9000)
    told = await bench.cycle(2000, 8000)
    assert told == {NEAR.format(83.3): "warning", NEAR_ALL.format(88.9): "warning"}
    assert bench.unit.outlets["FE"].threshold == 2400  # the outlet itself cuts there, too


async def test_a_socket_is_cut_at_its_own_threshold_and_raising_that_ends_it(bench: Bench) -> None:
    outlet = bench.unit.outlets["FE"]
    await bench.threshold(bench.device, 1900)
    await bench.threshold(bench.central, 9000)
    await bench.cycle(2000, 9500)
    told = await bench.cycle(2000, 9500)
    assert outlet.relays == [False, True]
    assert OVER_ALL.format(105.6) in told
    # Raised by hand at the outlet, everything follows that as well.
    order = {"method": "set_threshold", "params": {"value": 8000}}
    await posted(bench.product, f"/devices/{bench.device}/commands", **order)
    await bench.threshold(bench.central, 20_000)
    outlet.relays = [True, True]
    for _ in range(3):
        told = await bench.cycle(2000, 9500)
    assert told == {}
    assert outlet.threshold == 8000
    assert (await bench.load(bench.device, "load_a"), await bench.load(bench.central, "load")) == (25, 47.5)


async def test_the_old_words_for_the_breaker_move_loads_and_plan_alike(bench: Bench) -> None:
    product, plan = bench.product, f"/devices/{bench.central}/shedding"
    assert (await product.owner.patch(plan, json={"limit": 12_000})).status_code == 200
    async with client(product) as pages:
        headers = own_page(await token(product))
        answer = await pages.post(f"{BASE}/api/breaker-threshold/", json={"threshold": 10_000}, headers=headers)
        assert answer.status_code == 200, answer.text
    assert (await product.get(plan))["limit"] == 10_000
    assert await bench.cycle(0, 9000) == {NEAR_ALL.format(90): "warning"}
    assert await bench.load(bench.central, "load") == 90

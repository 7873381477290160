"""The list of devices: found by name, by place and in the order that is asked for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from verger.base.clock import HeldClock


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def test_devices_are_found_by_name_by_place_and_in_order(product: Product) -> None:
    room = (await product.owner.post("/places", json={"name": "Boiler room", "parent": product.place["id"]})).json()
    shed = (await product.owner.post("/places", json={"name": "Shed"})).json()
    for name, place in (("Pump", room), ("Attic", product.place), ("Spare pump", shed)):
        made = await product.owner.post("/devices", json={"name": name, "place": place["id"]})
        assert made.status_code == 201

    async def names(**asked: str) -> list[str]:
        answer = await product.owner.get("/devices", params=asked)
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["items"]]

    assert await names() == ["Spare pump", "Attic", "Pump", "Hall"]  # the newest first
    assert await names(sort="name") == ["Attic", "Hall", "Pump", "Spare pump"]
    assert await names(sort="-name", limit="2") == ["Spare pump", "Pump"]
    assert await names(q="PUMP", sort="name") == ["Pump", "Spare pump"]
    assert await names(place=product.place["id"], sort="name") == ["Attic", "Hall", "Pump"]  # and what is below it
    assert await names(place=room["id"]) == ["Pump"]
    assert await names(place=room["id"], q="hall") == []
    assert (await product.owner.get("/devices", params={"sort": "colour"})).status_code == 422

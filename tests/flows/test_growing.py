"""Growing: what people tell of a cycle reaches the rules of its place."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from verger.base.clock import MINUTE, HeldClock


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def made(product: Product, path: str, **body: Any) -> Any:
    answer = await product.owner.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def active(product: Product) -> dict[str, str | None]:
    """Look at what is due; return the alerts that are open, and where each is."""
    await product.house.oversight.followers.caught_up()
    await product.house.automation.tick()
    items = (await product.get("/alerts?state=active"))["items"]
    return {each["message"]: each["place"] for each in items if each["rule"] != "backup"}


async def test_the_bands_of_a_place_are_those_of_its_stage(product: Product, clock: HeldClock) -> None:
    place = product.place["id"]
    await made(product, f"/places/{place}/blueprint", name="farm")
    for _ in range(12):
        clock.at += MINUTE
        await product.say("telemetry", {"temperature": 23, "humidity": 88})
    assert await active(product) == {}
    cycle = await made(product, "/cycles", place=place, crop="Oyster")
    for stage, told in (
        ("inoculation", []),
        ("incubation", []),
        ("pinning", ["is at 23 °C while pins form.", "is at 88 % humidity while pins form."]),
        ("fruiting", ["is at 23 °C while fruiting."]),
        ("harvest", ["is at 23 °C at harvest."]),
        ("rest", []),
    ):
        clock.at += MINUTE
        await made(product, f"/cycles/{cycle['id']}/stage", stage=stage)
        assert sorted(await active(product)) == sorted(f"Hall in Lake cottage {each}" for each in told), stage
    clock.at += MINUTE
    await made(product, f"/cycles/{cycle['id']}/end")
    assert await active(product) == {}

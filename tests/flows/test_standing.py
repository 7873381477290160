"""Rules that judge by what a place says of itself, such as the stage of what grows there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from verger.base.clock import MINUTE, HeldClock, moment

BAND = {"metric": "temperature", "is": "above", "value": 18}
FRUITING = {"attribute": "stage", "equals": "fruiting", "of": "place"}


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def made(product: Product, path: str, **body: Any) -> Any:
    answer = await product.owner.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def active(product: Product) -> list[str]:
    """Look at what is due, and return the alerts that are open."""
    await product.house.oversight.followers.caught_up()
    await product.house.automation.tick()
    items = (await product.get("/alerts?state=active"))["items"]
    return [each["message"] for each in items if each["rule"] != "backup"]


async def warmed(product: Product, clock: HeldClock, value: float) -> None:
    clock.at += MINUTE
    assert (await product.say("telemetry", {"temperature": value})).status_code == 200


async def test_a_rule_holds_in_the_stage_it_names_and_hears_of_it_at_once(product: Product, clock: HeldClock) -> None:
    place = product.place["id"]
    then = [{"alert": {"severity": "warning", "message": "Too warm to fruit"}}]
    await made(product, "/rules", name="Fruiting", place=place, when={"all": [BAND, FRUITING]}, then=then)
    await warmed(product, clock, 22)
    assert await active(product) == []
    cycle = await made(product, "/cycles", place=place, stage="incubation")
    assert await active(product) == []
    await made(product, f"/cycles/{cycle['id']}/stage", stage="fruiting")
    assert await active(product) == ["Too warm to fruit"]
    clock.at += MINUTE
    await made(product, f"/cycles/{cycle['id']}/stage", stage="rest")
    assert await active(product) == []


async def test_a_rule_that_is_written_later_knows_the_stage_and_its_test_does_too(
    product: Product, clock: HeldClock
) -> None:
    place = product.place["id"]
    await made(product, "/cycles", place=place, stage="fruiting")
    then = [{"alert": {"severity": "warning", "message": "Too warm to fruit"}}]
    rule = {"name": "Fruiting", "place": place, "when": BAND, "only_if": FRUITING, "then": then}
    await warmed(product, clock, 17)
    await made(product, "/rules", **rule)
    await warmed(product, clock, 22)
    assert await active(product) == ["Too warm to fruit"]
    span = {"from": moment(clock.at - 10 * MINUTE).isoformat(), "to": moment(clock.at + MINUTE).isoformat()}
    tested = await made(product, "/rules/test", rule=rule, **span)
    assert tested["count"] == 1
    other = rule | {"only_if": FRUITING | {"equals": "rest"}}
    assert (await made(product, "/rules/test", rule=other, **span))["count"] == 0


async def test_the_nearest_place_that_says_it_counts_and_a_device_cannot_say_it(
    product: Product, clock: HeldClock
) -> None:
    place = product.place["id"]
    room = await made(product, "/places", name="Room", kind="room", parent=place)
    patched = await product.owner.patch(f"/devices/{product.device['id']}", json={"place": room["id"]})
    assert patched.status_code == 200
    then = [{"alert": {"severity": "warning", "message": "Now"}}]
    await made(product, "/rules", name="Fruiting", place=place, when=FRUITING, then=then)
    await product.say("attributes", {"stage": "fruiting"})
    assert await active(product) == []
    await product.owner.patch(f"/places/{place}", json={"attributes": {"stage": "fruiting"}})
    assert await active(product) == ["Now"]
    clock.at += MINUTE
    await made(product, "/cycles", place=room["id"], stage="rest")
    assert await active(product) == []

"""Growing: what people tell of a cycle reaches the rules of its place, and the screens that show it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from tests.edges.live.test_hub import frames
from verger.base.clock import HOUR, MINUTE, HeldClock, moment
from verger.domain.tasks.model import Priority
from verger.edges.live.screen import Screen


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


async def rule(product: Product, place: str, event: str, message: str) -> None:
    then = [{"alert": {"severity": "info", "message": message}}]
    await made(product, "/rules", name=message, place=place, when={"event": event}, then=then)


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


async def test_contamination_that_somebody_tells_of_is_told_to_all_and_given_somebody_to_do(product: Product) -> None:
    place = product.place["id"]
    await made(product, f"/places/{place}/blueprint", name="farm")
    cycle = await made(product, "/cycles", place=place)
    await made(product, f"/cycles/{cycle['id']}/events", kind="contamination", note="Trichoderma")
    assert await active(product) == {"Contamination was found in Lake cottage.": place}
    urgent = [each["title"] for each in (await product.get("/tasks"))["items"] if each["priority"] == Priority.urgent]
    assert urgent == ["Part the contaminated bags in Lake cottage from the others"]


async def test_what_happened_is_judged_at_its_place_once_and_not_when_it_is_long_past(
    product: Product, clock: HeldClock
) -> None:
    farm = product.place["id"]
    rooms = [await made(product, "/places", name=name, kind="room", parent=farm) for name in ("One", "Two", "Three")]
    one, two, three = (room["id"] for room in rooms)
    for name, place in (("A", one), ("B", one), ("C", two)):
        await made(product, "/devices", name=name, place=place)
    await rule(product, farm, "harvest", "Harvest in {place}")
    for place in (one, two, three):
        cycle = await made(product, "/cycles", place=place, started_at="2027-01-10T08:00:00Z")
        long_ago = moment(clock.at - 2 * HOUR).isoformat()
        await made(product, f"/cycles/{cycle['id']}/events", kind="harvest", weight_kg=1, at=long_ago)
        assert await active(product) == {}
        clock.at += MINUTE
        await made(product, f"/cycles/{cycle['id']}/events", kind="harvest", weight_kg=2)
        where, name = (farm, "Lake cottage") if place == three else (place, "One" if place == one else "Two")
        assert await active(product) == {f"Harvest in {name}": where}
        for each in (await product.get("/alerts?state=active"))["items"]:
            await made(product, f"/alerts/{each['id']}/resolve")
    every = (await product.get("/alerts"))["items"]
    assert len([each for each in every if each["message"].startswith("Harvest")]) == len(rooms)


async def test_screens_that_show_the_place_hear_of_every_change(product: Product) -> None:
    house, place = product.house, product.place["id"]
    tenant = (await product.get("/me"))["tenant"]["id"]
    here, elsewhere = Screen(tenant), Screen(tenant)
    shed = (await made(product, "/places", name="Shed"))["id"]
    for screen, shown in ((here, place), (elsewhere, shed)):
        screen.show("place", shown, [shown])
        house.hub.open(screen)
    house.hub.watch()

    def told() -> tuple[Any, ...]:
        house.hub.tick()
        assert [word for word in frames(elsewhere) if word["type"] == "cycle"] == []
        (word,) = (word for word in frames(here) if word["type"] == "cycle")
        return word["stage"], word["harvested_kg"], word["outcome"], word.get("gone")

    cycle = await made(product, "/cycles", place=place, crop="Oyster")
    path = f"/cycles/{cycle['id']}"
    assert told() == ("inoculation", 0, None, None)
    await made(product, f"{path}/stage", stage="fruiting")
    assert told() == ("fruiting", 0, None, None)
    harvest = await made(product, f"{path}/events", kind="harvest", weight_kg=2)
    assert told() == ("fruiting", 2, None, None)
    await product.owner.delete(f"{path}/events/{harvest['id']}")
    assert told() == ("fruiting", 0, None, None)
    await made(product, f"{path}/end")
    assert told() == ("fruiting", 0, "harvested", None)
    await product.owner.delete(path)
    assert told() == ("fruiting", 0, "harvested", True)

"""Many devices adopted at once: by whole levels of their paths, and each of them wholly or not at all."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from tests.edges.api.test_enrolments import enrolled, readings, say, waiting
from verger.base.clock import HeldClock
from verger.base.errors import Busy
from verger.flows.adopting import Adopting

ROOM = ("room", "R")
NOWHERE = ("", "Nook")
"""A place of no kind, which cannot be made."""


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def adopt(product: Product, prefix: str) -> httpx.Response:
    return await product.owner.post("/pending-devices/adopt", json={"prefix": prefix, "place": product.place["id"]})


async def addresses(product: Product) -> list[str]:
    return [each["address"] for each in await waiting(product)]


async def names(product: Product) -> set[str]:
    return {each["name"] for each in (await product.get("/places"))["items"]}


@pytest.mark.parametrize("prefix", ["F1", "F1/", "farm/F1", "farm/F1/room", "farm/F1/room/R", "F1/R", "F1/R/D", "F1/D"])
async def test_a_prefix_takes_whole_levels(product: Product, prefix: str) -> None:
    made = await enrolled(product)
    for farm in ("F1", "F10"):
        await say(product, made, f"{farm}/D", path=(("farm", farm), ROOM))
    answer = await adopt(product, prefix)
    assert (answer.status_code, [each["address"] for each in answer.json()["devices"]]) == (201, ["F1/D"])
    assert await addresses(product) == ["F10/D"]


@pytest.mark.parametrize("prefix", ["F", "farm/F", "farm/F1/ro", "R", " ", "f1", "%", "F1/D/x"])
async def test_a_part_of_a_level_takes_nobody(product: Product, prefix: str) -> None:
    made = await enrolled(product)
    await say(product, made, "F1/D", path=(("farm", "F1"), ROOM))
    assert (await adopt(product, prefix)).status_code == 404
    assert await addresses(product) == ["F1/D"]


async def test_an_address_without_levels_is_taken_by_how_it_begins(product: Product) -> None:
    made = await enrolled(product, "ozone")
    await say(product, made, "3C:8A:1F:A4:3E:C4")
    await say(product, made, "44:8A:1F:A4:3E:C4")
    answer = await adopt(product, "3C:8A")
    assert [each["address"] for each in answer.json()["devices"]] == ["3C:8A:1F:A4:3E:C4"]


async def test_one_that_cannot_be_adopted_stops_no_other_and_is_told(product: Product) -> None:
    made = await enrolled(product)
    await say(product, made, "F/a", 1, path=(("farm", "F"), ROOM))
    await say(product, made, "F/b", 2, path=(("farm", "F"), ("room", "S"), NOWHERE))
    await say(product, made, "F/c", 3, path=(("farm", "F"), ROOM))
    (bad,) = [each for each in await waiting(product) if each["address"] == "F/b"]
    answer = await adopt(product, "F")
    told = answer.json()
    assert answer.status_code == 201
    assert [each["address"] for each in told["devices"]] == ["F/a", "F/c"]
    assert [(each["kind"], each["name"]) for each in told["places"]] == [("farm", "F"), ROOM]
    (left,) = told["refused"]
    assert (left["id"], left["address"]) == (bad["id"], "F/b")
    assert left["message"].startswith("Say what kind of place it is")
    assert await addresses(product) == ["F/b"]
    assert "S" not in await names(product), "nothing is made for one that cannot be adopted"
    assert await readings(product, told["devices"][1]["id"]) == [3]


async def test_where_nobody_can_be_adopted_nothing_is_made_and_each_says_why(product: Product) -> None:
    made = await enrolled(product)
    await say(product, made, "F/a", path=(("farm", "F"), NOWHERE))
    before = await names(product)
    answer = await adopt(product, "")
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["F/a"]
    assert await names(product) == before
    assert await addresses(product) == ["F/a"]


async def test_what_cannot_be_kept_just_now_is_adopted_whole_the_next_time(product: Product) -> None:
    made = await enrolled(product)
    for number, name in enumerate(("a", "b", "c"), 1):
        await say(product, made, name, number)
    adopting: Adopting = product.house.grounds.adopting
    tenant = str(await product.house.stores.tenancy.users.first_tenant())

    class Full:
        taken = 0

        async def take(self, said: Any) -> Any:
            self.taken += 1
            if self.taken == 2:
                raise Busy("The disk is full; try again.", retry_s=5)
            return await adopting.inbound.take(said)

        def refusal(self, gateway: str, parts: Any) -> Any:
            return adopting.inbound.refusal(gateway, parts)

    done = await replace(adopting, inbound=Full()).adopt_all(tenant, "", product.place["id"])
    assert [each.address for each in done.devices] == ["a"]
    assert [(each.address, each.message) for each in done.refused] == [
        (name, "The disk is full; try again.") for name in ("b", "c")
    ]
    told = (await adopt(product, "")).json()
    assert ([each["address"] for each in told["devices"]], told["refused"]) == (["b", "c"], [])
    assert [await readings(product, each["id"]) for each in told["devices"]] == [[2], [3]]
    assert await waiting(product) == []


async def test_one_that_is_connected_already_gets_its_history_and_is_no_second_device(product: Product) -> None:
    made = await enrolled(product)
    await say(product, made, "a", 1)
    (pending,) = await waiting(product)
    kept = product.house.stores.enrolled
    waits = kept.waiting.copy()
    kept.waiting.clear()
    about = {"name": "A", "place": product.place["id"], "dialect": "farm", "address": "a"}
    device = (await product.owner.post("/devices", json=about)).json()["device"]["id"]
    kept.waiting.update(waits)
    again = await product.owner.post(f"/pending-devices/{pending['id']}/adopt", json={})
    assert again.status_code == 409
    assert await readings(product, device) == [1]
    assert await waiting(product) == []

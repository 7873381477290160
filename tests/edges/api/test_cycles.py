"""Growing cycles over the API: begun, moved from stage to stage, harvested and ended."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import DAY, HeldClock
from verger.domain.tenancy.model import Role


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def made(product: Product, path: str, **body: Any) -> Any:
    answer = await product.owner.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def attributes(product: Product) -> dict[str, Any]:
    found: dict[str, Any] = (await product.get(f"/places/{product.place['id']}"))["attributes"]
    return found


async def test_a_cycle_is_begun_moved_harvested_and_ended(product: Product, clock: HeldClock, record: Record) -> None:
    place = product.place["id"]
    cycle = await made(product, "/cycles", place=place, crop="Oyster", started_at="2027-01-10T08:00:00Z")
    begun = {"stage": "inoculation", "since": "2027-01-10T08:00:00Z"}
    assert (cycle["stage"], cycle["stages"]) == ("inoculation", [begun])
    assert await attributes(product) == {"stage": "inoculation", "mushroom_type": "Oyster"}
    path = f"/cycles/{cycle['id']}"
    await made(product, f"{path}/stage", stage="incubation", at="2027-01-12T08:00:00Z")
    moved = await made(product, f"{path}/stage", stage="fruiting")
    assert [each["stage"] for each in moved["stages"]] == ["inoculation", "incubation", "fruiting"]
    assert (await attributes(product))["stage"] == "fruiting"
    clock.at += DAY
    await made(product, f"{path}/events", kind="harvest", weight_kg=2.5, note="First flush")
    second = await made(product, f"{path}/events", kind="harvest", weight_kg=1.25)
    mould = {"kind": "contamination", "weight_kg": 0.4, "note": "Trichoderma", "at": "2027-01-15T09:00:00Z"}
    await made(product, f"{path}/events", **mould)
    wrong = await made(product, f"{path}/events", kind="harvest", weight_kg=100)
    assert (await product.owner.delete(f"{path}/events/{wrong['id']}")).status_code == 204
    found = await product.get(path)
    assert (found["harvested_kg"], found["contaminations"]) == (3.75, 1)
    record("cycles.json", await product.get("/cycles"))
    record("cycle_events.json", await product.get(f"{path}/events"))
    assert (await product.get(f"{path}/events"))["items"][0]["id"] == second["id"]
    changed = (await product.owner.patch(path, json={"notes": "Straw", "expected_at": "2027-02-01T00:00:00Z"})).json()
    assert (changed["notes"], changed["crop"]) == ("Straw", "Oyster")
    over = await made(product, f"{path}/end")
    assert (over["ended_at"], over["outcome"]) == ("2027-01-16T08:00:00Z", "harvested")
    assert await attributes(product) == {}
    late = await product.owner.post(f"{path}/stage", json={"stage": "rest"})
    assert late.status_code == 409
    assert [each["id"] for each in (await product.get("/cycles?state=ended"))["items"]] == [cycle["id"]]
    assert (await product.get(f"/cycles?state=running&place={place}"))["items"] == []


async def test_one_cycle_runs_at_a_place_at_a_time(product: Product) -> None:
    place = product.place["id"]
    first = await made(product, "/cycles", place=place, crop="Oyster")
    second = await product.owner.post("/cycles", json={"place": place, "crop": "Enoki"})
    assert (second.status_code, "end it first" in second.json()["detail"]) == (409, True)
    assert (await attributes(product))["mushroom_type"] == "Oyster"
    await made(product, f"/cycles/{first['id']}/end", outcome="aborted")
    third = await made(product, "/cycles", place=place, crop="Enoki", stage="fruiting")
    assert await attributes(product) == {"stage": "fruiting", "mushroom_type": "Enoki"}
    assert (await product.owner.delete(f"/cycles/{third['id']}")).status_code == 204
    assert await attributes(product) == {}
    assert (await product.owner.get(f"/cycles/{third['id']}")).status_code == 404


async def test_what_cannot_be_is_refused(product: Product) -> None:
    place = product.place["id"]
    for wrong, field in (
        ({"place": "nowhere"}, "place"),
        ({"place": place, "started_at": "2030-01-01T00:00:00Z"}, "at"),
        ({"place": place, "stage": "ripe"}, "stage"),
    ):
        answer = await product.owner.post("/cycles", json=wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    cycle = await made(product, "/cycles", place=place)
    lacks = await product.owner.post(f"/cycles/{cycle['id']}/events", json={"kind": "harvest"})
    assert (lacks.status_code, lacks.json()["errors"][0]["field"]) == (422, "weight_kg")
    stale = await product.owner.patch(f"/cycles/{cycle['id']}", json={"notes": "x"}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412


async def test_members_keep_cycles_viewers_see_them_and_nobody_else_does(product: Product) -> None:
    cycle = await made(product, "/cycles", place=product.place["id"])
    tenancy = product.house.stores.tenancy
    mine = str(await tenancy.users.first_tenant())
    other = await tenancy.users.add_tenant("Elsewhere", "UTC")
    for role, tenant, reads, writes, removes in (
        (Role.member, mine, 200, 200, 403),
        (Role.viewer, mine, 200, 403, 403),
        (Role.owner, other.id, 404, 404, 404),
    ):
        user = await tenancy.users.add(tenant, role, "X", f"{role}-{reads}@example.test", PASSWORD)
        bearer = {"Authorization": f"Bearer {await tenancy.sessions.open(user.id, tenant)}"}
        path = f"/cycles/{cycle['id']}"
        assert (await product.owner.get(path, headers=bearer)).status_code == reads
        moved = await product.owner.post(f"{path}/stage", json={"stage": "rest"}, headers=bearer)
        assert moved.status_code == writes
        assert (await product.owner.delete(path, headers=bearer)).status_code == removes
        listed = (await product.owner.get("/cycles", headers=bearer)).json()["items"]
        assert len(listed) == (reads == 200)


async def test_a_cycle_goes_with_its_place(product: Product) -> None:
    room = await made(product, "/places", name="Room", kind="room")
    cycle = await made(product, "/cycles", place=room["id"])
    assert (await product.owner.delete(f"/places/{room['id']}")).status_code == 204
    assert (await product.owner.get(f"/cycles/{cycle['id']}")).status_code == 404

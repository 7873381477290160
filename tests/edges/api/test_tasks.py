"""Tasks over the API: made, given to somebody, done and taken away, and what screens hear of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.product import Product, notices, opened_product
from tests.edges.live.test_hub import frames
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import HeldClock
from verger.domain.alerts.model import Opening, Severity
from verger.domain.tenancy.model import Role
from verger.edges.live.screen import Screen


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def made(product: Product, **task: Any) -> dict[str, Any]:
    answer = await product.owner.post("/tasks", json={"title": "Sweep the chimney"} | task)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_task_is_made_changed_done_and_taken_away(product: Product, record: Record) -> None:
    me = (await product.get("/me"))["user"]["id"]
    task = await made(product, device=product.device["id"], priority="urgent", due="2027-01-20T12:00:00Z")
    assert (task["place"], task["state"], task["made_by"]) == (product.place["id"], "open", f"user:{me}")
    path = f"/tasks/{task['id']}"
    done = (await product.owner.patch(path, json={"state": "done"})).json()
    assert (done["state"], done["done_by"], done["done_at"]) == ("done", f"user:{me}", "2027-01-15T08:00:00Z")
    record("tasks.json", await product.get("/tasks"))
    again = (await product.owner.patch(path, json={"state": "open", "due": None}, headers={"If-Match": '"2"'})).json()
    assert (again["done_by"], again["due"], again["version"]) == (None, None, 3)
    assert (await product.owner.delete(path, headers={"If-Match": '"2"'})).status_code == 412
    assert (await product.owner.delete(path)).status_code == 204
    assert (await product.owner.get(path)).status_code == 404


async def test_a_task_that_came_of_an_alert_is_found_by_it_and_the_alert_tells_of_it(product: Product) -> None:
    stores = product.house.stores
    tenant = str((await product.get("/me"))["tenant"]["id"])
    opening = {"rule": "frost", "device": product.device["id"], "place": product.place["id"], "message": "Frost"}
    async with stores.db.writing() as connection:
        opened = await stores.alerts.open(
            connection, tenant, Opening(**opening, severity=Severity.critical, at=stores.clock.now())
        )
    task = await made(product, alert=opened.alert.id)
    assert (task["alert"], task["place"], task["device"]) == (
        opened.alert.id,
        product.place["id"],
        product.device["id"],
    )
    assert [each["id"] for each in (await product.get(f"/tasks?alert={opened.alert.id}"))["items"]] == [task["id"]]
    said = (await product.get(f"/alerts/{opened.alert.id}/comments"))["items"][0]
    assert said["text"] == "Made a task of it: Sweep the chimney"
    await product.owner.delete(f"/devices/{product.device['id']}")
    assert (await made(product, alert=opened.alert.id))["device"] is None


async def test_a_task_of_what_is_not_there_is_refused(product: Product) -> None:
    wrong = (
        {"title": " "},
        {"place": "x"},
        {"device": "x"},
        {"assignee": "x"},
        {"alert": "x"},
        {"due": "2027-01-20T12:00:00"},
    )
    for body in wrong:
        answer = await product.owner.post("/tasks", json={"title": "Sweep"} | body)
        assert answer.status_code == 422, body
        assert [fault["field"] for fault in answer.json()["errors"]] == list(body)


async def test_tasks_are_found_and_ordered(product: Product) -> None:
    shed = (await product.owner.post("/places", json={"name": "Shed", "parent": product.place["id"]})).json()["id"]
    later = (await made(product, place=shed, due="2027-03-01T00:00:00Z", priority="low"))["id"]
    some_day = (await made(product, place=product.place["id"], priority="urgent"))["id"]
    sooner = (await made(product, device=product.device["id"], due="2027-02-01T00:00:00Z"))["id"]

    async def found(query: str) -> list[str]:
        return [task["id"] for task in (await product.get(f"/tasks?{query}"))["items"]]

    assert await found("sort=due") == [sooner, later, some_day]
    assert await found("sort=-priority") == [some_day, sooner, later]
    assert await found(f"place={shed}") == [later]
    assert await found(f"place={product.place['id']}&sort=created_at") == [later, some_day, sooner]
    assert await found(f"device={product.device['id']}&state=open") == [sooner]
    cursor = (await product.get("/tasks?sort=due&limit=1"))["next"]
    assert await found(f"sort=due&cursor={cursor}") == [later, some_day]


async def test_whom_a_task_is_given_to_is_told_and_screens_hear_of_every_change(product: Product) -> None:
    house, me = product.house, await product.get("/me")
    tenant = me["tenant"]["id"]
    other = (await house.stores.tenancy.users.add(tenant, Role.member, "Veikko", "v@example.test", PASSWORD)).id
    screen = Screen(tenant)
    house.hub.open(screen)
    task = await made(product, assignee=other)
    await product.owner.patch(f"/tasks/{task['id']}", json={"assignee": me["user"]["id"]})
    await product.owner.delete(f"/tasks/{task['id']}")
    house.hub.tick()
    assert [(word["assignee"], word.get("gone")) for word in frames(screen)] == [
        (other, None),
        (me["user"]["id"], None),
        (me["user"]["id"], True),
    ]
    assert [to for _, to, _ in await notices(product)] == [f"user:{other}"]

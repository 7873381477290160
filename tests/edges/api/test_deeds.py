"""What people and programs did is told to those who look after them, and to nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import DAY, HeldClock, moment
from verger.domain.tenancy.deeds import DeedStore
from verger.domain.tenancy.model import Role


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


def told(page: Any) -> list[tuple[str, str, str | None]]:
    return [(each["did"], each["kind"], each["subject"]) for each in page["items"]]


async def test_what_is_done_is_noted_once_with_who_and_to_what(
    product: Product, clock: HeldClock, record: Record
) -> None:
    place, device = product.place["id"], product.device["id"]
    clock.at += DAY
    task = (await product.owner.post("/tasks", json={"title": "Sweep", "device": device})).json()
    key = (await product.owner.post("/api-keys", json={"name": "Script", "role": "manager"})).json()
    program = {"Authorization": f"Bearer {key['token']}", "Idempotency-Key": "once"}
    for _ in range(2):
        command = {"method": "pulse", "params": {}}
        answer = await product.owner.post(f"/devices/{device}/commands", json=command, headers=program)
        assert answer.status_code == 201
    assert (await product.owner.post("/places", json={"name": ""})).status_code == 422
    assert (await product.owner.delete(f"/tasks/{task['id']}")).status_code == 204
    await product.owner.post("/me/notifications/read", json={})
    page = await product.get("/deeds")
    assert told(page) == [
        ("Take a task away", "tasks", task["id"]),
        ("Ask a device for something", "devices", device),
        ("Make an API key", "api-keys", key["id"]),
        ("Add a task", "tasks", task["id"]),
        ("Connect a device", "devices", device),
        ("Add a place", "places", place),
    ]
    me = (await product.get("/me"))["user"]["id"]
    assert [each["by"] for each in page["items"]] == [
        *(f"user:{me}", f"key:{key['id']}", *[f"user:{me}"] * 4),
    ]
    assert page["items"][0]["at"] == "2027-01-16T08:00:00Z"
    record("deeds.json", page)
    assert told(await product.get(f"/deeds?kind=devices&subject={device}&limit=1"))[0][0].startswith("Ask a device")
    assert len((await product.get("/deeds?kind=places"))["items"]) == 1


async def test_managers_see_deeds_of_their_organisation_alone(product: Product) -> None:
    tenancy = product.house.stores.tenancy
    mine = str(await tenancy.users.first_tenant())
    other = await tenancy.users.add_tenant("Elsewhere", "UTC")
    for role, tenant, status in ((Role.manager, mine, 200), (Role.member, mine, 403), (Role.owner, other.id, 200)):
        user = await tenancy.users.add(tenant, role, "X", f"{role}@example.test", PASSWORD)
        bearer = {"Authorization": f"Bearer {await tenancy.sessions.open(user.id, tenant)}"}
        answer = await product.owner.get("/deeds", headers=bearer)
        assert answer.status_code == status
        if status == 200:
            assert len(answer.json()["items"]) == (2 if tenant == mine else 0)


async def test_what_cannot_be_noted_is_done_all_the_same(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> None:
        raise OSError

    deeds = product.house.stores.tenancy.deeds
    monkeypatch.setattr(type(deeds), "add", fails)
    answer = await product.owner.post("/places", json={"name": "Barn"})
    assert answer.status_code == 201
    assert len((await product.get("/places"))["items"]) == 2


async def test_old_deeds_are_forgotten(product: Product, clock: HeldClock) -> None:
    deeds: DeedStore = product.house.stores.tenancy.deeds
    assert await deeds.purge(moment(clock.now())) == 0
    assert await deeds.purge(moment(clock.now() + 1)) == 2
    assert (await product.get("/deeds"))["items"] == []

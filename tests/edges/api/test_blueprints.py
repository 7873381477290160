"""Blueprints over the API: laid in one go, once, and what people did with it since stays."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import HeldClock
from verger.base.errors import Busy
from verger.domain.blueprints.reading import NAMES
from verger.domain.tasks.store import TaskStore
from verger.domain.tenancy.model import Role
from verger.flows.plans import plan


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def lay(product: Product, name: str, place: str | None = None, status: int = 201) -> dict[str, Any]:
    """Lay a blueprint on a place, that of the product unless it is named."""
    answer = await product.owner.post(f"/places/{place or product.place['id']}/blueprint", json={"name": name})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def there(product: Product) -> dict[str, list[Any]]:
    """Return all that blueprints bring, as it stands."""
    return {
        path: (await product.get(f"/{path}?limit=500"))["items"]
        for path in ("device-types", "rules", "derived", "tasks")
    }


async def room(product: Product, parent: str | None = None) -> str:
    answer = await product.owner.post("/places", json={"name": "Room", "parent": parent})
    return str(answer.json()["id"])


async def test_what_there_is_and_what_one_brings_is_as_recorded(product: Product, record: Record) -> None:
    found = await product.get("/blueprints")
    assert [each["name"] for each in found["items"]] == list(NAMES)
    assert found["next"] is None
    record("blueprints.json", found)
    await lay(product, "cottage")
    record("place_blueprints.json", await product.get(f"/places/{product.place['id']}/blueprints"))


@pytest.mark.parametrize("name", NAMES)
async def test_it_brings_all_that_it_says(product: Product, name: str) -> None:
    done, wanted = await lay(product, name), plan(name)
    assert (done["name"], done["place"], done["kept"]) == (name, product.place["id"], [])
    assert len(done["waiting"]) == len(wanted.waiting)
    kinds = [(part["kind"], part["key"]) for part in done["made"]]
    assert kinds == [
        *(("device_type", each.key) for each in wanted.device_types),
        *(("derived", key) for key in wanted.derived),
        *(("rule", key) for key in wanted.rules),
        *(("task", key) for key in wanted.tasks),
    ]
    found = await there(product)
    assert {each["key"] for each in found["device-types"]} == {each.key for each in wanted.device_types}
    ids = {part["id"] for part in done["made"]}
    for path in ("rules", "derived", "tasks"):
        assert {each["id"] for each in found[path]} <= ids
        assert {each["place"] for each in found[path]} <= {product.place["id"]}
    assert len(found["rules"]) == len(wanted.rules)


async def test_laying_it_again_changes_nothing(product: Product) -> None:
    first = await lay(product, "plant")
    before = await there(product)
    again = await lay(product, "plant", status=200)
    assert await there(product) == before
    assert again["made"] == []
    assert [(part["key"], part["id"]) for part in again["kept"]] == [
        (part["key"], part["id"]) for part in first["made"]
    ]
    assert again["at"] == first["at"]


async def test_many_that_lay_it_at_once_lay_it_once(product: Product) -> None:
    answers = await asyncio.gather(
        *(product.owner.post(f"/places/{product.place['id']}/blueprint", json={"name": "farm"}) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len((await there(product))["rules"]) == len(plan("farm").rules)


async def test_what_people_changed_or_removed_stays_so(product: Product) -> None:
    made = {part["key"]: part["id"] for part in (await lay(product, "cottage"))["made"]}
    await product.owner.patch(f"/rules/{made['freezing']}", json={"name": "Frost", "when": {"value": 3}})
    await product.owner.delete(f"/rules/{made['damp']}")
    await product.owner.delete(f"/tasks/{made['smoke']}")
    await product.owner.patch("/device-types/cottage", json={"name": "Our sensors"})
    before = await there(product)
    await lay(product, "cottage", status=200)
    assert await there(product) == before
    assert "Frost" in {rule["name"] for rule in before["rules"]}
    assert "Damp" not in {rule["name"] for rule in before["rules"]}


async def test_a_type_that_is_there_is_kept(product: Product) -> None:
    own = {"key": "outlet", "name": "My outlets", "metrics": [{"key": "power"}]}
    assert (await product.owner.post("/device-types", json=own)).status_code == 201
    done = await lay(product, "outlet")
    [kept] = done["kept"]
    assert (kept["kind"], kept["key"], kept["id"]) == ("device_type", "outlet", None)
    assert (await product.get("/device-types/outlet"))["name"] == "My outlets"


async def test_several_lie_on_one_place_and_one_on_several(product: Product) -> None:
    for name in NAMES:
        await lay(product, name)
    other = await room(product)
    done = await lay(product, "plant", other)
    assert {part["kind"] for part in done["made"]} == {"rule", "task"}
    laid = (await product.get(f"/places/{product.place['id']}/blueprints"))["items"]
    assert {each["name"] for each in laid} == set(NAMES)


async def test_what_acts_from_around_is_not_laid_twice(product: Product) -> None:
    await lay(product, "farm")
    inside = await room(product, product.place["id"])
    done = await lay(product, "farm", inside, status=200)
    assert done["made"] == []
    assert {part["why"] for part in done["kept"] if part["kind"] == "rule"} == {
        "It acts here already, from a place around this one."
    }
    laid = (await product.get(f"/places/{inside}/blueprints"))["items"]
    assert [each["place"] for each in laid] == [inside, product.place["id"]]


async def test_nothing_is_laid_where_one_part_cannot_be(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> None:
        raise Busy("The disk is full.")

    before = await there(product)
    with monkeypatch.context() as patched:
        patched.setattr(TaskStore, "add", fails)
        await lay(product, "cottage", status=503)
    assert await there(product) == before
    assert (await product.get(f"/places/{product.place['id']}/blueprints"))["items"] == []
    await lay(product, "cottage")


async def test_its_rules_judge_at_once(product: Product) -> None:
    await lay(product, "cottage")
    await product.say("telemetry", {"temperature": -1})
    [alert] = (await product.get("/alerts"))["items"]
    assert alert["message"] == "Hall in Lake cottage is at -1 °C: water may freeze."
    urgent = [task for task in (await product.get("/tasks"))["items"] if task["priority"] == "urgent"]
    assert [(task["title"], task["device"]) for task in urgent] == [("Check heating", product.device["id"])]


async def test_a_place_that_goes_takes_along_what_was_laid(product: Product) -> None:
    gone = await room(product)
    await lay(product, "ozone", gone)
    assert (await product.owner.delete(f"/places/{gone}")).status_code == 204
    assert (await there(product))["rules"] == []
    await lay(product, "ozone")


async def test_what_cannot_be_laid_is_refused(product: Product) -> None:
    assert "cottage, ozone" in (await lay(product, "castle", status=422))["detail"]
    await lay(product, "farm", "nowhere", status=404)


@pytest.mark.parametrize(("role", "status"), [(Role.viewer, 403), (Role.member, 403), (Role.manager, 201)])
async def test_managers_lay_them_and_everybody_sees_them(product: Product, role: Role, status: int) -> None:
    tenancy = product.house.stores.tenancy
    tenant = str(await tenancy.users.first_tenant())
    person = await tenancy.users.add(tenant, role, "Ville", "ville@example.test", PASSWORD)
    product.owner.headers["Authorization"] = f"Bearer {await tenancy.sessions.open(person.id)}"
    await lay(product, "cottage", status=status)
    assert (await product.owner.get("/blueprints")).status_code == 200
    assert (await product.owner.get(f"/places/{product.place['id']}/blueprints")).status_code == 200


@pytest.mark.parametrize("name", NAMES)
async def test_the_devices_of_its_demo_can_be_added(product: Product, name: str) -> None:
    await lay(product, name)
    demo, places, gateways = plan(name).demo, dict[str, str](), dict[str, str]()
    for place in demo.places:
        body = {"name": place.name, "kind": place.kind, "parent": product.place["id"]}
        places[place.name] = (await product.owner.post("/places", json=body)).json()["id"]
    for device in sorted(demo.devices, key=lambda each: not each.is_gateway):
        about: dict[str, Any] = {"name": device.name, "type": device.type, "dialect": device.dialect}
        about |= {"address": device.address, "is_gateway": device.is_gateway}
        about |= {"place": places.get(device.place or "", product.place["id"])}
        about |= {"gateway": gateways[device.gateway]} if device.gateway else {}
        answer = await product.owner.post("/devices", json=about)
        assert answer.status_code == 201, answer.text
        gateways[device.name] = answer.json()["device"]["id"]

"""Alerts over the API: who may do what with them, and what screens and programs hear of it."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.edges.api.product import HELD, Product, notices, opened_product
from tests.edges.live.test_hub import frames
from tests.edges.live.test_socket import Browser, Guests, at_once
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import SECOND, HeldClock
from verger.base.errors import Conflict
from verger.domain.alerts.model import MANY, Opening, Severity
from verger.domain.tenancy.model import Role
from verger.edges.live.looking import Looking
from verger.edges.live.screen import Screen
from verger.edges.live.socket import LiveSocket


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def tenant_of(product: Product) -> str:
    return str((await product.get("/me"))["tenant"]["id"])


async def opened(product: Product, **more: Any) -> str:
    """Let a condition hold; return the alert that people see."""
    known = {"rule": "frost", "severity": Severity.critical, "message": "3 °C", "value": 3.0, "at": HELD}
    where = {"device": product.device["id"], "place": product.place["id"]}
    stores, tenant = product.house.stores, await tenant_of(product)
    async with stores.db.writing() as connection:
        return (await stores.alerts.open(connection, tenant, Opening(**{**known, **where, **more}))).shown.id


async def do(product: Product, alert: str, what: str, body: Any = None, status: int = 200) -> Any:
    answer = await product.owner.post(f"/alerts/{alert}/{what}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_an_alert_is_noted_given_to_somebody_spoken_of_and_ended(product: Product, record: Record) -> None:
    alert, me = await opened(product), (await product.get("/me"))["user"]["id"]
    assert (await product.get("/alerts?state=active&state=acknowledged"))["items"] == [
        await product.get(f"/alerts/{alert}")
    ]
    noted = await do(product, alert, "acknowledge")
    assert (noted["state"], noted["acknowledged_by"]) == ("acknowledged", me)
    assert await do(product, alert, "acknowledge") == noted
    assert (await do(product, alert, "assign", {"assignee": me}))["assignee"] == me
    await do(product, alert, "assign", {"assignee": "nobody"}, 422)
    await do(product, alert, "comments", {"text": "The stove is on."}, 201)
    await do(product, alert, "comments", {"text": " "}, 422)
    assert (await do(product, alert, "resolve"))["state"] == "resolved"
    await do(product, alert, "acknowledge", status=409)
    await do(product, alert, "assign", {"assignee": None}, 409)
    record("alerts.json", await product.get("/alerts"))
    record("alert_comments.json", await product.get(f"/alerts/{alert}/comments"))
    assert await opened(product) != alert


async def test_whom_an_alert_is_given_to_is_told(product: Product) -> None:
    alert, stores = await opened(product), product.house.stores
    users = stores.tenancy.users
    other = await users.add(await tenant_of(product), Role.member, "Veikko", "v@example.test", PASSWORD)
    for assignee in (other.id, other.id, (await product.get("/me"))["user"]["id"], None):
        await do(product, alert, "assign", {"assignee": assignee})
    told = [(to, title) for kind, to, title in await notices(product) if kind == "alert_assigned"]
    assert told == [(f"user:{other.id}", "For you to see to: 3 °C")]


async def test_alerts_are_found_by_what_they_are_about(product: Product) -> None:
    cold, low = await opened(product), await opened(product, rule="battery", severity=Severity.info, device=None)
    shed = (await product.owner.post("/places", json={"name": "Shed", "parent": product.place["id"]})).json()["id"]
    below = await opened(product, rule="damp", place=shed, device=None)

    async def found(**asked: str) -> set[str]:
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return {alert["id"] for alert in (await product.get(f"/alerts?{query}"))["items"]}

    assert await found(place=product.place["id"]) == {cold, low, below}
    assert await found(place=shed) == {below}
    assert await found(severity="info") == {low}
    assert await found(device=product.device["id"]) == {cold}
    assert await found(rule="damp") == {below}
    assert await found(state="cleared") == set()
    assert (await product.owner.get("/alerts?place=nowhere")).status_code == 404
    assert (await product.owner.get("/alerts?state=gone")).status_code == 422


async def test_who_ends_an_alert_about_many_ends_all_that_it_shows(product: Product) -> None:
    every = [await opened(product, device=f"d{number}", at=HELD + number * SECOND) for number in range(MANY)]
    lead = every[-1]
    assert [alert["id"] for alert in (await product.get("/alerts"))["items"]] == [lead]
    await do(product, lead, "resolve")
    states = {alert["state"] for alert in (await product.get(f"/alerts?within={lead}"))["items"]}
    assert states == {"resolved"}


async def refuse(*_: Any) -> None:
    raise Conflict("Not now.")


async def test_what_changed_is_told_once_it_is_kept_and_not_when_it_is_not(product: Product) -> None:
    house, tenant = product.house, await tenant_of(product)
    screen = Screen(tenant)
    screen.show("place", product.place["id"], [product.place["id"]])
    house.hub.open(screen)
    house.hub.watch()
    house.stores.alerts.listeners.append(refuse)
    with pytest.raises(Conflict):
        await opened(product)
    house.stores.alerts.listeners.remove(refuse)
    alert = await opened(product)
    await do(product, alert, "acknowledge")
    house.hub.tick()
    told = [frame for frame in frames(screen) if frame["type"] == "alert"]
    assert [(word["id"], word["state"]) for word in told] == [(alert, "active"), (alert, "acknowledged")]
    assert {key: told[-1][key] for key in told[-1] if key != "type"} == await product.get(f"/alerts/{alert}")


async def test_a_manager_says_who_is_told_and_what_is_left_out_stays(product: Product) -> None:
    usual = await product.get("/alert-policy")
    steps = [{"to": "owners", "after_s": 0}]
    changed = await product.owner.patch("/alert-policy", json={"critical": {"steps": steps}, "clear_after_s": 600})
    critical = usual["critical"] | {"steps": steps}
    assert changed.json() == usual | {"critical": critical, "clear_after_s": 600, "version": 2}
    assert await product.get("/alert-policy") == changed.json()
    stale = await product.owner.patch("/alert-policy", json={"clear_after_s": 900}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    wrong = {"critical": {"steps": [{"to": "owners", "after_s": 60}, {"to": "members"}]}}
    assert (await product.owner.patch("/alert-policy", json=wrong)).status_code == 422
    await opened(product)
    assert [to for _, to, _ in await notices(product)] == ["owners"]


async def test_alerts_end_with_the_device_or_the_place_that_they_are_about(product: Product) -> None:
    shed = (await product.owner.post("/places", json={"name": "Shed"})).json()["id"]
    of_device, of_place, other = (
        await opened(product),
        await opened(product, place=shed, device=None),
        await opened(product, rule="damp", device=None),
    )
    assert (await product.owner.delete(f"/devices/{product.device['id']}")).status_code == 204
    assert (await product.owner.delete(f"/places/{shed}")).status_code == 204
    states = {alert["id"]: alert["state"] for alert in (await product.get("/alerts"))["items"]}
    assert states == {of_device: "cleared", of_place: "cleared", other: "active"}


class Home(Guests):
    """Lets everybody into one tenant."""

    def __init__(self, tenant: str) -> None:
        super().__init__()
        self.name = tenant

    async def enter(self, _scope: MutableMapping[str, Any]) -> tuple[str, str | None]:
        return self.name, None


async def test_a_screen_may_show_what_happens_in_the_whole_organisation(product: Product) -> None:
    hub, tenant = product.house.hub, await tenant_of(product)
    browser = Browser({"type": "subscribe", "tenant": "another"}, {"type": "subscribe", "tenant": tenant})
    socket = LiveSocket(hub, Looking(product.house.grounds.showing, hub), Home(tenant), at_once)
    serving = asyncio.create_task(socket({}, browser.receive, browser.send))
    assert (await browser.frame(0))["type"] == "error"
    assert await browser.frame(1) == {"type": "snapshot", "tenant": tenant, "devices": []}
    alert = await opened(product)
    assert [(frame["type"], frame["id"]) for frame in (await browser.frame(2),)] == [("alert", alert)]
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)

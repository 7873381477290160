"""What CottagePilot's pages ask of alerts, readings, analytics and accounts, answered with what is really there."""

import asyncio
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, posted, waiting
from tests.edges.wire.families.test_cottage import provisioned, told
from tests.edges.wire.families.test_cottage_people import Browser, signed_in
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock
from verger.domain.tenancy.model import Role

BASE = "/compat/cottage/api"


async def settled(product: Product) -> None:
    await product.house.oversight.followers.caught_up()


async def hall(product: Product, clock: HeldClock) -> tuple[str, str, str]:
    """Adopt a sensor that measured twice; return its enrolment's key, its code, and the device."""
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    (pending,) = await waiting(product)
    made = await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Hall")
    for temperature, humidity in ((21.5, 40), (4.5, 60)):
        clock.at += MINUTE
        await told(product, key, code, temperature, humidity)
        await settled(product)
    return key, code, str(made["device"]["id"])


async def of_type(pages: Any, kind: str) -> Any:
    listed = (await pages.get(f"{BASE}/sensors/")).json()["results"]
    return next(each for each in listed if each["type"] == kind)


async def test_alerts_tell_of_which_sensor_they_are_and_are_ended(product: Product, clock: HeldClock) -> None:
    key, code, device = await hall(product, clock)
    when = {"metric": "temperature", "device": device, "is": "below", "value": 5}
    then = [{"alert": {"severity": "critical", "message": "Freezing"}}]
    await posted(product, "/rules", name="Frost", place=product.place["id"], when=when, then=then)
    clock.at += MINUTE
    await told(product, key, code, 3.25, 60)
    await settled(product)
    async with client(product) as pages:
        assert (await pages.get(f"{BASE}/alerts/")).status_code == 401
        pages.headers.update(await signed_in(pages))
        sensor = await of_type(pages, "temperature")
        told_of = (await pages.get(f"{BASE}/alerts/?is_resolved=false&severity=critical")).json()
        (alert,) = told_of["results"]
        assert (told_of["count"], told_of["next"], told_of["previous"]) == (1, None, None)
        assert {
            name: alert[name] for name in ("sensor", "alert_type", "threshold_value", "actual_value", "message")
        } == {
            "sensor": sensor["id"],
            "alert_type": "threshold",
            "threshold_value": 5,
            "actual_value": 3.25,
            "message": "Freezing",
        }
        assert (await pages.get(f"{BASE}/sensors/{sensor['id']}/alerts/")).json()["results"] == [alert]
        damp = await of_type(pages, "humidity")
        assert (await pages.get(f"{BASE}/sensors/{damp['id']}/alerts/")).json()["results"] == []
        stats = (await pages.get(f"{BASE}/sensors/stats/")).json()["results"]
        assert (stats["recent_alerts"], stats["total_data_points"] >= 6) == (1, True)
        ended = (await pages.post(f"{BASE}/alerts/{alert['id']}/resolve/")).json()["results"]
        assert (ended["is_resolved"], ended["resolved_at"] is not None) == (True, True)
        assert (await pages.get(f"{BASE}/alerts/?is_resolved=false")).json()["results"] == []
        for path in ("alerts/nobody/", "sensors/nobody/alerts/", "sensor-data/nobody-1/"):
            assert (await pages.get(f"{BASE}/{path}")).status_code == 404


async def test_readings_of_all_sensors_are_narrowed_by_the_query(product: Product, clock: HeldClock) -> None:
    await hall(product, clock)
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        sensor = await of_type(pages, "temperature")
        every = (await pages.get(f"{BASE}/sensor-data/")).json()
        assert {each["sensor_name"] for each in every["results"]} == {"Hall temperature", "Hall humidity"}
        one = (await pages.get(f"{BASE}/sensor-data/?sensor={sensor['id']}&value_max=20&time_range=1h")).json()
        assert [each["value"] for each in one["results"]] == [4.5]
        assert (await pages.get(f"{BASE}/sensor-data/{one['results'][0]['id']}/")).json() == one["results"][0]
        for wrong in ("time_range=1y", "value_min=x", "timestamp_after=yesterday"):
            assert (await pages.get(f"{BASE}/sensor-data/?{wrong}")).status_code == 400
        assert (await pages.get(f"{BASE}/sensor-data/?page=9")).status_code == 404


async def test_insights_and_reports_are_made_of_the_last_week(product: Product, clock: HeldClock) -> None:
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        assert (await pages.get(f"{BASE}/analytics/insights/")).json() == {"status": "success", "data": []}
        assert (await pages.get(f"{BASE}/analytics/reports/")).json()["results"] == []
        await hall(product, clock)
        found = (await pages.get(f"{BASE}/analytics/insights/generate_insights/")).json()["data"]
        warm = next(each for each in found if each["sensor_name"] == "Hall temperature")
        assert (warm["insight_type"], warm["title"]) == ("trend", "7-Day Trend Analysis for Hall temperature")
        assert (warm["data"]["maximum"], warm["data"]["minimum"]) == (21.5, 4.5)
        assert warm["description"] == f"Average reading: {warm['data']['average']:.2f} °C"
        assert 0 < warm["confidence_score"] < 0.1  # two of 168 hours at most
        (report,) = (await pages.get(f"{BASE}/analytics/reports/")).json()["results"]
        assert report["data"][warm["sensor"]] == warm["data"]


@pytest.mark.parametrize("role", [Role.manager, Role.viewer])
async def test_nobody_signs_up_but_by_who_may_make_members(product: Product, role: Role) -> None:
    wanted = {"username": "Kai", "email": "kai@example.test", "password1": PASSWORD, "password2": PASSWORD}
    tenancy = product.house.stores.tenancy
    tenant = str(await tenancy.users.first_tenant())
    user = await tenancy.users.add(tenant, role, "Bea", "bea@example.test", PASSWORD)
    async with client(product) as pages:
        alone = await pages.post(f"{BASE}/signup/", json=wanted)
        assert (alone.status_code, alone.json()["token"]) == (404, "no")
        assert "Accounts are made by people" in alone.json()["message"]["username"][0]
        pages.headers["Authorization"] = f"Token {await tenancy.sessions.open(user.id, tenant)}"
        if role is Role.viewer:
            assert (await pages.post(f"{BASE}/signup/", json=wanted)).status_code == 404
            return
        for field, change in (
            ("password2", {"password2": "x"}),
            ("email", {"email": "no"}),
            ("username", {"username": ""}),
        ):
            assert field in (await pages.post(f"{BASE}/signup/", json=wanted | change)).json()["message"]
        made = await pages.post(f"{BASE}/signup/", json=wanted)
        assert (made.status_code, made.json()["user"]["username"]) == (200, "kai@example.test")
        assert "email" in (await pages.post(f"{BASE}/signup/", json=wanted)).json()["message"]
        pages.headers["Authorization"] = f"Token {made.json()['token']}"
        assert (await pages.get(f"{BASE}/account/me/")).json()["results"]["email"] == "kai@example.test"
        mine = (await pages.get(f"{BASE}/cottage/me/")).json()["results"]
        assert (mine["id"], mine["ownerUsername"]) == (tenant, "aino@example.test")
        assert (await pages.get(f"{BASE}/cottage/user-cottages/")).json()["results"] == [mine]
        assert (await pages.post(f"{BASE}/cottage/select-cottage/", json={"id": tenant})).status_code == 200
        other = await tenancy.users.add_tenant("Hill", "UTC")
        answer = await pages.post(f"{BASE}/cottage/select-cottage/", json={"id": other.id})
        assert (answer.status_code, answer.json()) == (404, {"error": "Cottage not found for user"})


async def test_the_live_socket_tells_how_a_task_changes_and_nothing_of_one_that_is_gone(product: Product) -> None:
    async with client(product) as pages:
        token = (await signed_in(pages))["Authorization"].removeprefix("Token ")
        pages.headers["Authorization"] = f"Token {token}"
        browser = Browser(product, f"verger_session={token}")
        assert (await browser.sent.get())["type"] == "websocket.accept"
        made = (await pages.post(f"{BASE}/task/", json={"name": "Sweep"})).json()
        gone = (await pages.post(f"{BASE}/task/", json={"name": "Mow"})).json()
        await pages.delete(f"{BASE}/task/{gone['id']}/")
        await pages.post(f"{BASE}/task/{made['id']}/mark_done/")
        seen: list[tuple[str, str]] = []
        while not seen or seen[-1] != ("Sweep", "done"):
            payload = (await browser.frame())["payload"]
            seen.append((payload["name"], payload["status"]))
        assert seen == [("Sweep", "waiting"), ("Mow", "waiting"), ("Sweep", "done")]
    browser.said.put_nowait({"type": "websocket.disconnect"})
    async with asyncio.timeout(5):
        await browser.task

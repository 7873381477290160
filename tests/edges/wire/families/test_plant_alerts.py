"""Alerts of planters, as their pages and their app read them."""

import httpx

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client
from tests.edges.wire.families.test_plant import AT, added, batch, signed_in
from tests.edges.wire.families.test_plant_people import PROFILE, app, got
from verger.base.clock import MINUTE, HeldClock, moment

__all__ = ["app"]


async def test_people_see_and_resolve_alerts(product: Product, clock: HeldClock, app: httpx.AsyncClient) -> None:
    made, other = await added(product), await added(product, name="Other")
    about = made["credentials"]
    put = await app.put(f"{AT}/devices/{about['device_id']}/automation", json={"temp_max": 20, "temp_min": 10})
    assert put.status_code == 200, put.text
    async with client(product) as pi:
        await signed_in(pi, about)
        await pi.post(f"{AT}/telemetry", json=batch(about, moment(clock.at).isoformat()))
        clock.at += MINUTE
        await pi.post(f"{AT}/telemetry", json=batch(about, moment(clock.at).isoformat()))
        await product.house.oversight.followers.caught_up()
    (hot,) = await got(app, "/alerts?unresolved_only=true&limit=10")
    assert set(hot) == {"id", "device_id", "type", "severity", "message", "created_at", "resolved_at"}
    assert (hot["type"], hot["severity"], hot["resolved_at"]) == ("temp_high", "warn", None)
    assert hot["created_at"].endswith("Z")
    assert "23.5" in hot["message"]
    assert await got(app, f"/alerts?device_id={other['credentials']['device_id']}") == []
    done = await app.patch(f"{AT}/alerts/{hot['id']}/resolve")
    assert (done.status_code, done.json()["resolved_at"] is not None) == (200, True)
    assert await got(app, "/alerts?unresolved_only=true") == []
    (over,) = await got(app, f"/alerts?device_id={about['device_id'].upper()}")
    assert over == done.json()
    elsewhere = await app.get(f"{AT}/alerts?device_id=nobody")
    assert (elsewhere.status_code, elsewhere.json()) == (404, {"detail": "Device not found"})
    none = await app.patch(f"{AT}/alerts/nothing/resolve")
    assert (none.status_code, none.json()) == (404, {"detail": "Alert not found"})


async def test_soil_that_is_moist_soon_is_no_cooldown(
    product: Product, clock: HeldClock, app: httpx.AsyncClient
) -> None:
    about = (await added(product))["credentials"]
    path = f"{AT}/devices/{about['device_id']}/automation"
    await app.put(path, json=PROFILE | {"lamp_schedule": None})
    async with client(product) as pi:
        await signed_in(pi, about)
        for soil in (30, 32, 50, 50):
            clock.at += MINUTE
            await pi.post(f"{AT}/telemetry", json=batch(about, moment(clock.at).isoformat(), soil))
            await product.house.oversight.followers.caught_up()
            await product.house.automation.tick()
    assert "watering_cooldown" not in {alert["type"] for alert in await got(app, "/alerts")}
    before = len((await product.get("/rules"))["items"])
    await app.put(path, json={"watering_cooldown_min": 0})  # a pump that never rests has no cooldown
    assert len((await product.get("/rules"))["items"]) == before - 1

"""People of plant-care devices: what their pages and their app ask and read, over Verger's own sessions."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client
from tests.edges.wire.families.test_plant import AT, added, batch, refreshed, signed_in
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock, moment
from verger.domain.tenancy.model import Role

ME = {"email": "aino@example.test", "password": PASSWORD}
PROFILE = {
    "soil_moisture_min": 35,
    "soil_moisture_max": 65,
    "temp_min": 18,
    "temp_max": 30,
    "min_water_level": 25,
    "watering_duration_sec": 10,
    "watering_cooldown_min": 30,
    "lamp_schedule": {"on_minutes": 30, "off_minutes": 30},
}


@pytest_asyncio.fixture
async def app(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    """Give the app of somebody who has signed in with it."""
    async with client(product) as opened:
        await logged_in(opened, ME)
        yield opened


async def logged_in(app: httpx.AsyncClient, who: dict[str, str]) -> Any:
    answer = await app.post(f"{AT}/auth/login", json=who)
    assert answer.status_code == 200, answer.text
    app.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return answer.json()


async def got(app: httpx.AsyncClient, path: str) -> Any:
    answer = await app.get(AT + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lesser(product: Product, role: Role) -> dict[str, str]:
    """Add somebody with a role; return how they sign in."""
    email = f"{role}@example.test"
    tenant = (await product.house.stores.tenancy.users.first_tenant()) or ""
    await product.house.stores.tenancy.users.add(tenant, role, "Somebody", email, PASSWORD)
    return {"email": email, "password": PASSWORD}


async def test_a_person_signs_in_with_verger_s_own_session_and_refreshes_it(
    product: Product, clock: HeldClock, app: httpx.AsyncClient
) -> None:
    told = await logged_in(app, ME)
    assert told["user"]["email"] == ME["email"]
    assert told["is_admin"] is False
    assert datetime.fromisoformat(told["expires_at"]) == moment(clock.at) + timedelta(days=30)
    assert (await got(app, "/users/me"))["email"] == ME["email"]
    fresh = await app.post(f"{AT}/auth/refresh", json={"refresh_token": told["refresh_token"]})
    assert set(fresh.json()) == {"access_token", "refresh_token", "token_type", "expires_at"}
    assert (await app.get(f"{AT}/users/me")).json() == {"detail": "Invalid token"}
    app.headers["Authorization"] = f"Bearer {fresh.json()['access_token']}"
    assert (await product.owner.get("/me", headers=app.headers)).status_code == 200
    again = await app.post(f"{AT}/auth/refresh", json={"refresh_token": told["refresh_token"]})
    assert (again.status_code, again.json()) == (401, {"detail": "Invalid refresh token"})
    wrong = await app.post(f"{AT}/auth/login", json=ME | {"password": "no"})
    assert (wrong.status_code, wrong.json()) == (401, {"detail": "Invalid credentials"})
    key = await app.post(f"{AT}/auth/refresh", json={"refresh_token": "vk_x"})
    assert (key.status_code, key.json()) == (400, {"detail": "Unsupported token scope"})


async def test_accounts_are_made_by_those_who_may(product: Product, app: httpx.AsyncClient) -> None:
    fresh = {"email": "eero@example.test", "password": PASSWORD}
    async with client(product) as anybody:
        assert (await anybody.post(f"{AT}/auth/register", json=fresh)).status_code == 403
        made = await app.post(f"{AT}/auth/register", json=fresh)
        assert made.status_code == 201
        assert made.json()["user"]["email"] == fresh["email"]
        await logged_in(anybody, fresh)
        again = await app.post(f"{AT}/auth/register", json=fresh)
        assert (again.status_code, again.json()) == (400, {"detail": "Email already registered"})
        assert (await app.post(f"{AT}/auth/register", json=fresh | {"email": "@"})).status_code == 422
        assert (await anybody.post(f"{AT}/auth/register", json=fresh)).status_code == 403
        assert (await anybody.put(f"{AT}/devices/x/automation", json={})).status_code == 403


async def test_users_are_added_as_the_old_service_did(product: Product, app: httpx.AsyncClient) -> None:
    fresh = {"email": "eero@example.test", "password": PASSWORD, "locale": "fi"}
    async with client(product) as anybody:
        assert (await anybody.post(f"{AT}/users", json=fresh)).status_code == 403
        made = await app.post(f"{AT}/users", json=fresh)
        assert made.status_code == 201
        assert set(made.json()) == {"id", "email", "locale"}
        assert made.json()["email"] == fresh["email"]
        again = await app.post(f"{AT}/users", json=fresh)
        assert (again.status_code, again.json()) == (400, {"detail": "Email already registered"})
        short = await app.post(f"{AT}/users", json=fresh | {"email": "else@example.test", "password": "short"})
        assert (short.status_code, short.json()["detail"][0]["loc"]) == (422, ["body", "password"])
        await logged_in(anybody, fresh)
        assert (await anybody.post(f"{AT}/users", json=fresh)).status_code == 403


async def test_a_planter_is_added_seen_claimed_and_ended(product: Product, app: httpx.AsyncClient) -> None:
    made = await app.post(f"{AT}/devices", json={"name": "Basil", "model": "Raspberry Pi", "assign_to_self": True})
    assert made.status_code == 201
    about = made.json()
    device = about["device"]["id"]
    assert set(about) == {"device", "secret", "sensor_ids", "actuator_ids"}
    assert about["device"]["status"] == "provisioned"
    ids = {"device_id": device, "device_secret": None}
    shared = {name: about[name] for name in ("sensor_ids", "actuator_ids")}
    assert await got(app, f"/devices/{device}/config") == ids | shared
    async with client(product) as pi:
        credentials = {"device_id": device, "secret": about["secret"], **shared}
        await signed_in(pi, credentials)
        await pi.post(f"{AT}/telemetry", json=batch(credentials, None))
        await product.house.oversight.followers.caught_up()
        (shown,) = await got(app, "/devices?include_unclaimed=true")
        assert shown == await got(app, f"/devices/{device.upper()}")
        assert shown["status"] == "online"
        assert [(each["type"], each["unit"]) for each in shown["sensors"]] == [
            ("soil_moisture", "%"),
            ("air_temperature", "C"),
            ("water_level", "%"),
        ]
        assert [(each["type"], each["state"]) for each in shown["actuators"]] == [("pump", "off"), ("lamp", "off")]
        values = (await got(app, f"/telemetry/latest/{device}"))["readings"]
        assert [each["value"] for each in values] == [42, 23.5, 75]
        claim = {"device_id": device, "device_secret": about["secret"]}
        assert (await app.post(f"{AT}/devices/claim", json=claim)).status_code == 200
        slowed = product.house.families.refused
        bad = await app.post(f"{AT}/devices/claim", json=claim | {"device_secret": "not-it-at-all"})
        assert product.house.families.refused == slowed + 1
        assert (bad.status_code, bad.json()) == (400, {"detail": "Invalid device credentials"})
        # a device's own token opens nothing of people's
        assert (await pi.get(f"{AT}/devices")).status_code == 401
    assert (await app.delete(f"{AT}/devices/{device}")).status_code == 204
    gone = await app.get(f"{AT}/devices/{device}")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Device not found"})
    assert await got(app, "/devices") == []


async def test_a_person_moves_what_a_planter_can_move(
    product: Product, clock: HeldClock, app: httpx.AsyncClient
) -> None:
    made = await added(product)
    about = made["credentials"]
    path = f"{AT}/commands/devices/{about['device_id']}"
    wish = {"actuator_id": about["actuator_ids"]["lamp"], "command": "on", "payload": None, "duration_seconds": 5}
    asked = await app.post(path, json=wish)
    assert asked.status_code == 200
    assert asked.json()["status"] == "pending"
    async with client(product) as pi:
        await signed_in(pi, about)
        (told,) = (await pi.get(f"{AT}/commands")).json()
        assert {**told, "status": "pending"} == asked.json()
        await pi.post(f"{AT}/commands/ack", json={"command_id": told["id"]})
    await product.house.oversight.followers.caught_up()
    pump, lamp = (await got(app, "/devices"))[0]["actuators"]
    assert (lamp["state"], lamp["last_command_at"][:19]) == ("on", f"{moment(clock.at):%Y-%m-%dT%H:%M:%S}")
    assert pump["last_command_at"] is None
    assert (await app.post(path, json=wish | {"actuator_id": "?"})).json() == {"detail": "Unknown actuator"}
    assert (await app.post(path, json=wish | {"command": "dance"})).status_code == 422
    elsewhere = await app.post(f"{AT}/commands/devices/nobody", json=wish)
    assert (elsewhere.status_code, elsewhere.json()) == (404, {"detail": "Device not found"})


async def test_a_profile_is_kept_as_ordinary_rules(product: Product, app: httpx.AsyncClient) -> None:
    made = await added(product)
    path = f"{AT}/devices/{made['credentials']['device_id']}/automation"
    none = await app.get(path)
    assert (none.status_code, none.json()) == (404, {"detail": "Automation profile not configured"})
    put = await app.put(path, json=PROFILE)
    assert put.status_code == 200, put.text
    assert {name: put.json()[name] for name in PROFILE} == PROFILE
    assert set(put.json()) == {*PROFILE, "id", "device_id"}
    rules = {rule["name"]: rule for rule in (await product.get("/rules"))["items"]}
    assert len(rules) == 7
    water = rules["Water Planter"]
    assert water["when"]["clear"] == 65
    assert water["rest_s"] == 1800
    assert water["only_if"]["not"]["value"] == 25
    assert rules["Lamp of Planter on"]["when"]["schedule"] == "0 * * * *"
    assert rules["Lamp of Planter off"]["when"]["schedule"] == "30 * * * *"
    # what people change in the rules is told here
    change = {"when": {"value": 40}}
    assert (await product.owner.patch(f"/rules/{water['id']}", json=change)).status_code == 200
    assert (await app.get(path)).json()["soil_moisture_min"] == 40
    # a part is merged
    part = await app.put(path, json={"temp_max": 28, "lamp_schedule": None})
    assert part.json()["soil_moisture_min"] == 40
    assert (part.json()["temp_max"], part.json()["lamp_schedule"]) == (28, None)
    assert len((await product.get("/rules"))["items"]) == 5
    async with client(product) as pi:
        told = await signed_in(pi, made["credentials"])
        assert told["automation_profile"]["temp_max"] == 28
    wrong = await app.put(path, json={"soil_moisture_min": 0})
    assert (wrong.status_code, wrong.json()) == (400, {"detail": "soil_moisture_min must be > 0"})
    assert (await app.put(path, json={"soil_moisture_min": "wet"})).status_code == 422
    assert (await app.put(path, json={"lamp_schedule": {"on_minutes": 5}})).status_code == 422
    assert (await app.put(path, json={"lamp_schedule": {"on_minutes": 0, "off_minutes": 1}})).status_code == 400
    await app.delete(path.removesuffix("/automation"))
    assert (await product.get("/rules"))["items"] == []


async def test_a_profile_waters_again_after_each_cooldown_and_never_with_a_dry_reservoir(
    product: Product, clock: HeldClock, app: httpx.AsyncClient
) -> None:
    made = await added(product)
    about = made["credentials"]
    await app.put(f"{AT}/devices/{about['device_id']}/automation", json=PROFILE | {"lamp_schedule": None})
    async with client(product) as pi:
        refresh = (await signed_in(pi, about))["refresh_token"]

        async def told(soil: float, water: float) -> list[tuple[str, Any]]:
            """Say what is measured; return what it is told after that."""
            nonlocal refresh
            tokens = (await refreshed(pi, refresh)).json()
            refresh, pi.headers["Authorization"] = tokens["refresh_token"], f"Bearer {tokens['access_token']}"
            clock.at += MINUTE
            await product.house.automation.tick()
            said = batch(about, moment(clock.at).isoformat(), soil)
            said["readings"][2]["value"] = water
            assert (await pi.post(f"{AT}/telemetry", json=said)).status_code == 200
            await product.house.oversight.followers.caught_up()
            commands = (await pi.get(f"{AT}/commands")).json()
            return [(each["command"], each["payload"]) for each in commands]

        pulse = [("pulse", {"duration": 10})]
        assert await told(50, 80) == []
        assert await told(30, 20) == []  # dry, and so is the reservoir
        assert await told(30, 80) == pulse
        assert await told(31, 80) == []  # it cools down
        clock.at += 31 * MINUTE
        assert await told(32, 80) == pulse
        clock.at += 31 * MINUTE
        assert await told(66, 80) == []
    found = {alert["type"]: alert for alert in await got(app, "/alerts")}
    low, cooling = found.pop("water_low"), found.pop("watering_cooldown")
    assert found.keys() == {"rule"}  # the Pi has not said that it did what it was told
    assert (low["type"], low["severity"], low["device_id"]) == ("water_low", "critical", about["device_id"])
    assert low["resolved_at"]
    assert (cooling["severity"], cooling["message"]) == ("warn", "Watering cooldown active.")
    assert cooling["resolved_at"]  # it stayed dry though it was watered, until it was moist


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/devices"),
        ("POST", "/devices/claim"),
        ("DELETE", "/devices/{device}"),
        ("PUT", "/devices/{device}/automation"),
        ("POST", "/commands/devices/{device}"),
        ("PATCH", "/alerts/x/resolve"),
    ],
)
async def test_who_only_looks_changes_nothing(product: Product, method: str, path: str) -> None:
    made = await added(product)
    async with client(product) as viewer:
        path = AT + path.replace("{device}", made["credentials"]["device_id"])
        bare = await viewer.request(method, path, json={})
        assert (bare.status_code, bare.json()) == (401, {"detail": "Missing credentials"})
        await logged_in(viewer, await lesser(product, Role.viewer))
        assert (await viewer.request(method, path, json={})).status_code == 403
        assert len(await got(viewer, "/devices")) == 1


async def test_another_organisation_sees_nothing_of_a_planter(product: Product) -> None:
    made = await added(product)
    about = made["credentials"]
    users = product.house.stores.tenancy.users
    tenant = await users.add_tenant("Far", "UTC")
    await users.add(tenant.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
    async with client(product) as far:
        await logged_in(far, {"email": "eero@example.test", "password": PASSWORD})
        assert await got(far, "/devices") == []
        for path in ("", "/automation", "/config"):
            assert (await far.get(f"{AT}/devices/{about['device_id']}{path}")).status_code == 404
        claim = {"device_id": about["device_id"], "device_secret": about["secret"]}
        taken = await far.post(f"{AT}/devices/claim", json=claim)
        assert (taken.status_code, taken.json()) == (409, {"detail": "Device already claimed"})
        bare = await far.post(f"{AT}/devices", json={"name": "Mine"})
        assert bare.status_code == 400

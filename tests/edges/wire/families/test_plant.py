"""A plant-care Pi, unchanged: what its client sends, to the byte, and what it can read."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, posted
from verger.base.clock import DAY, MINUTE, SECOND, HeldClock, moment
from verger.domain.enrolments.passes import Turns

AT = "/compat/plant"
SOIL, AIR, WATER = "soil_moisture", "air_temperature", "water_level"


async def added(product: Product, **more: Any) -> Any:
    """Add a planter; return how it signs in, and its ids."""
    body = {"name": "Planter", "place": product.place["id"], "dialect": "plant"} | more
    return await posted(product, "/devices", **body)


async def signed_in(pi: httpx.AsyncClient, about: Any) -> Any:
    """Sign in as the client does, and send its token from now on."""
    body = {"device_id": about["device_id"], "device_secret": about["secret"], "firmware_version": "1.0.0"}
    answer = await pi.post(f"{AT}/auth/device", json=body)
    assert answer.status_code == 200, answer.text
    pi.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return answer.json()


def batch(about: Any, at: Any, soil: Any = 42.0) -> dict[str, Any]:
    """Return the three readings that the client sends."""
    values = {SOIL: soil, AIR: 23.5, WATER: 75.0}
    return {
        "readings": [
            {"sensor_id": about["sensor_ids"][name], "timestamp": at, "value": value, "raw": None}
            for name, value in values.items()
        ]
    }


async def latest(product: Product, device: str) -> dict[str, float]:
    await product.house.oversight.followers.caught_up()
    values = await product.get(f"/devices/{device}/latest")
    return {metric: each["value"] for metric, each in values.items()}


async def test_a_planter_is_told_how_it_signs_in_and_its_ids_once(product: Product) -> None:
    made = await added(product)
    about = made["credentials"]
    assert set(about) == {"device_id", "secret", "sensor_ids", "actuator_ids"}
    assert about["device_id"] == made["device"]["id"] == made["device"]["address"]
    assert len(about["secret"]) == 43
    assert list(about["sensor_ids"]) == [SOIL, AIR, WATER]
    assert list(about["actuator_ids"]) == ["pump", "lamp"]
    for each in (*about["sensor_ids"].values(), *about["actuator_ids"].values()):
        assert str(UUID(each)) == each
    assert about["secret"] not in json.dumps(await product.get(f"/devices/{made['device']['id']}"))


async def test_a_planter_keeps_the_id_secret_and_channels_that_it_has(product: Product) -> None:
    address, soil, fan = "11111111-1111-1111-1111-111111111111", "aaaaaaaa-AAAA", "3333-fan"
    kind = {"key": "planter", "name": "Planter", "dialect": "plant", "capabilities": [{"method": "fan.on"}]}
    await posted(product, "/device-types", **kind)
    channels = {soil: "moisture", fan: "fan", "lamp-1": "lamp"}
    secret = "its-own-secret"
    made = await added(product, address=address, secret=secret, channels=channels, type="planter")
    ids = {"sensor_ids": {"moisture": soil}, "actuator_ids": {"fan": fan, "lamp": "lamp-1"}}
    assert made["credentials"] == {"device_id": address, "secret": secret, **ids}
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        told = {"readings": [{"sensor_id": soil.lower(), "timestamp": 1_800_000_000, "value": "31.5"}]}
        answer = await pi.post(f"{AT}/telemetry", json=told)
        assert answer.status_code == 200
        assert await latest(product, made["device"]["id"]) == {"moisture": 31.5}
    again = {"name": "Twin", "place": product.place["id"], "dialect": "plant", "address": address.upper()}
    assert (await product.owner.post("/devices", json=again)).status_code == 409
    short = again | {"address": "another", "secret": "seven77"}
    assert (await product.owner.post("/devices", json=short)).status_code == 422


async def test_a_planter_signs_in_and_says_what_it_measured(product: Product, clock: HeldClock) -> None:
    made = await added(product)
    about, now = made["credentials"], moment(clock.at)
    async with client(product) as pi:
        told = await signed_in(pi, about)
        assert told["device"] == {"id": about["device_id"], "name": "Planter"}
        assert told["token_type"] == "bearer"
        assert told["automation_profile"] is None
        assert told["expires_at"].endswith("+00:00")
        until = datetime.fromisoformat(told["expires_at"])
        assert until == now + timedelta(minutes=15)
        answer = await pi.post(f"{AT}/telemetry", json=batch(about, now.isoformat()))
        assert answer.status_code == 200
        assert answer.json()["accepted"] == 3
        assert str(UUID(answer.json()["batch_id"])) == answer.json()["batch_id"]
    assert await latest(product, made["device"]["id"]) == {SOIL: 42, AIR: 23.5, WATER: 75}
    assert (await product.get(f"/devices/{made['device']['id']}"))["online"]


@pytest.mark.parametrize("at", ["2027-01-15T07:59:00Z", "2027-01-15T09:59:00+02:00", "2027-01-15T07:59:00", 1799999940])
async def test_every_way_of_writing_a_time_is_read(product: Product, at: Any) -> None:
    made = await added(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        assert (await pi.post(f"{AT}/telemetry", json=batch(made["credentials"], at))).status_code == 200
    await product.house.oversight.followers.caught_up()
    values = await product.get(f"/devices/{made['device']['id']}/latest")
    assert values[SOIL]["at"].startswith("2027-01-15T07:59:00")


@pytest.mark.parametrize("at", ["yesterday", "", None, [], 1e300, True])
async def test_a_time_that_nobody_can_read_loses_no_reading(product: Product, at: Any) -> None:
    made = await added(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        assert (await pi.post(f"{AT}/telemetry", json=batch(made["credentials"], at))).json()["accepted"] == 3
    assert len(await latest(product, made["device"]["id"])) == 3


async def test_an_unknown_sensor_refuses_the_whole_batch(product: Product) -> None:
    made, other = await added(product), await added(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        for strange in (other["credentials"]["sensor_ids"][AIR], made["credentials"]["actuator_ids"]["pump"], "?"):
            told = batch(made["credentials"], "2027-01-15T07:59:00Z")
            told["readings"][1]["sensor_id"] = strange
            answer = await pi.post(f"{AT}/telemetry", json=told)
            assert (answer.status_code, answer.content) == (400, b'{"detail":"Unknown sensor"}')
    assert await latest(product, made["device"]["id"]) == {}
    await product.house.stores.kept.remarks.write()
    log = (await product.get(f"/devices/{made['device']['id']}/log"))["items"]
    assert "not its own" in log[0]["message"]


async def test_what_is_no_number_is_left_out_of_a_batch_and_shown(product: Product) -> None:
    made = await added(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        told = json.dumps(batch(made["credentials"], None)).replace("42.0", "NaN")
        answer = await pi.post(f"{AT}/telemetry", content=told)
        assert (answer.status_code, answer.json()["accepted"]) == (200, 2)
        for value in (b"23.5", b"75.0"):
            told = told.replace(value.decode(), '"wet"')
        answer = await pi.post(f"{AT}/telemetry", content=told)
        assert answer.status_code == 422
    assert await latest(product, made["device"]["id"]) == {AIR: 23.5, WATER: 75}


@pytest.mark.parametrize(
    ("path", "body", "kind", "loc"),
    [
        ("/auth/device", b"{}", "missing", ["body", "device_id"]),
        ("/auth/device", b'{"device_id":1,"device_secret":"12345678"}', "value_error", ["body", "device_id"]),
        ("/auth/device", b'{"device_id":"x","device_secret":"1234567"}', "value_error", ["body"]),
        ("/auth/device", b"{", "json_invalid", ["body", 0]),
        ("/auth/device", b"[]", "value_error", ["body"]),
        ("/auth/device/refresh", b"{}", "missing", ["body", "refresh_token"]),
        ("/telemetry", b"{}", "missing", ["body", "readings"]),
        ("/telemetry", b'{"readings":[]}', "too_short", ["body", "readings"]),
        ("/telemetry", b'{"readings":[{"value":1}]}', "missing", ["body", "readings", 0, "sensor_id"]),
    ],
)
async def test_what_does_not_fit_is_told_as_its_clients_read_it(
    product: Product, path: str, body: bytes, kind: str, loc: list[Any]
) -> None:
    made = await added(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        answer = await pi.post(AT + path, content=body)
    assert answer.status_code == 422
    (why,) = answer.json()["detail"]
    assert set(why) == {"type", "loc", "msg", "input"}
    assert (why["type"], why["loc"]) == (kind, loc)


async def test_a_wrong_secret_and_an_unknown_device_are_refused_alike(product: Product) -> None:
    made = await added(product)
    address, secret = made["credentials"]["device_id"], made["credentials"]["secret"]
    async with client(product) as pi:
        for device_id, tried in ((address, secret + "x"), ("22222222-2222-2222-2222-222222222222", secret)):
            body = {"device_id": device_id, "device_secret": tried}
            answer = await pi.post(f"{AT}/auth/device", json=body)
            assert (answer.status_code, answer.content) == (401, b'{"detail":"Invalid secret"}')
        answer = await pi.post(f"{AT}/telemetry", json={"readings": []})
        assert (answer.status_code, answer.content) == (401, b'{"detail":"Missing credentials"}')
        pi.headers["Authorization"] = "Bearer made-up"
        answer = await pi.post(f"{AT}/telemetry", json={"readings": []})
        assert (answer.status_code, answer.content) == (401, b'{"detail":"Invalid token"}')
        assert (await pi.post(f"{AT}/telemetry/")).status_code == 404
        assert (await pi.put(f"{AT}/telemetry")).status_code == 405


async def refreshed(pi: httpx.AsyncClient, token: str) -> httpx.Response:
    return await pi.post(f"{AT}/auth/device/refresh", json={"refresh_token": token})


async def test_refresh_tokens_rotate_and_one_that_comes_twice_ends_them_all(product: Product, clock: HeldClock) -> None:
    made = await added(product)
    async with client(product) as pi:
        first = await signed_in(pi, made["credentials"])
        clock.at += 20 * MINUTE
        told = batch(made["credentials"], None)
        assert (await pi.post(f"{AT}/telemetry", json=told)).status_code == 401
        second = (await refreshed(pi, first["refresh_token"])).json()
        assert set(second) == {"access_token", "refresh_token", "token_type", "expires_at"}
        pi.headers["Authorization"] = f"Bearer {second['access_token']}"
        assert (await pi.post(f"{AT}/telemetry", json=told)).status_code == 200
        stolen = await refreshed(pi, first["refresh_token"])
        assert (stolen.status_code, stolen.content) == (401, b'{"detail":"Invalid refresh token"}')
        assert (await refreshed(pi, second["refresh_token"])).status_code == 401
        assert (await pi.post(f"{AT}/telemetry", json=told)).status_code == 401
        await signed_in(pi, made["credentials"])
        assert (await pi.post(f"{AT}/telemetry", json=told)).status_code == 200


async def test_a_token_that_was_exchanged_stays_so_after_a_restart(product: Product, clock: HeldClock) -> None:
    made = await added(product)
    async with client(product) as pi:
        told = await signed_in(pi, made["credentials"])
        assert (await refreshed(pi, told["refresh_token"])).status_code == 200
        turns = product.house.stores.enrolled.turns
        fresh = Turns(product.house.stores.db)
        await fresh.fill()
        assert fresh._all == turns._all  # noqa: SLF001  what a restart knows
        clock.at += 20 * DAY
        again = await signed_in(pi, made["credentials"])
        assert (await refreshed(pi, again["refresh_token"])).status_code == 200
        assert len(turns._all) == 1  # noqa: SLF001  what has expired is forgotten


async def test_refresh_tokens_are_checked_for_what_they_are(product: Product, clock: HeldClock) -> None:
    made = await added(product)
    async with client(product) as pi:
        told = await signed_in(pi, made["credentials"])
        answer = await refreshed(pi, told["access_token"])
        assert (answer.status_code, answer.json()) == (400, {"detail": "Wrong token type"})
        session = product.owner.headers["Authorization"].removeprefix("Bearer ")
        answer = await refreshed(pi, session)
        assert (answer.status_code, answer.json()) == (400, {"detail": "Unexpected token scope"})
        assert (await refreshed(pi, "vr_AAAA")).status_code == 401
        pi.headers["Authorization"] = f"Bearer {told['refresh_token']}"
        assert (await pi.post(f"{AT}/telemetry", json={})).status_code == 401
        clock.at += 15 * DAY
        assert (await refreshed(pi, told["refresh_token"])).status_code == 401


async def test_a_new_secret_ends_what_was_signed_in_with_the_old_one(product: Product) -> None:
    made = await added(product)
    async with client(product) as pi:
        told = await signed_in(pi, made["credentials"])
        renewed = (await posted(product, f"/devices/{made['device']['id']}/credentials"))["credentials"]
        assert renewed | {"secret": ""} == made["credentials"] | {"secret": ""}
        assert renewed["secret"] != made["credentials"]["secret"]
        readings = batch(made["credentials"], None)
        assert (await pi.post(f"{AT}/telemetry", json=readings)).status_code == 401
        assert (await refreshed(pi, told["refresh_token"])).status_code == 401
        await signed_in(pi, renewed)
        assert (await pi.post(f"{AT}/telemetry", json=readings)).status_code == 200


async def test_a_retired_planter_is_gone(product: Product, clock: HeldClock) -> None:
    made = await added(product)
    async with client(product) as pi:
        told = await signed_in(pi, made["credentials"])
        clock.at += SECOND
        assert (await product.owner.delete(f"/devices/{made['device']['id']}")).status_code == 204
        answer = await refreshed(pi, told["refresh_token"])
        assert (answer.status_code, answer.json()) == (404, {"detail": "Device not found"})
        assert (await pi.post(f"{AT}/telemetry", json=batch(made["credentials"], None))).status_code == 401

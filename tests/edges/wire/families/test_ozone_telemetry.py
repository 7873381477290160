"""Telemetry records of treatment machines: what the old server stored with each message, read from history."""

from typing import Any

import httpx
import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled
from tests.edges.wire.families.test_ozone import MAC
from tests.edges.wire.families.test_ozone_people import got, machine_of, person, sent, treated_three
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock
from verger.domain.tenancy.model import Role

__all__ = ["person", "treated_three"]
FIELDS = ["temperature_c", "humidity_percent", "pressure_hpa", "voltage_v", "rssi_dbm"]


@pytest.mark.usefixtures("treated_three")
async def test_each_message_of_a_machine_is_a_record(person: httpx.AsyncClient) -> None:
    records = await got(person, "/api/telemetry/")
    assert list(records[0]) == ["id", "device_id", *FIELDS, "payload", "created_at"]
    first, *rest = [each["payload"]["count1"] for each in records]
    assert (first, set(rest)) == (18, {15})
    assert records[0]["payload"] == {"mode": "status", "count1": 18, "count2": 8, "count3": 4}
    assert records[0]["created_at"].endswith("+00:00")
    assert await got(person, f"/api/telemetry/{records[1]['id']}/") == records[1]
    assert await got(person, "/api/telemetry/latest/") == records[0]
    assert await got(person, f"/api/telemetry/latest/?device_id={MAC.lower()}") == records[0]
    summary = await got(person, f"/api/telemetry/summary/?device_id={MAC}")
    assert summary["counts"] == {"basic": 18, "standard": 8, "premium": 4}
    assert (summary["device_id"], summary["mode"], summary["created_at"]) == (MAC, "status", records[0]["created_at"])
    assert await got(person, "/api/telemetry/latest/?device_id=nobody") == {}
    assert await got(person, "/api/telemetry/summary/?device_id=nobody") == {"device_id": "nobody", "latest": None}
    for wrong in ("nothing", "7-7", records[0]["id"] + "0"):
        assert await got(person, f"/api/telemetry/{wrong}/", 404) == {"detail": "Not found."}


async def test_a_record_is_told_in_a_devices_stead_and_is_its_history(
    product: Product, person: httpx.AsyncClient, clock: HeldClock
) -> None:
    await machine_of(product, person)
    clock.at += MINUTE
    said: dict[str, Any] = {
        "device_id": MAC,
        "temperature_c": 31.5,
        "voltage_v": "229.8",
        "payload": {"count1": 16, "note": "x"},
    }
    made = await sent(person, "/api/telemetry/", **said)
    assert (made["temperature_c"], made["voltage_v"], made["humidity_percent"]) == (31.5, 229.8, None)
    await product.house.oversight.followers.caught_up()
    kept = await got(person, f"/api/telemetry/{made['id']}/")
    assert (kept["temperature_c"], kept["voltage_v"]) == (31.5, 229.8)
    assert kept["payload"] == {"mode": "status", "count1": 16}
    (device,) = (await product.get("/devices?q=Machine"))["items"]
    latest = await product.get(f"/devices/{device['id']}/latest")
    assert (latest["temperature"]["value"], latest["count_basic"]["value"]) == (31.5, 16)
    none = await sent(person, "/api/telemetry/", 400, temperature_c=1)
    assert none == {"detail": "device_id required"}
    assert (await sent(person, "/api/telemetry/", 400, device_id=MAC, rssi_dbm="loud"))["detail"].startswith("rssi_dbm")
    assert (await sent(person, "/api/telemetry/", 400, device_id=MAC))["detail"].startswith("Send at least one of")
    assert (await sent(person, "/api/telemetry/", 404, device_id="AA:BB", rssi_dbm=-60))["detail"].startswith("Device")


async def test_a_device_tells_a_record_within_its_enrolment(product: Product, person: httpx.AsyncClient) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with client(product) as device:
        told = {"device_id": MAC, "rssi_dbm": -61}
        assert (await device.post("/compat/ozone/api/telemetry/", json=told)).status_code == 401
        made = await device.post(f"/t/{key}/api/telemetry/", json=told)
        assert (made.status_code, made.json()["rssi_dbm"]) == (201, -61)
    (pending,) = (await product.get("/pending-devices"))["items"]
    assert (pending["address"], pending["sample"]) == (MAC, {"rssi": -61})
    assert await got(person, "/api/telemetry/") == []


@pytest.mark.usefixtures("treated_three")
async def test_records_are_for_those_who_may_and_their_own_organisation(
    product: Product, person: httpx.AsyncClient
) -> None:
    (newest, *_) = await got(person, "/api/telemetry/")
    tenancy = product.house.stores.tenancy
    far = await tenancy.users.add_tenant("Far", "UTC")
    other = await tenancy.users.add(far.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
    viewer = await tenancy.users.add(await tenancy.users.first_tenant() or "", Role.viewer, "V", "v@e.test", PASSWORD)
    async with client(product) as someone:
        someone.base_url = person.base_url
        assert (await someone.get("/api/telemetry/")).status_code == 401
        someone.headers["Authorization"] = f"Bearer {await tenancy.sessions.open(other.id)}"
        assert await got(someone, "/api/telemetry/") == []
        assert (await someone.get(f"/api/telemetry/{newest['id']}/")).status_code == 404
        assert (await someone.post("/api/telemetry/", json={"device_id": MAC, "rssi_dbm": 1})).status_code == 404
        someone.headers["Authorization"] = f"Bearer {await tenancy.sessions.open(viewer.id)}"
        assert (await got(someone, "/api/telemetry/"))[0] == newest
        assert (await someone.post("/api/telemetry/", json={"device_id": MAC, "rssi_dbm": 1})).status_code == 403

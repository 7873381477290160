"""The people's side of treatment machines: bare arrays over Verger's own sessions, tenant by tenant."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, stranger
from tests.edges.wire.families.test_ozone import MAC, boot, pressed, say, shaken, status, treated
from tests.people import PASSWORD
from verger.base.clock import HOUR, MINUTE, HeldClock
from verger.domain.tenancy.model import Role

STATUS_KEYS = [
    *("device_id", "last_seen", "wifi_connected", "rtc_available", "sd_card_available", "current_count_basic"),
    *("current_count_standard", "current_count_premium", "uptime_seconds", "device_timestamp"),
]


@pytest_asyncio.fixture
async def person(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    """Return the owner, who speaks the old server's words."""
    async with visitor(product.app, base=f"{HERE}/compat/ozone") as someone:
        someone.headers["Authorization"] = product.owner.headers["Authorization"]
        yield someone


async def got(person: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await person.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def sent(person: httpx.AsyncClient, path: str, status: int = 201, **body: Any) -> Any:
    answer = await person.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def machine_of(product: Product, person: httpx.AsyncClient) -> tuple[Any, Any, str]:
    """Let a machine knock, and make it one of an outlet; return both, and the key of its enrolment."""
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key) as line:
        await boot(line)
        await say(line, f"telemetry/status/{MAC}", status(15))
    outlet = await sent(person, "/api/outlets/", name="Cheras", location="Kuala Lumpur", contact_phone="")
    made = await sent(person, "/api/machines/register/", device_id=MAC, outlet_id=outlet["id"])
    return outlet, made, key


async def test_outlets_are_kept_changed_and_taken_away_as_their_pages_do(person: httpx.AsyncClient) -> None:
    made = await sent(
        person, "/api/outlets/", name="Cheras", address="Jalan 1", contact_person="Aina", contact_phone=""
    )
    assert (made["name"], made["contact_phone"], made["is_active"], made["machine_count"]) == ("Cheras", None, True, 0)
    assert isinstance(made["id"], int)
    assert made["created_at"].endswith("+00:00")
    twice = await sent(person, "/api/outlets/", 400, name="Cheras")
    assert twice == {"detail": "name: outlet with this name already exists."}
    changed = await person.patch(f"/api/outlets/{made['id']}/", json={"is_active": False, "location": "KL"})
    assert (changed.json()["is_active"], changed.json()["location"], changed.json()["address"]) == (
        False,
        "KL",
        "Jalan 1",
    )
    assert await got(person, "/api/outlets/?is_active=true") == []
    assert [each["id"] for each in await got(person, "/api/outlets/?is_active=false")] == [made["id"]]
    assert (await got(person, f"/api/outlets/{made['id']}/"))["name"] == "Cheras"
    await sent(person, "/api/machines/", outlet=made["id"], name="M", installed_date="", last_maintenance="2026-09-10")
    assert (await person.delete(f"/api/outlets/{made['id']}/")).status_code == 409
    (machine,) = await got(person, f"/api/machines/?outlet_id={made['id']}")
    assert (machine["installed_date"], machine["last_maintenance"]) == (None, "2026-09-10")
    assert (await person.delete(f"/api/machines/{machine['id']}/")).status_code == 204
    assert (await person.delete(f"/api/outlets/{made['id']}/")).status_code == 204
    assert (await got(person, f"/api/outlets/{made['id']}/", 404)) == {"detail": "Not found."}


async def test_a_device_that_waits_becomes_a_machine_of_an_outlet(product: Product, person: httpx.AsyncClient) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key) as line:
        await boot(line)
        await say(line, f"telemetry/status/{MAC}", status(15))
        (waits,) = await got(person, "/api/machines/unregistered/")
        assert list(waits) == STATUS_KEYS
        assert (waits["device_id"], waits["current_count_basic"]) == (MAC, 15)
        wrong = await sent(person, "/api/machines/register/", 400, device_id=MAC)
        assert wrong == {"detail": "device_id and outlet_id required"}
        assert (await sent(person, "/api/machines/register/", 404, device_id=MAC, outlet_id=7))[
            "detail"
        ] == "Outlet not found"
        outlet = await sent(person, "/api/outlets/", name="Cheras", location="KL")
        made = await sent(person, "/api/machines/register/", device_id=MAC, outlet_id=outlet["id"])
        assert (made["name"], made["outlet"], made["outlet_name"], made["outlet_location"]) == (
            *("Machine :3E:C4", outlet["id"], "Cheras"),
            "KL",
        )
        assert (made["current_device_id"], made["machine_type"]) == (MAC, "Ozone Generator")
        assert list(made["device_status"]) == STATUS_KEYS
        assert [each["is_active"] for each in made["devices"]] == [True]
        again = await sent(person, "/api/machines/register/", 400, device_id="3c8a1fa43ec4", outlet_id=outlet["id"])
        assert again == {"detail": "Device already registered"}
    assert await got(person, "/api/machines/unregistered/") == []


async def test_a_machine_is_found_by_its_device_and_changed_and_its_device_outlives_it(
    product: Product, person: httpx.AsyncClient
) -> None:
    outlet, made, _ = await machine_of(product, person)
    assert [each["id"] for each in await got(person, "/api/machines/?device_id=3c8a1fa43ec4")] == [made["id"]]
    changed = await person.put(f"/api/machines/{made['id']}/", json={"name": "Booth", "notes": "Left"})
    assert (changed.json()["name"], changed.json()["notes"], changed.json()["outlet"]) == (
        "Booth",
        "Left",
        outlet["id"],
    )
    assert (await person.delete(f"/api/machines/{made['id']}/")).status_code == 204
    assert [each["device_id"] for each in await got(person, "/api/devices/all/")] == [MAC]


@pytest_asyncio.fixture
async def treated_three(product: Product, person: httpx.AsyncClient, clock: HeldClock) -> None:
    """Let a machine of ours tell of one treatment, and of two more by its counter alone; and of a dearer one."""
    _, _, key = await machine_of(product, person)
    async with stranger(product, key) as line:
        await boot(line)
        await say(line, f"telemetry/status/{MAC}", status(15))
        clock.at += MINUTE
        await say(line, f"telemetry/events/{MAC}", pressed("BASIC", "2027-01-15 08:00:30"))
        await say(line, f"telemetry/events/{MAC}", pressed("PREMIUM", "2027-01-15 08:00:40"))
        await say(line, f"telemetry/status/{MAC}", status(18, premium=4, at="2027-01-15 08:01:00"))
    await product.house.oversight.followers.caught_up()


@pytest.mark.usefixtures("treated_three")
async def test_what_machines_did_is_told_by_day_with_what_their_counters_know(person: httpx.AsyncClient) -> None:
    told = await got(person, f"/api/events/analytics/?device_id={MAC}&days=2")
    assert told["totals"] == {"total": 4, "basic": 3, "standard": 0, "premium": 1}
    assert told["period"] == {"start_date": "2027-01-14", "end_date": "2027-01-15", "days": 2}
    before, today = told["daily_stats"]
    assert (before["total_events"], before["first_event"]) == (0, None)
    assert (today["basic_count"], today["premium_count"], today["total_events"]) == (3, 1, 4)
    assert (today["first_event"], today["last_event"]) == ("2027-01-15T08:00:30+00:00", "2027-01-15T08:00:40+00:00")
    assert [each["event_type"] for each in told["recent_events"]] == ["PREMIUM", "BASIC"]
    one = told["recent_events"][1]
    assert (one["count_basic"], one["count_standard"], one["device_timestamp"]) == (1, None, "2027-01-15 08:00:30")
    assert await got(person, f"/api/events/{one['id']}/") == one
    assert await got(person, "/api/events/?days=1&exclude_status=1&limit=50") == told["recent_events"]
    assert await got(person, "/api/events/recent/?limit=1") == told["recent_events"][:1]
    assert (await got(person, "/api/events/analytics/", 400)) == {"detail": "device_id required"}


@pytest.mark.usefixtures("treated_three")
async def test_devices_are_told_as_they_stand_and_what_they_did_as_a_table(
    person: httpx.AsyncClient, clock: HeldClock
) -> None:
    (device,) = await got(person, "/api/devices/")
    assert (device["current_count_basic"], device["current_count_premium"]) == (3, 1)
    assert (device["wifi_connected"], device["rtc_available"], device["sd_card_available"]) == (True, True, False)
    assert await got(person, "/api/devices/3c8a1fa43ec4/") == device
    table = await person.get(f"/api/export/?device_id={MAC}")
    assert table.headers["content-disposition"].startswith(
        'attachment; filename="telemetry_3C_8A_1F_A4_3E_C4_2026-12-17'
    )
    lines = table.text.splitlines()
    assert lines[0] == "Timestamp,Device Timestamp,Event Type,Basic Count,Standard Count,Premium Count,WiFi Status"
    assert lines[2] == "2027-01-15T08:00:30+00:00,2027-01-15 08:00:30,BASIC,1,,,"
    assert len(await got(person, "/api/devices/online/")) == 1
    clock.at += HOUR
    assert await got(person, "/api/devices/online/") == []
    for word in ("start", "stop"):
        assert (await sent(person, f"/api/mqtt/{word}/", 200))["status"] == "running"


async def test_days_are_those_of_the_place_where_the_device_was_at_the_time(
    product: Product, person: httpx.AsyncClient, clock: HeldClock
) -> None:
    places = [
        (await product.owner.post("/places", json={"name": zone, "kind": "branch", "timezone": zone})).json()
        for zone in ("Asia/Kuala_Lumpur", "America/Lima")
    ]
    key = (await enrolled(product, "ozone"))["key"]
    east = await sent(person, "/api/machines/register/", device_id=MAC, outlet_id=places[0]["id"], name="East")
    clock.at += 10 * HOUR  # 18:00 in UTC, the next day in the east
    async with stranger(product, key) as line:
        await boot(line)
        await say(line, f"telemetry/events/{MAC}", pressed("BASIC", "RTC_UNAVAILABLE"))
        clock.at += MINUTE
        west = await sent(person, "/api/machines/", outlet=places[1]["id"], name="West")
        await sent(person, "/api/bind/", 200, device_id=MAC, machine_id=west["id"])
        clock.at += MINUTE
        await say(line, f"telemetry/events/{MAC}", pressed("STANDARD", "RTC_UNAVAILABLE"))
    await product.house.oversight.followers.caught_up()
    tenant = (await product.get("/me"))["tenant"]["id"]
    told = await product.house.grounds.counting.days(tenant, date(2027, 1, 14), date(2027, 1, 17))
    assert [(str(each.day), each.kind, each.count) for each in told] == [
        ("2027-01-15", "standard", 1),
        ("2027-01-16", "basic", 1),
    ]
    shown = {each["name"]: each for each in await got(person, "/api/machines/")}
    assert [each["is_active"] for each in shown["East"]["devices"]] == [False]
    assert shown["West"]["current_device_id"] == MAC
    assert east["id"] != west["id"]


async def registered(product: Product, person: httpx.AsyncClient, machine: httpx.AsyncClient, *macs: str) -> str:
    """Let machines of the successor knock and be registered; return the address of their enrolment."""
    at: str = (await enrolled(product, "ozone"))["url"]
    outlet = await sent(person, "/api/outlets/", name="Cheras")
    for mac in macs:
        await shaken(machine, at, mac)
        await machine.post(f"{at}/api/events/", json=treated("BASIC", 1, device_id=mac))
        await sent(person, "/api/machines/register/", device_id=mac, outlet_id=outlet["id"])
    return at


async def test_machines_of_the_successor_are_asked_one_by_one_and_together(
    product: Product, person: httpx.AsyncClient
) -> None:
    macs = [MAC, "11:22:33:44:55:66"]
    async with client(product) as machine:
        at = await registered(product, person, machine, *reversed(macs))  # it has the token of the last
        await sent(person, "/api/device/nobody/commands/create/", 404, command_type="SYNC_TIME")
        await sent(person, f"/api/device/{MAC}/commands/create/", 400, command_type="EXPLODE")
        low = await sent(person, f"/api/device/{MAC}/commands/create/", command_type="SYNC_TIME", priority="low")
        assert (low["status"], low["priority"], low["payload"]) == ("pending", "low", {})
        many: dict[str, Any] = {
            "command_type": "UPDATE_SETTINGS",
            "priority": "critical",
            "payload": {"a": 1},
            "description": "Tune",
        }
        made = await sent(person, "/api/commands/bulk/", device_ids=macs, expires_in_hours=1, **many)
        assert made["created"] == 2
        job = await product.get(f"/jobs/{made['job']}")
        assert job["kind"] == "commands"
        while (await got(person, f"/api/device/{MAC}/commands/status/"))["count"] < 2:
            """Let the job ask."""
        polled = (await machine.get(f"{at}/api/device/{MAC}/commands/")).json()["commands"]
        assert [each["command_type"] for each in polled] == ["UPDATE_SETTINGS", "SYNC_TIME"]
        assert (polled[0]["payload"], polled[0]["description"]) == ({"a": 1}, "Tune")
        failed = {"success": False, "message": "no network", "timestamp": 1}
        await machine.post(f"{at}/api/device/{MAC}/commands/{polled[1]['command_id']}/", json=failed)
        await product.house.oversight.followers.caught_up()
        shown = (await got(person, f"/api/device/{MAC}/commands/status/"))["commands"]
        assert {each["command_type"]: each["status"] for each in shown} == {
            "UPDATE_SETTINGS": "sent",
            "SYNC_TIME": "failed",
        }
        again = await sent(person, f"/api/commands/{low['id']}/retry/")
        assert (again["command_type"], again["priority"], again["status"]) == ("SYNC_TIME", "low", "pending")
        await sent(person, f"/api/commands/{again['id']}/retry/", 409)


async def test_nobody_reads_or_changes_without_a_right_or_in_another_organisation(
    product: Product, person: httpx.AsyncClient
) -> None:
    outlet, made, _ = await machine_of(product, person)
    tenancy = product.house.stores.tenancy
    far = await tenancy.users.add_tenant("Far", "UTC")
    eero = await tenancy.users.add(far.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
    tenant = (await product.get("/me"))["tenant"]["id"]
    viewer = await tenancy.users.add(tenant, Role.viewer, "Vera", "vera@example.test", PASSWORD)
    async with visitor(product.app, base=f"{HERE}/compat/ozone") as someone:
        assert (await got(someone, "/api/devices/", 401))["detail"].startswith("Authentication credentials")
        someone.headers["Authorization"] = f"Bearer {await tenancy.sessions.open(eero.id, far.id)}"
        for path in (
            "devices",
            "devices/all",
            "devices/online",
            "outlets",
            "machines",
            "machines/unregistered",
            "events",
        ):
            assert await got(someone, f"/api/{path}/") == []
        for path in (
            f"outlets/{outlet['id']}",
            f"machines/{made['id']}",
            f"devices/{MAC}",
            f"device/{MAC}/commands/status",
        ):
            await got(someone, f"/api/{path}/", 404)
        for path in ("events/analytics", "export"):
            await got(someone, f"/api/{path}/?device_id={MAC}", 404)
        assert (await someone.delete(f"/api/machines/{made['id']}/")).status_code == 404
        await sent(someone, "/api/commands/bulk/", 404, device_ids=[MAC], command_type="SYNC_TIME")
        someone.headers["Authorization"] = f"Token {await tenancy.sessions.open(viewer.id, tenant)}"
        assert len(await got(someone, "/api/devices/")) == 1
        await sent(someone, "/api/outlets/", 403, name="New")
        await sent(someone, "/api/machines/register/", 403, device_id="M9", outlet_id=outlet["id"])
        await sent(someone, f"/api/device/{MAC}/commands/create/", 403, command_type="SYNC_TIME")

"""People of mushroom farms: what their pages and scripts ask and read, over Verger's own sessions."""

import json
from typing import Any

import httpx

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, stranger, waiting
from tests.edges.wire.families.test_farm import TOPIC, devices, said
from tests.people import PASSWORD
from verger.base.clock import HOUR, MINUTE, HeldClock, moment
from verger.domain.tenancy.model import Role

AT = "/compat/farm"


async def made(pages: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """Post something as a script does, and see it made."""
    answer = await pages.post(path, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "success"
    return answer.json()


async def got(pages: httpx.AsyncClient, path: str) -> Any:
    answer = await pages.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def farm_of(pages: httpx.AsyncClient) -> tuple[str, str]:
    """Make a farm with one room, as the registration script does: by the ids at the top of the answers."""
    farm = await made(pages, "/farms", name="North", location="Dalat")
    room = await made(pages, f"/farms/{farm['farm_id']}/rooms", name="Room 1", mushroom_type="Oyster")
    assert (farm["farm"]["farm_id"], room["room"]["room_id"]) == (farm["farm_id"], room["room_id"])
    return farm["farm_id"], room["room_id"]


async def device_of(pages: httpx.AsyncClient, room: str, **more: Any) -> str:
    about = {"room_id": room, "name": "Climate", "category": "environmental", "firmware_version": "v1.2.3"}
    topic = f"farm/sim-farm/room/{room}/device/d-1/telemetry"
    told = await made(pages, "/devices", **about | {"mqtt_topic": topic} | more)
    return str(told["device"]["device_id"])


async def test_a_script_registers_a_farm_and_pages_list_it(
    product: Product, clock: HeldClock, pages: httpx.AsyncClient
) -> None:
    farm, room = await farm_of(pages)
    device = await device_of(pages, room)
    (listed,) = (await got(pages, "/farms"))["farms"]
    assert listed.items() >= {"farm_id": farm, "name": "North", "location": "Dalat", "rooms_count": 1}.items()
    (shown,) = (await got(pages, f"/farms/{farm}/rooms"))["rooms"]
    assert shown.items() >= {"room_id": room, "farm_id": farm, "stage": "incubation", "devices_count": 1}.items()
    assert (await got(pages, "/farms/undefined/rooms"))["rooms"] == [shown]
    (about,) = (await got(pages, f"/rooms/{room}/devices"))["devices"]
    assert about == (await got(pages, f"/devices/{device}"))["device"]
    topic = f"farm/sim-farm/room/{room}/device/d-1/telemetry"
    wanted = {"category": "environmental", "device_type": "sensor", "mqtt_topic": topic, "status": "offline"}
    assert about.items() >= wanted.items()
    assert list(await devices(product)) == ["sim-farm/d-1"]
    changed = await pages.put(f"/rooms/{room}", json={"stage": "fruiting", "name": "Room One"})
    assert (changed.json()["room"]["stage"], changed.json()["room"]["mushroom_type"]) == ("fruiting", "Oyster")
    renamed = await pages.put(f"/devices/{device}", json={"name": "Air", "status": "maintenance"})
    assert (renamed.json()["device"]["name"], renamed.json()["device"]["status"]) == ("Air", "maintenance")
    assert (await got(pages, f"/devices/{device}"))["device"]["status"] == "maintenance"
    clock.at += MINUTE
    back = await pages.put(f"/devices/{device}", json={"status": "online", "firmware_version": "v2"})
    assert (back.json()["device"]["status"], back.json()["device"]["firmware_version"]) == ("offline", "v2")
    assert (await pages.put(f"/devices/{device}", json={"name": "Wind", "status": "x" * 500})).status_code == 400
    assert (await got(pages, f"/devices/{device}"))["device"]["name"] == "Air"
    assert (await pages.put(f"/farms/{farm}", json={"name": "Far north"})).json()["farm"]["location"] == "Dalat"
    full = await pages.delete(f"/farms/{farm}")
    assert (full.status_code, "contents=delete" in full.json()["error"]) == (409, True)
    assert (await pages.delete(f"/devices/{device}")).status_code == 200
    assert (await pages.delete(f"/rooms/{room}")).status_code == 200
    assert (await pages.delete(f"/farms/{farm}")).status_code == 200
    assert (await got(pages, "/farms"))["farms"] == []


async def test_what_was_said_before_is_read_by_the_minute_the_hour_and_one_by_one(
    product: Product, clock: HeldClock, pages: httpx.AsyncClient
) -> None:
    key = (await enrolled(product, "farm"))["key"]
    _, room = await farm_of(pages)
    clock.at -= clock.at % HOUR
    async with stranger(product, key) as line:
        await line.begin()
        for number in range(4):
            at = moment(clock.at - number * MINUTE // 2).isoformat()
            told = {"timestamp": at, "temperature_c": 20 + number, "humidity_pct": 85}
            assert await said(line, TOPIC.format("sim-farm", room, "d-1"), told, number + 1) == 0
    device = await device_of(pages, room)
    await product.house.oversight.followers.caught_up()
    assert await waiting(product) == []
    last = (await got(pages, f"/devices/{device}/latest"))["latest_reading"]
    assert (last["temperature_c"], last["co2_ppm"], last["recorded_at"]) == (20, None, "2027-01-15T08:00:00")
    told = await got(pages, f"/rooms/{room}/telemetry?agg=raw")
    assert [each["temperature_c"] for each in told["data"]] == [20, 21, 22, 23]
    assert (told["count"], told["aggregation"], told["data"][0]["room_id"]) == (4, "raw", room)
    by_minute = (await got(pages, f"/rooms/{room}/telemetry"))["data"]
    assert [(each["temperature_c"], each["sample_count"]) for each in by_minute] == [(20, 1), (21.5, 2), (23, 1)]
    assert by_minute[0]["timestamp"] == by_minute[0]["recorded_at"] == "2027-01-15T08:00:00"
    by_hour = (await got(pages, f"/rooms/{room}/telemetry?agg=hour&limit=1"))["data"]
    assert [each["timestamp"] for each in by_hour] == ["2027-01-15T08:00:00"]
    none = await got(pages, f"/rooms/{room}/telemetry?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z")
    assert none["data"] == []
    history = await got(pages, "/sensor-history?limit=2")
    assert (history["success"], history["count"]) == (True, 2)
    assert history["data"][0] == {
        "timestamp": "2027-01-15T08:00:00",
        "temperature": 20,
        "humidity": 85,
        "light": None,
        "co2": None,
        "device_id": device,
        "room_id": room,
    }


async def test_commands_and_rules_in_the_old_words(product: Product, pages: httpx.AsyncClient) -> None:
    _, room = await farm_of(pages)
    device = await device_of(pages, room)
    sent = await pages.post(f"/devices/{device}/commands", json={"command": "toggle", "params": {}})
    assert (sent.status_code, sent.json()["message"]) == (200, "Command sent successfully")
    other = {"device_id": device, "action": "set_humidity", "value": 90}
    assert (await pages.post(f"/rooms/{room}/commands", json=other)).status_code == 200
    second, first = (await got(pages, f"/rooms/{room}/commands"))["commands"]
    assert (first["command"], first["params"], first["status"]) == ("toggle", {}, "pending")
    assert (second["command"], second["params"], second["command_id"]) == (
        "set_humidity",
        {"value": 90},
        second["command_id"],
    )
    empty = await pages.post(f"/devices/{device}/commands", json={})
    assert (empty.status_code, empty.json()) == (400, {"error": "Command is required"})
    wish: dict[str, Any] = {"name": "Cool", "parameter": "temperature", "comparator": "<", "threshold": 26}
    wish |= {"action_device": device, "action_command": json.dumps({"cmd": "turn_on", "params": {}})}
    for comparator in ("<", ">", "<=", ">=", "=="):
        rule = (await made(pages, f"/rooms/{room}/rules", **wish | {"comparator": comparator}))["rule"]
        assert (rule["comparator"], rule["threshold"], rule["room_id"]) == (comparator, 26, room)
        assert json.loads(rule["action_command"]) == {"command": "turn_on", "params": {}}
    listed = (await got(pages, f"/rooms/{room}/automation"))["rules"]
    assert len(listed) == 5
    path = f"/automation/rules/{listed[0]['rule_id']}"
    changed = (await pages.put(path, json={"threshold": 27, "enabled": False})).json()["rule"]
    assert (changed["threshold"], changed["enabled"], changed["name"]) == (27, False, "Cool")
    assert (await product.get(f"/rules/{listed[0]['rule_id']}"))["enabled"] is False
    assert (await pages.delete(path)).status_code == 200
    for wrong, why in (
        ({"comparator": "!"}, "Invalid comparator"),
        ({"parameter": "noise"}, "Invalid parameter"),
        ({"action_command": "{"}, "Invalid action_command JSON"),
        ({"name": ""}, "Missing required fields"),
    ):
        refused = await pages.post(f"/rooms/{room}/rules", json=wish | wrong)
        assert (refused.status_code, refused.json()) == (400, {"error": why})


async def test_a_rule_of_the_old_pages_fires_and_is_a_notification(
    product: Product, clock: HeldClock, pages: httpx.AsyncClient
) -> None:
    key = (await enrolled(product, "farm"))["key"]
    farm, room = await farm_of(pages)
    device = await device_of(pages, room)
    wish = {"name": "Cool", "parameter": "temperature", "comparator": ">=", "threshold": 26}
    wish |= {"action_device": device, "action_command": '{"command":"turn_on"}'}
    await made(pages, f"/rooms/{room}/rules", **wish)
    async with stranger(product, key) as line:
        await line.begin()
        for number, value in enumerate((24, 26), 1):
            clock.at += MINUTE
            told = {"timestamp": moment(clock.at).isoformat(), "temperature_c": value}
            assert await said(line, TOPIC.format("sim-farm", room, "d-1"), told, number) == 0
            await product.house.oversight.followers.caught_up()
    (command,) = (await got(pages, f"/rooms/{room}/commands"))["commands"]
    assert (command["command"], command["issued_by"]) == ("turn_on", None)
    (note,) = (await got(pages, "/notifications?level=info"))["notifications"]
    assert note["message"] == "Automation rule 'Cool' triggered: temperature >= 26"
    assert (note["farm_id"], note["room_id"], note["device_id"], note["level"]) == (farm, room, device, "info")
    acked = await pages.post(f"/notifications/{note['notification_id']}/ack")
    assert acked.json()["message"] == "Notification acknowledged"
    assert (await got(pages, "/notifications"))["notifications"][0]["acknowledged_by"]
    advice = (await got(pages, f"/rooms/{room}/recommendations"))["recommendations"][0]
    assert (advice["payload"]["stage"], advice["payload"]["issues"]) == ("incubation", [])
    await pages.put(f"/rooms/{room}", json={"stage": "fruiting"})
    advice = (await got(pages, f"/rooms/{room}/recommendations"))["recommendations"][0]
    assert advice["payload"]["issues"][0]["parameter"] == "temperature"
    overview = (await got(pages, f"/farms/{farm}/analytics"))["data"]["overview"]
    assert (overview["totalDevices"], overview["avgTemperature"], overview["alerts"]) == (1, 25, 1)


async def test_nobody_sees_or_does_what_their_role_or_organisation_does_not_allow(
    product: Product, pages: httpx.AsyncClient
) -> None:
    farm, room = await farm_of(pages)
    device = await device_of(pages, room)
    tenancy = product.house.stores.tenancy
    mine = str(await tenancy.users.first_tenant())
    viewer = await tenancy.users.add(mine, Role.viewer, "Vera", "vera@example.test", PASSWORD)
    other = await tenancy.users.add_tenant("Elsewhere", "UTC")
    foreign = await tenancy.users.add(other.id, Role.owner, "Bea", "bea@example.test", PASSWORD)
    async with client(product) as plain:
        plain.base_url = pages.base_url
        none = await plain.get("/farms")
        assert (none.status_code, none.json()) == (401, {"error": "Missing or invalid authorization header"})
        bad = await plain.get("/farms", headers={"Authorization": "Bearer vs_wrong"})
        assert (bad.status_code, bad.json()) == (401, {"error": "Invalid or expired token"})
        # by the cookie of the pages too, but only from our own
        cookie = {"Cookie": f"verger_session={await tenancy.sessions.open(viewer.id, mine)}"}
        assert (await plain.get("/farms", headers=cookie)).json()["farms"]
        assert (await plain.get("/farms", headers=cookie | {"Origin": "http://evil.test"})).status_code == 401
        assert (await plain.post("/farms", json={"name": "x"}, headers=cookie)).status_code == 401
        seen = {"Authorization": f"Bearer {await tenancy.sessions.open(viewer.id, mine)}"}
        assert (await plain.get(f"/rooms/{room}", headers=seen)).status_code == 200
        for method, path, body in (
            ("POST", "/farms", {"name": "x"}),
            ("PUT", f"/rooms/{room}", {"stage": "fruiting"}),
            ("POST", f"/devices/{device}/commands", {"command": "x"}),
            ("DELETE", f"/devices/{device}", None),
            ("POST", f"/rooms/{room}/rules", {}),
        ):
            assert (await plain.request(method, path, json=body, headers=seen)).status_code == 403
        theirs = {"Authorization": f"Bearer {await tenancy.sessions.open(foreign.id, other.id)}"}
        assert (await plain.get("/farms", headers=theirs)).json()["farms"] == []
        assert (await plain.get("/farms/undefined/rooms", headers=theirs)).json()["rooms"] == []
        for path in (f"/farms/{farm}", f"/rooms/{room}", f"/devices/{device}", f"/devices/{device}/latest"):
            assert (await plain.get(path, headers=theirs)).status_code == 404
        command = {"command": "turn_on"}
        assert (await plain.post(f"/devices/{device}/commands", json=command, headers=theirs)).status_code == 404
        assert (await plain.get("/sensor-history", headers=theirs)).json()["data"] == []


async def test_the_stage_of_a_room_is_that_of_its_cycle_and_what_was_harvested_is_the_yield(
    product: Product, pages: httpx.AsyncClient
) -> None:
    farm, room = await farm_of(pages)
    cycle = (await product.owner.post("/cycles", json={"place": room, "crop": "Shiitake"})).json()
    shown = (await got(pages, f"/rooms/{room}"))["room"]
    assert (shown["stage"], shown["mushroom_type"]) == ("inoculation", "Shiitake")
    assert (await pages.put(f"/rooms/{room}", json={"stage": "fruiting"})).status_code == 200
    assert (await product.get(f"/cycles/{cycle['id']}"))["stage"] == "fruiting"
    weight = {"kind": "harvest", "weight_kg": 1.5}
    assert (await product.owner.post(f"/cycles/{cycle['id']}/events", json=weight)).status_code == 201
    assert (await got(pages, f"/farms/{farm}/analytics"))["data"]["overview"]["totalYield"] == 1.5

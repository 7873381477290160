"""Somebody who has one enrolment's key: what they cannot learn, use up, poison, hide or get past."""

import json
import time
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, posted, stranger, waiting
from tests.edges.wire.families.test_cottage import TEMP, reading
from tests.edges.wire.families.test_farm import TOPIC, said
from tests.edges.wire.families.test_ozone import MAC, adopted, shaken, status
from tests.edges.wire.mqtt.device import Device
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock
from verger.domain.tenancy.model import Role
from verger.edges.wire.mqtt.packets import Connect, PubAck, Publish


async def far(product: Product) -> tuple[dict[str, str], str]:
    """Make another organisation; return how its owner asks, and its place."""
    tenancy = product.house.stores.tenancy
    tenant = await tenancy.users.add_tenant("Far", "UTC")
    user = await tenancy.users.add(tenant.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
    headers = {"Authorization": f"Bearer {await tenancy.sessions.open(user.id, tenant.id)}"}
    place = (await product.owner.post("/places", json={"name": "Far"}, headers=headers)).json()["id"]
    return headers, place


# keys, in addresses and as user names


@pytest.mark.parametrize(
    "spelt",
    [
        "{}x",
        "{}%00",
        "{}%20",
        "%20{}",
        "{}%0a",
        "{}%23",
        "{}%e2%80%8b",
        "{}%ff%fe",
        "..%2f{}",
        "ve_%2e%2e",
        "v\u0435_{}",
        "+",
        "%23",
        "%00",
        "",
        "a" * 7_000,
    ],
)
async def test_a_key_is_spelt_in_one_way_alone(product: Product, spelt: str) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    async with client(product) as device:
        answer = await device.post(f"/t/{spelt.format(key)}/compat/cottage/sensors/create_sensor/", content=b"{}")
        assert answer.status_code in {401, 404}, answer.text
        assert key not in answer.text
    assert await waiting(product) == []


@pytest.mark.parametrize("path", ["..%2F..%2Fhealth/", "%2e%2e/cottage/health/", "//health/"])
async def test_a_path_below_a_key_leads_nowhere_else(product: Product, path: str) -> None:
    made = await enrolled(product, "farm")
    async with client(product) as device:
        answer = await device.get(f"/t/{made['key']}/compat/farm/{path}")
    assert answer.status_code == 404


@pytest.mark.parametrize("spelt", ["{}\n", " {}", "{}/", "?{}", "VE_{}", "{}#", "ve_", "vt_{}", "v\u0435_x"])
async def test_a_user_name_is_a_key_to_the_letter(product: Product, spelt: str) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, spelt.format(key)) as line:
        assert (await line.begin()).reason == 5


# ids


LONG = "x" * 65


@pytest.mark.parametrize(
    "name", [" ", " D", "D ", "\u3000D", "D\u200b", "\u202eD", "D\x07", "\ufeffD", LONG, "D\u00a0"]
)
@pytest.mark.parametrize("topic", ["farm/{}/room/R/device/D", "farm/F/room/{}/device/D", "farm/F/room/R/device/{}"])
async def test_ids_that_only_look_like_others_are_none(product: Product, name: str, topic: str) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key, level=5) as line:
        await line.begin()
        assert await said(line, f"{topic.format(name)}/telemetry", {"temperature_c": 20}) == 0x90
    async with client(product) as program:
        names = topic.format(name).split("/")
        told = {"farm_id": names[1], "room_id": names[3], "device_id": names[5], "temperature_c": 20}
        answer = await program.post("/compat/farm/internal/ingest", json=told, headers={"X-Internal-Token": key})
        assert answer.status_code == 400
    assert await waiting(product) == []


@pytest.mark.parametrize("name", ["a/b", " a", "a\u200b", "x" * 65, "North/D1"])
async def test_a_board_whose_client_id_is_no_name_is_nobody(product: Product, name: str) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key, level=5) as line:
        await line.begin(Connect(name, 5, username=key, keep_alive=15))
        assert await said(line, "home/sensors", {"temperature": 20}) == 0x99
    assert await waiting(product) == []


@pytest.mark.parametrize("mac", ["x" * 201, "a\x00b", "\u202ea", "   "])
async def test_a_machine_in_a_form_is_named_readably(product: Product, mac: str) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    async with client(product) as machine:
        told = {"mode": "status", "macaddr": mac, "count1": "1"}
        assert (await machine.post(f"{at}/api/iot/", json=told)).status_code == 400
    assert await waiting(product) == []


# what others have


async def test_a_full_enrolment_takes_no_place_of_another(product: Product) -> None:
    headers, place = await far(product)
    body = {"dialect": "farm", "place": place, "max_devices": 1}
    theirs = (await product.owner.post("/enrolments", json=body, headers=headers)).json()
    full, mine = await enrolled(product, "farm", max_devices=2), await enrolled(product, "farm", max_devices=1)
    async with stranger(product, full["key"], level=5) as line:
        await line.begin()
        for number in range(1, 6):
            reason = await said(line, TOPIC.format("X", "R", f"D{number}"), {"temperature_c": 20}, number)
            assert reason == (0 if number <= 2 else 0x99)
    for each in (mine, theirs):
        async with stranger(product, each["key"], level=5) as line:
            await line.begin()
            assert await said(line, TOPIC.format("Y", "R", each["id"][:8]), {"temperature_c": 20}) == 0
    assert len(await waiting(product)) == 3


async def test_who_asks_for_a_device_of_others_learns_nothing_of_it(product: Product) -> None:
    headers, place = await far(product)
    device = {"name": "Theirs", "place": place, "dialect": "ozone", "address": MAC, "secret": "their-own-secret"}
    assert (await product.owner.post("/devices", json=device, headers=headers)).status_code == 201
    made = await enrolled(product, "ozone")
    answers = set()
    for number, mac in enumerate((MAC, "11:22:33:44:55:66")):
        async with client(product, f"198.51.100.{number}") as machine:
            machine.headers["Authorization"] = "Bearer their-own-secret"
            answer = await machine.get(f"{made['url']}/api/device/{mac}/commands/")
            answers.add((answer.status_code, answer.text))
    assert len(answers) == 1
    assert [each["address"] for each in await waiting(product)] == []


# what is told of adopted devices


async def test_a_flood_of_remarks_hides_none_of_another_kind_and_none_of_others(product: Product) -> None:
    remarks = product.house.stores.kept.remarks
    tenant = str(await product.house.stores.tenancy.users.first_tenant())
    about = {"place": product.place["id"]}
    more = [await posted(product, "/devices", name=f"D{number}", **about) for number in range(22)]
    mine = [product.device["id"], *(each["device"]["id"] for each in more)]
    headers, place = await far(product)
    made = await product.owner.post("/devices", json={"name": "Theirs", "place": place}, headers=headers)
    theirs = made.json()["device"]["id"]
    other = next(each.tenant for each in product.house.stores.kept.registry.everyone() if each.device == theirs)
    remarks.note(tenant, mine[0], "code", "It asks for a new code.")
    for _ in range(3):
        for device in mine:
            for number in range(150):
                remarks.note(tenant, device, "refused", f"{number}: This is not a number.")
        await remarks.write()
    remarks.note(other, theirs, "refused", "Too large.")
    await remarks.write()
    told = (await product.get(f"/devices/{mine[0]}/log"))["items"]
    assert [each["message"] for each in told if each["kind"] == "code"] == ["It asks for a new code."]
    assert len([each for each in told if each["kind"] == "refused"]) == 100
    shown = (await product.owner.get(f"/devices/{theirs}/log", headers=headers)).json()["items"]
    assert [each["message"] for each in shown] == ["Too large."]


async def test_what_is_refused_of_a_stranger_is_on_no_log_page(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key, level=5) as line:
        await line.begin()
        told = {f"m{number}": "x" * 70_00 for number in range(3)} | {"temperature_c": 1e999}
        await line.say(Publish(TOPIC.format("F", "R", "D"), json.dumps(told).encode(), 1, 1))
        assert isinstance(await line.hear(), PubAck)
    await product.house.stores.kept.remarks.write()
    assert (await product.get(f"/devices/{product.device['id']}/log"))["items"] == []


# windows


async def test_a_machine_that_speaks_without_a_token_is_not_shut_out_by_whoever_asks_for_one(product: Product) -> None:
    made = await enrolled(product, "ozone")
    async with stranger(product, made["key"], level=5) as machine:
        await machine.begin()
        topic, told = f"telemetry/status/{MAC}", json.loads(status(1))
        assert await said(machine, topic, told) == 0
        device = await adopted(product)
        assert await said(machine, topic, told) == 0
        await product.house.oversight.followers.caught_up()
        async with client(product) as thief:
            for _ in range(2):
                answer = await thief.post(f"{made['url']}/api/handshake/", json={"mac": MAC})
                assert answer.status_code == 401
        state = await product.get(f"/devices/{device}/code")
        assert (state["proven"], state["asked_at"] is not None) == (False, True)
        assert await said(machine, topic, told) == 0, "it is heard as before"
        # by its window it becomes a machine of the next generation
        await posted(product, f"/devices/{device}/code")
        async with client(product) as successor:
            assert len((await shaken(successor, made["url"]))["token"]) == 32
            assert (await successor.get(f"{made['url']}/api/device/{MAC}/commands/")).status_code == 200
        assert await said(machine, topic, told) == 0x99


async def test_a_sensor_is_new_once_over_http(product: Product) -> None:
    at = (await enrolled(product, "cottage"))["url"]
    async with client(product) as device:

        async def asked(name: str) -> tuple[int, Any]:
            answer = await device.post(f"{at}/sensors/create_sensor/", json={"sensor_id": name})
            return answer.status_code, answer.json()["code"]

        first, code = await asked("A1_Temp")
        assert first == 201
        assert await asked("A1_Temp") == (200, code)
        assert await asked("A1_Hum") == (201, code), "its second sensor is new"
        assert await asked("A1_Hum") == (200, code)
        (pending,) = await waiting(product)
        await posted(product, f"/pending-devices/{pending['id']}/adopt")
        assert await asked("A1_Temp") == (200, code)
        value = {"sensor_id": "A1_Temp", "code": code, "value": 4.5}
        assert (await device.post(f"{at}/sensors/x/add_data/", json=value)).status_code == 201
        refused = await device.post(f"{at}/sensors/create_sensor/", json={"sensor_id": "A1_Temp"})
        assert refused.status_code == 401, "nobody is told a code that was proven"


async def test_who_guesses_codes_over_mqtt_is_answered_ever_more_slowly_and_nobody_else(
    product: Product, clock: HeldClock
) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    async with stranger(product, key, level=5) as sensor, stranger(product, key, level=5) as thief:
        await sensor.begin()
        await thief.begin()

        async def told(line: Device, value: float, code: str) -> int:
            answer = await line.ask(Publish("sensors/data", reading(TEMP, value, code), 1, 1))
            assert isinstance(answer, PubAck)
            return int(answer.reason)

        assert await told(sensor, 1, "0badcafe") == 0
        (pending,) = await waiting(product)
        device = (await posted(product, f"/pending-devices/{pending['id']}/adopt"))["device"]["id"]
        began = time.monotonic()
        for number in range(3):
            assert await told(thief, 99, f"{number:08x}") == 0x99
        assert time.monotonic() - began > 1.5
        began, clock.at = time.monotonic(), clock.at + MINUTE
        assert await told(sensor, 2, "0badcafe") == 0
        assert time.monotonic() - began < 1.5
    await product.house.oversight.followers.caught_up()
    latest = await product.get(f"/devices/{device}/latest")
    assert latest["temperature"]["value"] == 2


async def test_what_a_stranger_tells_is_bounded_by_its_size_too(product: Product) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key, level=5) as line:
        await line.begin()
        for number in range(1, 41):
            told = {"note": f"{number} {'x' * 60_000}"}
            assert await said(line, TOPIC.format("F", "R", "D"), told, number) == 0
    kept = product.house.stores.enrolled.strangers
    (pending,) = await waiting(product)
    words = await kept.words(pending["id"], 0)
    assert sum(len(body) for _, body in words) < 1_100_000
    assert kept.dropped > 1_000

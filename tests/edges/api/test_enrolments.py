"""Enrolments and the devices that wait: who is let in, how many, until when, and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.edges.api.product import Product, opened_product
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import HOUR, MINUTE, HeldClock
from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import Event, Readings
from verger.domain.tenancy.model import Role
from verger.edges.wire.dialects.family import Voice
from verger.flows.meeting import Met

FARM = (("farm", "North"), ("room", "Oyster"))


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def enrolled(product: Product, dialect: str = "farm", **more: Any) -> Any:
    answer = await product.owner.post("/enrolments", json={"dialect": dialect, "place": product.place["id"]} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def door(product: Product, enrolment: Any) -> Admitted:
    found = product.house.families.desk.meetings.by_key(enrolment["key"])
    assert found is not None
    return found


async def say(product: Product, enrolment: Any, address: str, value: float = 20, **more: Any) -> Met:
    """Let a device of the farm speak that has no credential."""
    voice = Voice(address, (Readings({"temperature": value}),), **more)
    return await product.house.families.desk.hear(door(product, enrolment), enrolment["dialect"], voice)


async def waiting(product: Product) -> list[Any]:
    items: list[Any] = (await product.get("/pending-devices?sort=address"))["items"]
    return items


async def readings(product: Product, device: str) -> list[float]:
    await product.house.oversight.followers.caught_up()
    page = await product.get(f"/devices/{device}/readings?from=2026-01-01T00:00:00Z&to=2090-01-01T00:00:00Z")
    return sorted(each["value"] for each in page["items"])


async def test_an_enrolment_shows_its_key_once_and_where_it_stands(product: Product) -> None:
    made = await enrolled(product, "cottage")
    assert made["url"] == f"/t/{made['key']}/compat/cottage"
    assert made["mqtt_username"] == made["key"]
    assert made["key"].startswith("ve_")
    assert (made["max_devices"], made["networks"], made["certificates"], made["port"]) == (20, [], [], None)
    assert made["open_until"] == "2027-01-16T08:00:00Z"
    read = await product.get(f"/enrolments/{made['id']}")
    assert "key" not in read
    assert (await product.get("/enrolments"))["items"] == [read]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"dialect": "telex"}, "dialect"),
        ({"place": "nowhere"}, "place"),
        ({"networks": ["8.8.8.0/24"]}, "networks"),
        ({"networks": ["0.0.0.0/0"]}, "networks"),
        ({"networks": ["the garden"]}, "networks"),
        ({"max_devices": 0}, "max_devices"),
        ({"certificates": ["ab"]}, "certificates"),
        ({"port": 70_000}, "port"),
    ],
)
async def test_what_cannot_be_is_told_by_field(product: Product, body: dict[str, Any], field: str) -> None:
    wanted = {"dialect": "farm", "place": product.place["id"]} | body
    answer = await product.owner.post("/enrolments", json=wanted)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_the_answers_are_as_recorded(product: Product, record: Record) -> None:
    made = await enrolled(product, "cottage", networks=["192.168.1.0/24"])
    listed = await product.get("/enrolments")
    await say(product, made, "a1_Temp", 21.5, secret="0badcafe", path=FARM)
    waits = await product.get("/pending-devices")
    adopted = await product.owner.post(f"/pending-devices/{waits['items'][0]['id']}/adopt", json={"name": "Hall"})
    code = await product.owner.post(f"/devices/{adopted.json()['device']['id']}/code")
    shown = {"key": "ve_key", "url": "/t/ve_key/compat/cottage", "mqtt_username": "ve_key"}
    record("enrolments.json", {"made": made | shown, "listed": listed, "waiting": waits, "code": code.json()})


async def test_networks_of_two_organisations_do_not_overlap(product: Product) -> None:
    await enrolled(product, networks=["192.168.0.0/16"])
    await enrolled(product, "cottage", networks=["192.168.7.0/24"])
    tenancy = product.house.stores.tenancy
    tenant = await tenancy.users.add_tenant("Far", "UTC")
    user = await tenancy.users.add(tenant.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
    there = {"Authorization": f"Bearer {await tenancy.sessions.open(user.id, tenant.id)}"}
    place = (await product.owner.post("/places", json={"name": "Far"}, headers=there)).json()["id"]
    body = {"dialect": "farm", "place": place}
    taken = await product.owner.post("/enrolments", json=body | {"networks": ["192.168.7.9/32"]}, headers=there)
    assert taken.status_code == 409
    free = await product.owner.post("/enrolments", json=body | {"networks": ["192.169.0.0/32"]}, headers=there)
    assert free.status_code == 422
    apart = await product.owner.post("/enrolments", json=body | {"networks": ["10.0.0.0/8"]}, headers=there)
    assert apart.status_code == 201


async def test_new_devices_are_bounded_by_number_and_time_and_known_ones_are_heard(
    product: Product, clock: HeldClock
) -> None:
    made = await enrolled(product, max_devices=2)
    assert (await say(product, made, "a")).answer.kept
    assert (await say(product, made, "b")).answer.kept
    third = await say(product, made, "c")
    assert third.barred
    clock.at += 25 * HOUR
    assert (await say(product, made, "a", 21)).answer.kept
    first, second = await waiting(product)
    adopted = await product.owner.post(f"/pending-devices/{first['id']}/adopt", json={"name": "A"})
    assert adopted.status_code == 201, adopted.text
    assert (await say(product, made, "a", 22)).known
    assert (await product.owner.delete(f"/pending-devices/{second['id']}")).status_code == 204
    assert (await say(product, made, "b")).barred
    path = f"/enrolments/{made['id']}"
    assert (await product.get(path))["let_in"] == 1
    again = await product.owner.patch(path, json={"open_until": "2027-02-01T00:00:00Z"})
    assert again.status_code == 200, again.text
    assert (await say(product, made, "c")).answer.kept


async def test_an_enrolment_that_ends_hears_nobody_and_forgets_who_waits(product: Product) -> None:
    made = await enrolled(product)
    await say(product, made, "a")
    assert (await product.owner.delete(f"/enrolments/{made['id']}")).status_code == 204
    assert product.house.families.desk.meetings.by_key(made["key"]) is None
    assert await waiting(product) == []
    fresh = await enrolled(product)
    assert (await say(product, fresh, "a")).answer.kept


async def test_a_place_that_goes_takes_its_enrolments_along(product: Product) -> None:
    room = (await product.owner.post("/places", json={"name": "Room"})).json()["id"]
    made = await enrolled(product, place=room)
    await say(product, made, "a")
    assert (await product.owner.delete(f"/places/{room}?contents=delete")).status_code < 300
    assert product.house.families.desk.meetings.by_key(made["key"]) is None
    assert await waiting(product) == []


async def test_what_a_stranger_said_becomes_its_history_and_no_more_than_may_be_kept(
    product: Product, clock: HeldClock
) -> None:
    made = await enrolled(product)
    desk = product.house.families.desk
    for number in range(60):
        clock.at += MINUTE
        many = {f"m{metric}": float(number) for metric in range(20)}
        said = (Readings(many), Event("harvest", {"kg": number}))
        await desk.hear(door(product, made), "farm", Voice("a", said))
    (pending,) = await waiting(product)
    assert 980 <= pending["readings"] <= 1000
    assert product.house.stores.enrolled.strangers.dropped == 60 * 21 - pending["readings"]
    adopted = (await product.owner.post(f"/pending-devices/{pending['id']}/adopt", json={})).json()["device"]
    assert (adopted["name"], adopted["place"], adopted["dialect"]) == ("a", product.place["id"], "farm")
    kept = await readings(product, adopted["id"])
    events = await product.get(f"/devices/{adopted['id']}/events?from=2026-01-01T00:00:00Z&to=2090-01-01T00:00:00Z")
    assert len(kept) == pending["readings"] * 20 // 21
    assert kept[-1] == 59
    assert events["items"][0]["data"] == {"kg": 59}


async def test_a_farm_is_adopted_at_once_as_a_tree(product: Product) -> None:
    made = await enrolled(product)
    await say(product, made, "d1", path=FARM)
    await say(product, made, "d2", path=FARM)
    await say(product, made, "d3", path=(("farm", "South"), ("room", "Enoki")))
    for prefix in ("North", "farm/North/room/Oyster"):
        answer = await product.owner.post(
            "/pending-devices/adopt", json={"prefix": prefix, "place": product.place["id"]}
        )
        assert answer.status_code == (201 if prefix == "North" else 404), answer.text
    assert [each["address"] for each in await waiting(product)] == ["d3"]
    places = {each["name"]: each for each in (await product.get("/places"))["items"]}
    assert places["North"]["parent"] == product.place["id"]
    assert (places["Oyster"]["kind"], places["Oyster"]["parent"]) == ("room", places["North"]["id"])
    devices = {each["name"]: each["place"] for each in (await product.get("/devices"))["items"]}
    assert devices["d1"] == devices["d2"] == places["Oyster"]["id"]


async def test_a_device_behind_another_is_adopted_behind_it(product: Product) -> None:
    made = await enrolled(product, "outlet")
    await say(product, made, "FE", gateway="02")
    await say(product, made, "02")
    answer = await product.owner.post("/pending-devices/adopt", json={"prefix": "", "place": product.place["id"]})
    devices = {each["address"]: each for each in answer.json()["devices"]}
    assert devices["FE"]["gateway"] == devices["02"]["id"]


async def test_a_device_that_is_added_by_hand_has_what_it_said_before(product: Product) -> None:
    made = await enrolled(product, "ozone")
    await say(product, made, "3C:8A:1F:A4:3E:C4", 7)
    body = {"name": "Ozone", "place": product.place["id"], "dialect": "ozone", "address": "3c8a1fa43ec4"}
    device = (await product.owner.post("/devices", json=body)).json()["device"]
    assert await waiting(product) == []
    assert await readings(product, device["id"]) == [7]
    assert (await say(product, made, "3C:8A:1F:A4:3E:C4", 8)).known
    again = await product.owner.post("/devices", json=body | {"address": "3C:8A:1F:A4:3E:C4"})
    assert again.status_code == 409


async def test_a_secret_in_a_familys_words_is_its_own_and_of_its_tenant_only(product: Product) -> None:
    body = {"name": "Basil", "place": product.place["id"], "dialect": "ozone", "secret": "demo-device-secret"}
    made = await product.owner.post("/devices", json=body | {"address": "1111"})
    assert made.json()["credentials"]["access_token"] == "demo-device-secret"
    device, meetings = made.json()["device"]["id"], product.house.families.desk.meetings
    found = meetings.by_secret("ozone", "1111", "demo-device-secret")
    assert found is not None
    assert found.device == device
    assert meetings.by_secret("ozone", "1111", "another-secret") is None
    assert product.house.stores.kept.registry.holder("demo-device-secret") is None
    await product.owner.delete(f"/devices/{device}")
    assert meetings.by_secret("ozone", "1111", "demo-device-secret") is None


async def test_who_waits_is_there_after_a_restart_with_all_it_said(tmp_path: Path, clock: HeldClock) -> None:
    async with opened_product(tmp_path / "one", clock) as product:
        made = await enrolled(product)
        await say(product, made, "a", 1)
        await say(product, made, "a", 2)
        enrolled_, place = product.house.stores.enrolled, product.place["id"]
        (pending,) = await waiting(product)
        before = enrolled_.waiting.copy()
        enrolled_.waiting.clear()
        again = await type(enrolled_).over(
            product.house.stores.db,
            product.house.stores.secret,
            product.house.stores.kept,
            enrolled_.places,
            lambda _tenant: 1_000,
        )
        assert again.waiting == before
        assert [each.place for _, each in again.roll.everything()] == [place]
        # A crash between the device and its history is mended at the start.
        device = {"name": "A", "place": place, "dialect": "farm", "address": "a"}
        added = (await product.owner.post("/devices", json=device)).json()["device"]
        await product.house.grounds.adopting.go_on()
        assert await readings(product, added["id"]) == [1, 2]
        assert await waiting(product) == []
        assert pending["readings"] == 2


async def test_many_strangers_at_once_are_each_met_once(product: Product) -> None:
    made = await enrolled(product, max_devices=5)
    met = await asyncio.gather(*(say(product, made, f"d{number % 3}", number) for number in range(30)))
    assert len({each.stranger for each in met}) == 3
    assert sum(each["readings"] for each in await waiting(product)) == 30

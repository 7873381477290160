"""Places, devices and what they measured, over the whole product; its answers are recorded for the web."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from tests.edges.api.product import HELD, Product, opened_product
from tests.recorded import Record
from verger.base.clock import SECOND, HeldClock, moment
from verger.domain.tenancy import tables
from verger.edges.live.hub import encoded


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


def iso(seconds: int) -> str:
    return moment(at(seconds) * 1000).isoformat().replace("+00:00", "Z")


def at(seconds: int) -> int:
    """Return a time before now, in milliseconds."""
    return (HELD // SECOND - seconds) * 1000


async def furnish(product: Product) -> None:
    """Let the device say something of every kind."""
    said = [{"ts": at(60 * n), "values": {"temperature": 20 + n / 4, "humidity": 60}} for n in range(12)]
    assert (await product.say("telemetry", said)).status_code == 200
    await product.say("telemetry", {"ts": at(0), "values": {"temperature": 21.5, "mode": "eco", "co2": "a lot"}})
    await product.say("telemetry", {"ts": 1000, "values": {"temperature": 1}})
    await product.say("events", {"kind": "door.opened", "at": at(30), "id": "1", "data": {"by": "Aino"}})
    await product.house.stores.kept.remarks.write()


async def test_the_answers_are_as_recorded(product: Product, record: Record) -> None:
    await furnish(product)
    unit = {"metrics": {"temperature": {"unit": "Cel", "name": "Air"}}}
    assert (await product.owner.patch(f"/devices/{product.device['id']}", json=unit)).status_code == 200
    port = product.house.mqtt.plain

    def steadily(answer: Any) -> Any:
        return json.loads(json.dumps(answer).replace(f'"port": {port}', '"port": 1883'))

    record("places.json", await product.get("/places"))
    record("place.json", product.place)
    record("devices.json", steadily(await product.get("/devices")))
    record("device.json", steadily(await product.of_device()))
    record("latest.json", await product.of_device("/latest"))
    record("history_raw.json", await product.of_device("/history"))
    record("history_buckets.json", await product.of_device("/history?points=4&metric=temperature"))
    record("readings.json", await product.of_device("/readings?limit=3"))
    record("events.json", await product.of_device("/events"))
    record("stays.json", await product.of_device("/stays"))
    record("device_log.json", await product.of_device("/log"))
    record("overview.json", await product.get("/overview"))
    record("limits.json", await product.get("/limits"))
    system = await product.get("/system")
    for volatile in ("disk_bytes", "flush_s"):
        system["history"][volatile] = 0
    for volatile in ("total", "free", "data"):
        system["disk"][volatile] = 1_000_000
    record("system.json", system)


async def test_what_became_of_a_command_is_as_recorded(product: Product, record: Record) -> None:
    path = f"/devices/{product.device['id']}/commands"
    asked = await product.owner.post(path, json={"method": "pulse", "params": {"duration_s": 20}})
    assert asked.status_code == 201
    await product.say(f"rpc/{asked.json()['number']}", {"error": "The valve is jammed."})
    await product.owner.post(path, json={"method": "stop", "one_way": True})
    found = await product.get(path)
    assert [each["stage"] for each in found["items"]] == ["queued", "failed"]
    record("commands.json", found)


async def test_a_new_device_shows_its_secret_once(product: Product, record: Record) -> None:
    answer = await product.owner.post("/devices", json={"name": "Sauna", "place": product.place["id"]})
    assert answer.status_code == 201
    record("device_created.json", answer.json())
    assert "access_token" not in (await product.owner.get(f"/devices/{answer.json()['device']['id']}")).text


async def test_the_snapshot_of_a_screen_is_as_recorded(product: Product, record: Record) -> None:
    await furnish(product)
    tenant = (await product.get("/me"))["tenant"]["id"]
    subject = await product.house.grounds.showing.subject(tenant, "place", product.place["id"])
    record("live.json", json.loads(encoded(subject.snapshot())))


async def test_what_is_kept_is_told_without_a_body_and_what_is_not_by_field(product: Product) -> None:
    fine = await product.say("telemetry", {"temperature": 21})
    assert (fine.status_code, fine.content) == (200, b"")
    partly = await product.say("telemetry", {"t" * 500: 1, "u": 2})
    assert [fault["field"][:3] for fault in partly.json()["refused"]] == ["ttt"]
    nothing = await product.say("telemetry", [])
    assert nothing.status_code == 422


async def test_idempotent_posts_make_one_device(product: Product) -> None:
    body = {"name": "Once", "place": product.place["id"]}
    answers = [await product.owner.post("/devices", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await product.get("/devices"))["items"]) == 2
    other = await product.owner.post("/devices", json=body | {"name": "Two"}, headers={"Idempotency-Key": "one"})
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("query", "field"), [("points=0", "points"), ("points=100001", "points"), ("from=yesterday", "from")]
)
async def test_a_wrong_question_is_told_by_field(product: Product, query: str, field: str) -> None:
    answer = await product.owner.get(f"/devices/{product.device['id']}/history?{query}")
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


async def test_a_time_without_its_zone_is_refused(product: Product) -> None:
    answer = await product.owner.get(f"/devices/{product.device['id']}/history?from=2026-11-01T00:00:00")
    assert answer.status_code == 422


async def test_from_is_inclusive_and_to_exclusive(product: Product) -> None:
    await product.say("telemetry", [{"ts": at(n), "values": {"t": n}} for n in (30, 20, 10)])
    chart = await product.of_device(f"/history?from={iso(30)}&to={iso(10)}")
    assert chart["metrics"]["t"]["avg"] == [30.0, 20.0]


async def test_events_are_found_by_kind_and_its_children(product: Product) -> None:
    for number, kind in enumerate(["treatment.basic", "treatment.premium", "treatments", "door"]):
        await product.say("events", {"kind": kind, "id": str(number)})
    found = await product.of_device("/events?kind=treatment")
    assert {event["kind"] for event in found["items"]} == {"treatment.basic", "treatment.premium"}


async def test_an_event_told_twice_is_kept_once(product: Product) -> None:
    for _ in range(2):
        await product.say("events", {"kind": "door", "id": "7"})
        await product.say("events", {"kind": "window", "at": at(5), "data": {"n": 1}})
    assert len((await product.of_device("/events"))["items"]) == 2


async def test_retiring_with_its_history_removes_the_values(product: Product) -> None:
    await product.say("telemetry", {"ts": at(5), "values": {"t": 1}})
    path = f"/places/{product.place['id']}/history"
    assert len((await product.get(path))["series"]) == 1
    answer = await product.owner.delete(f"/devices/{product.device['id']}?history=delete")
    assert answer.status_code == 202
    assert (await product.get(path))["series"] == []


async def test_a_change_for_another_version_is_refused(product: Product) -> None:
    path = f"/devices/{product.device['id']}"
    stale = await product.owner.patch(path, json={"name": "A"}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    right = await product.owner.patch(path, json={"name": "A"}, headers={"If-Match": '"1"'})
    assert (right.status_code, right.headers["etag"]) == (200, '"2"')


@pytest.mark.parametrize("desired", [{"": 1}, {str(number): number for number in range(501)}])
async def test_of_a_change_that_is_refused_nothing_is_kept(product: Product, desired: dict[str, Any]) -> None:
    path = f"/devices/{product.device['id']}"
    before = await product.get(path)
    answer = await product.owner.patch(path, json={"name": "Half", "attributes": {"desired": desired}})
    assert answer.status_code == 422
    assert await product.get(path) == before


async def test_a_place_without_a_time_zone_has_the_one_around_it(product: Product) -> None:
    async with product.house.stores.db.writing() as connection:
        await connection.execute(update(tables.tenant).values(timezone="Asia/Manila"))
    farm = (await product.owner.post("/places", json={"name": "Farm"})).json()
    away = {"name": "Outpost", "parent": farm["id"], "timezone": "Asia/Ho_Chi_Minh"}
    outpost = (await product.owner.post("/places", json=away)).json()
    room = (await product.owner.post("/places", json={"name": "Room", "parent": outpost["id"]})).json()
    assert [each["timezone"] for each in (farm, outpost, room)] == [
        "Asia/Manila",
        "Asia/Ho_Chi_Minh",
        "Asia/Ho_Chi_Minh",
    ]
    lost = await product.owner.post("/places", json={"name": "Lost", "parent": "nowhere"})
    assert (lost.status_code, lost.json()["errors"][0]["field"]) == (422, "parent")


async def test_a_device_is_exported(product: Product, record: Record) -> None:
    await furnish(product)
    begun = await product.owner.post("/exports", json={"devices": [product.device["id"]]})
    assert begun.status_code == 202, begun.text
    while (job := await product.get(f"/jobs/{begun.json()['id']}"))["state"] == "running":
        pass
    assert job["result"]["rows"] == job["total"] > 20
    result = job["result"] | {"bytes": 1234}  # gzip differs from machine to machine
    record("job_exported.json", {"job": job | {"result": result}, "file": result})


async def test_a_bridge_is_told_without_its_secrets(product: Product, record: Record) -> None:
    rules = [{"topic": "plant/{device}/telemetry"}, {"topic": "gate/#", "says": "native", "device": "Box"}]
    wanted = {"name": "Plant", "host": "broker.example", "client_id": "verger", "filters": ["plant/#"], "rules": rules}
    answer = await product.owner.post("/bridges", json=wanted | {"password": "let us in", "enabled": False})
    assert answer.status_code == 201, answer.text
    assert "let us in" not in answer.text
    record("bridges.json", await product.get("/bridges"))


async def test_what_an_import_would_keep_is_told(product: Product, record: Record) -> None:
    text = b"time,t\n2026-01-01T00:00:00Z,21.5\n2026-01-01T00:01:00Z,warm\n"
    file = (await product.owner.post("/uploads", content=text)).json()
    reading = {"form": "wide", "device": product.device["id"]}
    begun = await product.owner.post("/imports", json={"file": file["id"], "reading": reading})
    while (job := await product.get(f"/jobs/{begun.json()['id']}"))["state"] == "running":
        pass
    record("job_imported.json", {"upload": file, "report": job["result"]})

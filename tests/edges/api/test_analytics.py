"""Counts of events and figures of metrics over the API: by period, device and place, in the days of the place."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.product import Product, opened_product
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import HeldClock
from verger.domain.telemetry.model import Event
from verger.domain.tenancy.model import Role

COUNTS, MEASURES = "/analytics/counts", "/analytics/measures"
AUTUMN = {"from": "2026-10-19", "to": "2026-11-09"}  # clocks are set back in the night of October 25
HAPPENED = (
    ("door.opened", "2026-10-24T20:59:59Z"),  # 23:59:59 in Helsinki
    ("door.opened", "2026-10-24T21:00:00Z"),  # midnight
    ("door.closed", "2026-10-25T21:59:59Z"),  # 23:59:59 of a day of 25 hours
    ("door.opened", "2026-10-25T22:00:00Z"),
    ("door.opened", "2026-10-31T22:00:00Z"),  # November
    ("button", "2026-11-01T12:00:00Z"),
)


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


async def happen(product: Product, token: str = "", happened: Any = HAPPENED) -> None:
    """Let a device tell of events, the product's own unless it is named."""
    told = [
        {"kind": kind, "at": int(datetime.fromisoformat(at).timestamp() * 1000), "id": f"{number}"}
        for number, (kind, at) in enumerate(happened)
    ]
    async with visitor(product.app, base=HERE) as device:
        answer = await device.post(f"/api/v1/{token or product.token}/events", json=told)
    assert answer.status_code == 200, answer.text
    await product.house.oversight.followers.caught_up()


async def asked(product: Product, **query: str) -> Any:
    answer = await product.owner.get(COUNTS, params=AUTUMN | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def told(product: Product, **query: str) -> list[tuple[str, str, int]]:
    return [(each["start"], each["kind"], each["count"]) for each in (await asked(product, **query))["counts"]]


def steadily(answer: Any) -> Any:
    [name] = answer["names"].values()  # by an id that is another in every run
    return answer | {"names": {"device": name}}


async def test_days_are_those_of_the_place_also_when_clocks_are_set(product: Product, record: Record) -> None:
    await happen(product)
    device, place = product.device["id"], product.place["id"]
    by_day = [
        ("2026-10-24", "door.opened", 1),
        ("2026-10-25", "door.closed", 1),
        ("2026-10-25", "door.opened", 1),
        ("2026-10-26", "door.opened", 1),
        ("2026-11-01", "button", 1),
        ("2026-11-01", "door.opened", 1),
    ]
    for query in ({}, {"device": device}, {"place": place}, {"place": place, "device": device}):
        assert await told(product, **query) == by_day
    found = await asked(product, place=place)
    assert {each: found[each] for each in ("timezone", "by", *AUTUMN)} == AUTUMN | {
        "timezone": "Europe/Helsinki",
        "by": "day",
    }
    record("event_counts.json", steadily(await asked(product, per="device")))


async def test_periods_are_weeks_from_monday_and_months(product: Product) -> None:
    await happen(product)
    assert await told(product, by="week", kind="door") == [
        ("2026-10-19", "door.closed", 1),
        ("2026-10-19", "door.opened", 2),
        ("2026-10-26", "door.opened", 2),
    ]
    assert await told(product, by="month", kind="door.opened") == [
        ("2026-10-01", "door.opened", 3),
        ("2026-11-01", "door.opened", 1),
    ]
    assert await told(product, kind="doo") == []


async def test_without_days_it_is_the_usual_time_up_to_today(product: Product) -> None:
    # It is Friday, January 15, 2027 at the place.
    await happen(
        product, happened=(("a", "2027-01-15T07:59:00Z"), ("b", "2026-12-16T22:00:00Z"), ("c", "2026-12-16T21:59:00Z"))
    )
    for by, first in (("day", "2026-12-17"), ("week", "2026-07-20"), ("month", "2026-02-01")):
        found = await product.get(f"{COUNTS}?by={by}&place={product.place['id']}")
        assert (found["from"], found["to"]) == (first, "2027-01-16")
        assert ("c" in {each["kind"] for each in found["counts"]}) == (by != "day")


async def test_what_happened_counts_where_the_device_was(product: Product) -> None:
    async def made(path: str, **body: Any) -> Any:
        return (await product.owner.post(path, json=body)).json()

    room = await made("/places", name="Room", parent=product.place["id"], timezone="America/Lima")
    other = await made("/devices", name='=Bell "2"', place=room["id"])
    await happen(product)
    await happen(product, other["credentials"]["access_token"], (("button", "2026-11-02T04:59:00Z"),))
    places = await asked(product, per="place", kind="button")
    assert [(each["start"], each["place"], each["device"]) for each in places["counts"]] == [
        ("2026-11-01", product.place["id"], None),
        ("2026-11-01", room["id"], None),  # still Sunday in Lima
    ]
    assert await told(product, kind="button") == [("2026-11-01", "button", 2)]
    assert await told(product, place=room["id"]) == [("2026-11-01", "button", 1)]
    devices = {each["device"]: each["count"] for each in (await asked(product, per="device", kind="button"))["counts"]}
    assert devices == {product.device["id"]: 1, other["device"]["id"]: 1}
    assert (await product.owner.delete(f"/devices/{other['device']['id']}")).status_code == 204
    assert await told(product, place=room["id"]) == [("2026-11-01", "button", 1)]
    table = await product.owner.get(f"{COUNTS}/file", params=AUTUMN | {"per": "device", "place": room["id"]})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == ('attachment; filename="events-2026-10-19-to-2026-11-08-by-day.csv"')
    assert table.text.split("\r\n") == [
        "day,kind,device,device_name,count,missing",
        f'2026-11-01,button,{other["device"]["id"]},"\'=Bell ""2""",1,0',
        "",
    ]


async def test_a_table_by_kind_names_nobody(product: Product) -> None:
    await happen(product)
    table = await product.owner.get(f"{COUNTS}/file", params=AUTUMN | {"by": "month", "kind": "button"})
    assert table.text == "month,kind,count,missing\r\n2026-11-01,button,1,0\r\n"


async def test_gaps_of_counters_count_as_what_nobody_told_of(product: Product) -> None:
    machine = {"name": "Bay", "place": product.place["id"], "dialect": "ozone", "address": "3C:8A:1F:A4:3E:C4"}
    device = (await product.owner.post("/devices", json=machine)).json()["device"]["id"]
    tenant = str(await product.house.stores.tenancy.users.first_tenant())
    add, db = product.house.stores.events.add, product.house.stores.db
    at = int(datetime.fromisoformat("2026-10-25T10:00:00Z").timestamp() * 1_000_000)
    events = [Event("treatment.basic", None, at, "1"), Event("gap.basic", {"count": 3}, at, "2")]
    async with db.writing() as connection:
        await add(connection, [(tenant, device, each) for each in events], at)
    [count] = (await asked(product, device=device))["counts"]
    assert (count["kind"], count["count"], count["missing"]) == ("treatment.basic", 4, 3)
    assert await told(product, kind="treatment") == [("2026-10-25", "treatment.basic", 4)]
    assert await told(product, kind="treatment.premium") == []


async def test_harvests_that_people_tell_of_count_at_the_place_of_their_cycle(product: Product) -> None:
    begun = {"place": product.place["id"], "started_at": "2026-10-01T00:00:00Z"}
    cycle = (await product.owner.post("/cycles", json=begun)).json()["id"]
    for at in ("2026-10-24T20:59:59Z", "2026-10-24T21:00:00Z", "2026-10-18T20:59:59Z"):  # the last one is before it all
        harvest = {"kind": "harvest", "weight_kg": 1, "at": at}
        assert (await product.owner.post(f"/cycles/{cycle}/events", json=harvest)).status_code in {200, 201}
    by_day = [("2026-10-24", "harvest", 1), ("2026-10-25", "harvest", 1)]
    assert await told(product) == await told(product, place=product.place["id"], kind="harvest") == by_day
    assert await told(product, device=product.device["id"]) == await told(product, kind="contamination") == []
    [found] = (await asked(product, per="place", by="month"))["counts"]
    assert (found["place"], found["device"], found["count"]) == (product.place["id"], None, 2)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-09"}, "to"),
        ({"from": "2016-10-30"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"by": "hour"}, "by"),
        ({"per": "tenant"}, "per"),
    ],
)
async def test_what_cannot_be_counted_is_refused(product: Product, query: dict[str, str], field: str) -> None:
    answer = await product.owner.get(COUNTS, params=AUTUMN | query)
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_viewers_see_counts_and_another_organisation_sees_none(product: Product) -> None:
    await happen(product)
    tenancy = product.house.stores.tenancy
    mine = str(await tenancy.users.first_tenant())
    other = await tenancy.users.add_tenant("Elsewhere", "Asia/Manila")
    device, place = {"device": product.device["id"]}, {"place": product.place["id"]}

    async def statuses(tenant: str, role: Role, mail: str) -> tuple[list[int], httpx.Response]:
        user = await tenancy.users.add(tenant, role, "X", mail, PASSWORD)
        bearer = {"Authorization": f"Bearer {await tenancy.sessions.open(user.id, tenant)}"}
        asked = [
            (await product.owner.get(path, params=AUTUMN | of | {"metric": "energy"}, headers=bearer)).status_code
            for path in (COUNTS, f"{COUNTS}/file", MEASURES, f"{MEASURES}/file")
            for of in (device, place)
        ]
        return asked, await product.owner.get(COUNTS, params=AUTUMN, headers=bearer)

    seen, everything = await statuses(mine, Role.viewer, "v@example.test")
    assert (seen, len(everything.json()["counts"])) == ([200] * 8, 6)
    seen, everything = await statuses(other.id, Role.owner, "o@example.test")
    assert (seen, everything.json()["counts"], everything.json()["timezone"]) == ([404] * 8, [], "Asia/Manila")


ENERGY = (
    ("2026-10-23T20:00:00Z", 100),  # the day before: what the counter shows when it all begins
    ("2026-10-24T10:00:00Z", 104),
    ("2026-10-24T20:30:00Z", 106),
    ("2026-10-24T21:30:00Z", 107),  # the 25th
    ("2026-10-25T21:30:00Z", 110),
    ("2026-10-25T22:30:00Z", 1),  # the 26th, and it began again
    ("2026-10-26T10:00:00Z", 3),
)


async def measure(product: Product, metric: str, readings: Any, token: str = "") -> None:
    told = [
        {"ts": int(datetime.fromisoformat(at).timestamp() * 1000), "values": {metric: value}} for at, value in readings
    ]
    async with visitor(product.app, base=HERE) as device:
        answer = await device.post(f"/api/v1/{token or product.token}/telemetry", json=told)
    assert answer.status_code == 200, answer.text
    await product.house.oversight.followers.caught_up()


async def figures(product: Product, **query: str) -> dict[str, float]:
    answer = await product.owner.get(MEASURES, params=AUTUMN | query)
    assert answer.status_code == 200, answer.text
    return {each["start"]: each["value"] for each in answer.json()["values"]}


async def test_a_counter_is_told_by_how_far_it_went_on_each_day(product: Product, record: Record) -> None:
    await measure(product, "energy", ENERGY)
    query = {"metric": "energy", "how": "increase", "device": product.device["id"], "from": "2026-10-24"}
    assert await figures(product, **query) == {"2026-10-24": 6, "2026-10-25": 4, "2026-10-26": 3}
    assert await figures(product, **query, by="week") == {"2026-10-19": 10, "2026-10-26": 3}
    assert await figures(product, **query, by="month") == {"2026-10-01": 13}
    assert await figures(product, **query | {"from": "2026-10-20"}) == {
        "2026-10-23": 0,  # nobody knows what it was before
        "2026-10-24": 6,
        "2026-10-25": 4,
        "2026-10-26": 3,
    }
    answer = await product.owner.get(MEASURES, params=AUTUMN | query | {"per": "device"})
    record("measures.json", steadily(answer.json()))
    table = await product.owner.get(f"{MEASURES}/file", params=AUTUMN | query | {"by": "month", "per": "place"})
    assert table.text == (
        f"month,place,place_name,value,unit\r\n2026-10-01,{product.place['id']},Lake cottage,13.0,\r\n"
    )
    assert 'filename="energy-increase-2026-10-24-to-2026-11-08-by-month.csv"' in table.headers["content-disposition"]


async def test_a_metric_is_told_as_mean_extremes_or_sum_of_several_devices(product: Product) -> None:
    made = await product.owner.post("/devices", json={"name": "Bedroom", "place": product.place["id"]})
    await measure(
        product, "t", (("2026-10-24T10:00:00Z", 20), ("2026-10-24T11:00:00Z", 21), ("2026-10-25T11:00:00Z", 19))
    )
    await measure(product, "t", (("2026-10-24T12:00:00Z", -1),), made.json()["credentials"]["access_token"])
    place = product.place["id"]
    for how, first in (("mean", 40 / 3), ("min", -1), ("max", 21), ("sum", 40)):
        assert await figures(product, metric="t", how=how, place=place) == {
            "2026-10-24": pytest.approx(first),
            "2026-10-25": 19,
        }
    answer = await product.owner.get(MEASURES, params=AUTUMN | {"metric": "t", "per": "device"})
    found = [(each["device"], each["value"]) for each in answer.json()["values"]]
    assert found == [(product.device["id"], 20.5), (made.json()["device"]["id"], -1), (product.device["id"], 19)]
    assert answer.json()["names"] == {product.device["id"]: "Hall", made.json()["device"]["id"]: "Bedroom"}
    assert await figures(product, metric="nothing") == {}


async def test_days_that_begin_at_half_an_hour_are_days_too(product: Product) -> None:
    where = {"name": "Shop", "timezone": "Asia/Kolkata"}
    shop = (await product.owner.post("/places", json=where)).json()["id"]
    made = (await product.owner.post("/devices", json={"name": "Meter", "place": shop})).json()
    readings = (("2026-10-24T18:29:00Z", 1), ("2026-10-24T18:31:00Z", 5), ("2026-10-25T18:29:59Z", 7))
    await measure(product, "t", readings, made["credentials"]["access_token"])
    assert await figures(product, metric="t", how="max", place=shop) == {"2026-10-24": 1, "2026-10-25": 7}
    assert await figures(product, metric="t", how="min", place=shop, **{"from": "2026-10-25"}) == {"2026-10-25": 5}

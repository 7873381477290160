"""Every route is walked: nobody gets in without a caller, nobody sees another tenant's, viewers change nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.edges.api.whole import Whole, opened
from tests.recorded import Record
from verger.edges.api.schema import described

# What people may change whatever their role: themselves, and what they asked for.
OWN = {
    "PATCH /me",
    "POST /me/delete",
    "POST /auth/logout",
    "DELETE /members/{member}",
    "POST /jobs/{job}/cancel",
    "POST /exports",
    "POST /me/notifications/read",
    "PATCH /me/notifications/preferences",
    "POST /me/notifications/targets",
    "PATCH /me/notifications/targets/{target}",
    "DELETE /me/notifications/targets/{target}",
    "POST /me/notifications/targets/{target}/test",
}


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        yield found


async def walk(whole: Whole, who: str | None) -> dict[str, int]:
    """Ask every route that needs a caller; return the status of each by its name."""
    client = whole.ask(who)
    return {
        name: (await client.request(name.split()[0], path, json=None if name.startswith("GET") else body)).status_code
        for name, path, body in whole.routes()
    }


async def test_nobody_gets_in_without_a_caller(whole: Whole) -> None:
    statuses = await walk(whole, None)
    assert len(statuses) > 20
    assert {name: status for name, status in statuses.items() if status != 401} == {}


async def test_what_is_another_tenants_is_not_there(whole: Whole) -> None:
    statuses = await walk(whole, "stranger")
    assert {name: status for name, status in statuses.items() if "{" in name and status != 404} == {}


async def test_a_viewer_changes_nothing(whole: Whole) -> None:
    statuses = await walk(whole, "viewer")
    changing = {name for name in statuses if not name.startswith("GET ")} - OWN
    assert {name: statuses[name] for name in changing if statuses[name] != 403} == {}


async def test_an_owner_may_read_everything(whole: Whole) -> None:
    statuses = await walk_reading(whole)
    assert {name: status for name, status in statuses.items() if status != 200} == {}


async def walk_reading(whole: Whole) -> dict[str, int]:
    client = whole.ask("owner")
    return {name: (await client.get(path)).status_code for name, path, _ in whole.routes() if name.startswith("GET ")}


async def test_anothers_ids_are_no_use_inside_a_body(whole: Whole) -> None:
    stranger = whole.ask("stranger")
    place, device = whole.samples["/places/{place}"], whole.samples["/devices/{device}"]
    theirs, its = place.rpartition("/")[2], device.rpartition("/")[2]
    mine = (await stranger.post("/places", json={"name": "Barn"})).json()["id"]
    own = (await stranger.post("/devices", json={"name": "Probe", "place": mine})).json()["device"]["id"]
    for method, path, body in (
        ("POST", "/places", {"name": "Shed", "parent": theirs}),
        ("PATCH", f"/places/{mine}", {"parent": theirs}),
        ("DELETE", f"/places/{mine}?contents=move&to={theirs}", None),
        ("POST", "/devices", {"name": "Probe", "place": theirs}),
        ("POST", "/devices", {"name": "Probe", "place": mine, "gateway": its}),
        ("PATCH", f"/devices/{own}", {"place": theirs}),
        ("PATCH", f"/devices/{own}", {"gateway": its}),
        ("POST", f"/devices/{own}/replace", {"by": its}),
    ):
        answer = await stranger.request(method, path, json=body)
        assert answer.status_code in {404, 422}, (method, path, answer.text)


async def test_the_description_of_the_api_is_as_recorded(whole: Whole, record: Record) -> None:
    answer = await whole.ask().get("/openapi.json")
    assert answer.status_code == 200
    record("openapi.json", json.loads(answer.content))


async def test_no_two_words_of_the_api_have_the_same_name(whole: Whole) -> None:
    # Of two alike both are renamed for their files, and programs that knew the first know it no longer.
    told = json.loads(described(whole.api.frame))
    assert [name for name in told["components"]["schemas"] if "_" in name] == []


async def test_every_route_is_described(whole: Whole) -> None:
    told = json.loads(described(whole.api.frame))
    ids = []
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)
            assert operation.get("tags"), (method, path)
            ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))
    assert told["openapi"].startswith("3.1")

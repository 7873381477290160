"""Backups over the API: for the owners of the organisation that set this Verger up, and nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from tests.edges.api.whole import Whole, opened
from tests.recorded import Record


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        yield found


async def ended(client: httpx.AsyncClient, begun: httpx.Response) -> dict[str, object]:
    """Return how a job ended that was begun by a request."""
    assert begun.status_code == 202, begun.text
    where = begun.headers["location"].removeprefix("/api/v1")
    answer = await client.get(where)
    while answer.json()["state"] == "running":
        answer = await client.get(where)
    return dict(answer.json())


AT = "2026-11-25T03:00:00Z"


def steadied(backup: dict[str, Any]) -> dict[str, Any]:
    """Return a backup without what changes from run to run."""
    sizes = {"size": 1_000_000, "stored": 200_000, "new": 50_000}
    counts = backup["counts"] | {"readings": 1, "records": 0, "events": 0}
    verified = backup["verified"] | {"at": AT, "said": "It was restored on trial."}
    return (
        backup
        | sizes
        | {"id": "2026-11-25T03-00-00Z", "taken_at": AT, "version": "1", "counts": counts, "verified": verified}
    )


async def test_a_backup_is_begun_watched_listed_and_tried_out(whole: Whole, record: Record) -> None:
    owner = whole.ask("owner")
    job = await ended(owner, await owner.post("/backups"))
    assert job["state"] == "done", job
    found = (await owner.get("/backups")).json()
    assert found["next"] is None
    assert found["items"][0] == job["result"]
    assert found["items"][0]["counts"]["devices"] == 1
    name = found["items"][0]["id"]
    tried = await ended(owner, await owner.post(f"/backups/{name}/verify"))
    assert tried["state"] == "done", tried
    backup = (await owner.get(f"/backups/{name}")).json()
    assert backup["verified"] == tried["result"]
    assert backup["verified"]["well"], backup
    record("backups.json", {"items": [steadied(backup)], "next": None})


async def test_the_plan_says_that_backups_lie_on_the_disk_of_the_data(whole: Whole, record: Record) -> None:
    plan = (await whole.ask("owner").get("/backups/plan")).json()
    assert (plan["at"], plan["keep"], plan["same_disk"], plan["sealed"]) == ("03:00", 7, True, False)
    assert plan["next_at"]
    assert plan["running"] is None
    record("backup_plan.json", plan | {"folder": "/var/lib/verger/backups", "next_at": AT})


async def test_owners_of_other_organisations_have_no_part_in_it(whole: Whole) -> None:
    stranger = whole.ask("stranger")
    for method, path in (("GET", "/backups"), ("GET", "/backups/plan"), ("POST", "/backups")):
        answer = await stranger.request(method, path)
        assert answer.status_code == 403
        assert "set this Verger up" in answer.json()["detail"]

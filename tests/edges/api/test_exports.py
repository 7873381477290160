"""Exports over HTTP: asked for, watched, fetched."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.whole import Whole, opened


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        yield found


async def asked(whole: Whole, **body: Any) -> dict[str, Any]:
    """Ask for an export of the device; return its job once it has ended."""
    owner, device = whole.ask("owner"), whole.samples["/devices/{device}"].rpartition("/")[2]
    answer = await owner.post("/exports", json={"devices": [device]} | body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
    while (job := (await owner.get(f"/jobs/{answer.json()['id']}")).json())["state"] == "running":
        pass
    return dict(job)


async def test_a_file_is_fetched_where_its_job_says(whole: Whole) -> None:
    job = await asked(whole)
    assert (job["state"], job["done"], job["total"], job["result"]["rows"]) == ("done", 1, 1, 1)
    answer = await whole.ask("owner").get(job["result"]["url"].removeprefix("/api/v1"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert job["result"]["name"] in answer.headers["content-disposition"]
    assert answer.text.splitlines()[1].endswith(",t,,2001-09-09T01:46:40.000000Z,21.5")


async def test_who_takes_no_gzip_gets_the_text(whole: Whole) -> None:
    url = (await asked(whole))["result"]["url"].removeprefix("/api/v1")
    for accepted in ("identity", "gzip;q=0, br"):
        answer = await whole.ask("owner").get(url, headers={"Accept-Encoding": accepted})
        assert "content-encoding" not in answer.headers
        assert answer.content.startswith(b"device,device_name,place,metric,unit,time,value\r\n")


async def test_parquet_comes_as_it_is(whole: Whole) -> None:
    job = await asked(whole, format="parquet")
    answer = await whole.ask("owner").get(job["result"]["url"].removeprefix("/api/v1"))
    assert len(answer.content) == job["result"]["bytes"] == int(answer.headers["content-length"])
    assert (answer.content[:4], answer.content[-4:]) == (b"PAR1", b"PAR1")


async def test_a_file_is_for_who_asked_and_for_managers(whole: Whole) -> None:
    viewer, device = whole.ask("viewer"), whole.samples["/devices/{device}"].rpartition("/")[2]
    theirs = (await viewer.post("/exports", json={"devices": [device]})).json()["id"]
    assert (await viewer.get(f"/jobs/{theirs}")).status_code == 200
    assert (await whole.ask("owner").get(f"/jobs/{theirs}")).status_code == 200
    owners = whole.samples["/exports/{export}"]
    assert (await viewer.get(f"{owners}/file")).status_code == 404
    assert [job["id"] for job in (await viewer.get("/jobs")).json()["items"]] == [theirs]


async def test_an_export_of_nothing_is_refused_at_once(whole: Whole) -> None:
    owner = whole.ask("owner")
    assert (await owner.post("/exports", json={})).status_code == 422
    assert (await owner.post("/exports", json={"devices": ["nobody"]})).status_code == 404
    span = {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    answer = await owner.post("/exports", json={"devices": ["x"], **span})
    assert answer.json()["errors"] == [{"field": "to", "message": "Give a time after `from`."}]


async def test_what_is_kept_is_gzip_that_others_read(whole: Whole, tmp_path: Path) -> None:
    job = await asked(whole)
    stored = tmp_path / "data" / "exports" / job["id"]
    assert gzip.decompress(stored.read_bytes()).count(b"\r\n") == 2

"""Imports over HTTP: a file is brought, tried, and kept."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from tests.edges.api.whole import Whole, opened

TEXT = b"device,metric,time,value\nProbe,t,2026-01-01T00:00:00Z,21.5\nAttic,t,2026-01-01T00:00:00Z,1\n"


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        yield found


async def ended(owner: httpx.AsyncClient, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    while (job := (await owner.get(f"/jobs/{answer.json()['id']}")).json())["state"] == "running":
        pass
    return dict(job)


async def test_a_file_is_tried_and_then_kept(whole: Whole) -> None:
    owner = whole.ask("owner")
    uploaded = await owner.post("/uploads", content=TEXT, headers={"Content-Type": "text/csv"})
    assert (uploaded.status_code, uploaded.json()["bytes"]) == (201, len(TEXT))
    order = {"file": uploaded.json()["id"]}
    trial = (await ended(owner, await owner.post("/imports", json=order)))["result"]
    assert (trial["kept"], trial["faulty"], trial["faults"][0]["line"]) == (1, 1, 3)
    assert (await ended(owner, await owner.post("/imports", json=order | {"trial": False})))["result"]["kept"] == 1
    device = whole.samples["/devices/{device}"]
    page = await owner.get(f"{device}/readings", params={"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
    assert page.json()["items"] == [{"metric": "t", "at": "2026-01-01T00:00:00Z", "value": 21.5}]
    assert (await owner.post("/imports", json=order)).status_code == 404, "it was imported, and is gone"


async def test_a_file_larger_than_other_bodies_is_taken(whole: Whole) -> None:
    text = TEXT + b"Probe,t,2026-01-01T00:00:01Z,22.5\n" * 60_000
    assert len(text) > 1 << 20
    answer = await whole.ask("owner").post("/uploads", content=text)
    assert answer.status_code == 201, answer.text


async def test_what_does_not_fit_is_told_before_the_job_begins(whole: Whole) -> None:
    owner = whole.ask("owner")
    file = (await owner.post("/uploads", content=b"a;b\n1;2\n")).json()["id"]
    answer = await owner.post("/imports", json={"file": file})
    assert answer.status_code == 422
    assert "Is the separator right?" in answer.json()["detail"]
    assert (await whole.ask("stranger").post("/imports", json={"file": file})).status_code == 404


async def test_a_trial_asks_for_the_order_of_dates_that_do_not_tell_it(whole: Whole) -> None:
    owner = whole.ask("owner")

    async def tried(*days: str, **reading: str) -> dict[str, Any]:
        text = "\n".join(["device;metric;time;value", *(f"Probe;d;{day} 12:00;1" for day in days)])
        file = (await owner.post("/uploads", content=text.encode())).json()["id"]
        how = {"file": file, "reading": {"separator": ";", **reading}}
        return await ended(owner, await owner.post("/imports", json=how))

    job = await tried("01.02.2026", "03.02.2026")
    assert (job["state"], "say which, day_first or month_first" in job["error"]) == ("failed", True)
    assert (await tried("01.02.2026", "03.02.2026", time="day_first"))["result"]["first"] == "2026-02-01T12:00:00Z"
    assert (await tried("01.02.2026", "03.02.2026", time="month_first"))["result"]["first"] == "2026-01-02T12:00:00Z"
    told = (await tried("01.02.2026", "13.02.2026"))["result"]
    assert (told["first"], told["last"], told["faulty"]) == ("2026-02-01T12:00:00Z", "2026-02-13T12:00:00Z", 0)

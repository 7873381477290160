"""Another system's installation over HTTP: its file is brought, tried, and moved in, by those who may."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.test_imports import ended
from tests.edges.api.whole import Whole, opened
from tests.edges.moving import installations as old
from verger.flows.taking_over import plain


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        yield found


async def brought(whole: Whole, content: bytes, who: str = "owner") -> str:
    answer = await whole.ask(who).post("/uploads", content=content)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def place_of(whole: Whole) -> str:
    made = await whole.ask("owner").post("/places", json={"name": "Old home", "timezone": "Europe/Helsinki"})
    return str(made.json()["id"])


async def names(whole: Whole, path: str, place: str) -> list[str]:
    answer = await whole.ask("owner").get(path, params={"place": place, "sort": "name"})
    return [each["name"] for each in answer.json()["items"]]


async def test_an_installation_is_tried_moved_in_and_its_file_goes(whole: Whole, tmp_path: Path) -> None:
    owner, place = whole.ask("owner"), await place_of(whole)
    file = await brought(whole, old.sqlite(tmp_path / "db.sqlite3", old.COTTAGE).read_bytes())
    wish: dict[str, Any] = {"file": file, "family": "cottage", "place": place, "name": "db.sqlite3"}
    tried = await ended(owner, await owner.post("/imports/installations", json=wish))
    assert (tried["kind"], tried["state"]) == ("take-over", "done")
    told = tried["result"]
    assert (told["trial"], told["places"], told["devices"]) == (True, {"found": 3, "new": 3}, {"found": 2, "new": 2})
    assert (told["readings"], told["faulty"], told["left"]["tasks_task"]) == ({"found": 4, "new": 4}, 4, 1)
    assert await names(whole, "/devices", place) == []
    kept = await ended(owner, await owner.post("/imports/installations", json=wish | {"trial": False}))
    assert kept["result"] == told | {"trial": False}
    assert len(await names(whole, "/devices", place)) == 2
    gone = await owner.post("/imports/installations", json=wish)
    assert gone.status_code == 404, "it was moved in, and its file is gone"
    again = await brought(whole, old.sqlite(tmp_path / "again", old.COTTAGE).read_bytes())
    new = (await ended(owner, await owner.post("/imports/installations", json=wish | {"file": again})))["result"]
    assert [new[part]["new"] for part in ("places", "devices", "readings", "events")] == [0, 0, 0, 0]
    assert list((tmp_path / "data" / "moving").iterdir()) == [], "nothing of a file stays behind"


async def test_what_a_machine_s_export_holds_is_told_by_the_name_of_its_file(whole: Whole) -> None:
    owner, place = whole.ask("owner"), await place_of(whole)
    head = "Timestamp,Device Timestamp,Event Type,Basic Count,Standard Count,Premium Count,WiFi Status"
    file = await brought(whole, f"{head}\n2026-01-20T10:00:00+08:00,2026-01-20 10:00:00,BASIC,1,,,\n".encode())
    wish = {"file": file, "family": "ozone", "place": place}
    name = "C:\\Users\\x\\telemetry_3C_8A_1F_A4_3E_C4_2026-01-01_to_2026-01-31.csv"
    told = await ended(owner, await owner.post("/imports/installations", json=wish | {"name": name}))
    assert (told["state"], told["result"]["events"]) == ("done", {"found": 1, "new": 1}), told
    nameless = await ended(owner, await owner.post("/imports/installations", json=wish | {"name": "events.csv"}))
    assert nameless["state"] == "failed"
    assert "telemetry_<device>" in nameless["error"]
    assert "/moving/" not in nameless["error"]


async def test_what_cannot_be_moved_in_is_told_and_stays(whole: Whole) -> None:
    owner, place = whole.ask("owner"), await place_of(whole)
    file = await brought(whole, b"SQLite format 3\0 and no more of it")
    wish = {"file": file, "family": "cottage", "place": place, "name": "db.sqlite3"}
    broken = await ended(owner, await owner.post("/imports/installations", json=wish))
    assert broken["state"] == "failed"
    assert "db.sqlite3 cannot be read" in broken["error"]
    assert "/moving/" not in broken["error"]
    for wrong, field in (({"place": "nowhere"}, "place"), ({"timezone": "Mars/Base"}, "timezone")):
        answer = await owner.post("/imports/installations", json=wish | wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await owner.post("/imports/installations", json=wish | {"family": "castle"})).status_code == 422


async def test_an_installation_goes_nowhere_but_into_one_s_own_organisation(whole: Whole, tmp_path: Path) -> None:
    content = old.sqlite(tmp_path / "db.sqlite3", old.PLANT).read_bytes()
    place, mine, theirs = (
        await place_of(whole),
        await brought(whole, content),
        await brought(whole, content, "stranger"),
    )
    wish = {"family": "plant", "place": place}
    stranger = whole.ask("stranger")
    assert (await stranger.post("/imports/installations", json=wish | {"file": theirs})).status_code == 422
    own = (await stranger.post("/places", json={"name": "Own"})).json()["id"]
    assert (await stranger.post("/imports/installations", json=wish | {"file": mine, "place": own})).status_code == 404
    assert (await whole.ask("viewer").post("/imports/installations", json=wish | {"file": mine})).status_code == 403


def test_a_name_of_a_file_leads_nowhere() -> None:
    for told, name in (
        ("../../etc/passwd", "passwd"),
        ("C:\\old\\db.sqlite3", "db.sqlite3"),
        ("..", ""),
        ("", ""),
        (".hidden", "hidden"),
        ("a\0b\n.csv", "a_b_.csv"),
        ("x" * 200 + ".csv", "x" * 116 + ".csv"),
    ):
        assert plain(told) == name

"""What a list is asked of has to be there and be one of the choices; nobody takes an empty list for an answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.edges.api.whole import Whole, opened
from verger.domain.alerts.model import AlertState, Severity
from verger.domain.commands.model import Stage
from verger.domain.tasks.model import TaskState

OF_PLACE = (
    *("/devices?place=", "/commands?place=", "/alerts?place=", "/tasks?place=", "/rules?place=", "/cycles?place="),
    *("/places?parent=", "/analytics/counts?place=", "/analytics/measures?metric=t&place="),
)
OF_DEVICE = ("/alerts?device=", "/tasks?device=", "/shedding?device=", "/analytics/counts?device=")
OF_ALERT = ("/alerts?within=", "/tasks?alert=")
CHOICES: dict[str, tuple[str, list[str]]] = {
    "/alerts?state=bogus": ("state", list(AlertState)),
    "/alerts?state=active&state=bogus": ("state", list(AlertState)),
    "/alerts?severity=bogus": ("severity", list(Severity)),
    "/tasks?state=bogus": ("state", list(TaskState)),
    "/commands?stage=bogus": ("stage", list(Stage)),
    "/devices/{device}/commands?stage=bogus": ("stage", list(Stage)),
    "/cycles?state=bogus": ("state", ["ended", "running"]),
    "/analytics/counts?by=bogus": ("by", ["day", "month", "week"]),
}


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        yield found


async def test_a_list_of_what_is_not_there_or_not_ours_is_not_there_either(whole: Whole) -> None:
    owner, stranger = whole.ask("owner"), whole.ask("stranger")
    place = (await stranger.post("/places", json={"name": "Barn"})).json()["id"]
    device = (await stranger.post("/devices", json={"name": "Probe", "place": place})).json()["device"]["id"]
    mine = {kind: sample.rpartition("/")[2] for kind, sample in whole.samples.items()}
    wrong = []
    for lists, theirs, ours in (
        (OF_PLACE, place, mine["/places/{place}"]),
        (OF_DEVICE, device, mine["/devices/{device}"]),
        (OF_ALERT, device, mine["/alerts/{alert}"]),
    ):
        for path in lists:
            for asked, status in ((theirs, 404), ("nowhere", 404), (ours, 200)):
                answer = await owner.get(path + asked)
                if answer.status_code != status:
                    wrong.append((path, status, answer.status_code, answer.text))
    assert wrong == []


async def test_alerts_and_tasks_of_a_device_that_has_retired_are_still_found(whole: Whole) -> None:
    owner = whole.ask("owner")
    place = whole.samples["/places/{place}"].rpartition("/")[2]
    device = (await owner.post("/devices", json={"name": "Old", "place": place})).json()["device"]["id"]
    task = (await owner.post("/tasks", json={"title": "Sweep", "device": device})).json()["id"]
    await owner.delete(f"/devices/{device}")
    assert [each["id"] for each in (await owner.get(f"/tasks?device={device}")).json()["items"]] == [task]
    assert (await owner.get(f"/alerts?device={device}")).json()["items"] == []


async def test_what_is_none_of_the_choices_has_them_named(whole: Whole) -> None:
    for path, (field, words) in CHOICES.items():
        answer = await whole.ask("owner").get(whole.filled(path))
        told = {"field": field, "message": f"This is one of {', '.join(words)}."}
        assert (answer.status_code, answer.json()["errors"]) == (422, [told]), path

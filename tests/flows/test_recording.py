"""Recording."""

from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import IntegrityError

from tests.flows.conftest import House
from verger.base.db import Database
from verger.base.pages import Asked
from verger.domain.devices.attributes import AttributeStore, attribute_change_table
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Attributes, Batch, Event, Told
from verger.flows.recording import Recording


@pytest.fixture
def recording(house: House, db: Database) -> Recording:
    return Recording(db, EventStore(db), house.kept.attributes, house.screens)


def batch(told: Sequence[Told], received_at: int = 1_800_000_000_000_000) -> Batch:
    nothing = np.empty(0)
    return Batch(received_at, nothing.astype(np.uint32), nothing.astype(np.int64), nothing, tuple(told), 1)


def of(house: House, device: str, *said: Attributes | Event) -> list[Told]:
    return [Told(house.tenant, device, each) for each in said]


async def test_one_bad_message_does_not_lose_the_others_of_its_record(house: House, recording: Recording) -> None:
    device = (await house.add()).id
    good, late = of(house, device, Event("door.opened", id="1"), Event("door.closed", id="2"))
    with pytest.raises(IntegrityError):
        await recording.take(batch([good, Told(house.tenant, "nobody", Event("door.opened")), late]))
    page = await recording.events.page(house.tenant, device, Asked())
    assert {happened.kind for happened in page.items} == {"door.opened", "door.closed"}
    assert [word["kind"] for _, word in house.screens.told if word["type"] == "event"] == ["door.opened", "door.closed"]


async def test_many_words_are_kept_in_many_short_transactions(house: House, recording: Recording, db: Database) -> None:
    device = (await house.add()).id
    commits: list[object] = []
    event.listen(db.engine.sync_engine, "commit", commits.append)
    said: list[Attributes | Event] = [Attributes({f"key {number}": "x" for number in range(120)})]
    said += [Event("tick", id=str(number)) for number in range(600)]
    await recording.take(batch(of(house, device, *said)))
    assert len(commits) == 4
    assert len((await house.kept.attributes.of(house.tenant, [device]))[device].reported) == 120


async def test_a_value_that_is_what_it_was_makes_no_history(house: House, recording: Recording, db: Database) -> None:
    device = (await house.add()).id
    for at, state in enumerate(["on", "on", "off", "on", "on"], 1):
        await recording.take(batch(of(house, device, Attributes({"state": state}, at * 1000))))
    async with db.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(attribute_change_table)) == 3
    assert (await house.kept.attributes.of(house.tenant, [device]))[device].reported == {"state": "on"}


async def test_of_a_device_that_changes_its_mind_all_day_the_latest_changes_stay(house: House, db: Database) -> None:
    attributes = AttributeStore(db, most=10)
    recording = Recording(db, EventStore(db), attributes, house.screens)
    device, other = (await house.add()).id, (await house.add("Other")).id
    await recording.take(batch(of(house, other, Attributes({"state": "on"}, 1))))
    for number in range(12):
        await recording.take(batch(of(house, device, Attributes({"state": f"{number}"}, number * 1000))))
    page = await attributes.history(house.tenant, device, "state", Asked())
    assert [(one.before, one.value) for one in page.items][-2:] == [("2", "3"), (None, "2")]
    assert (len(page.items), attributes.dropped) == (10, 2)
    assert len((await attributes.history(house.tenant, other, "state", Asked())).items) == 1
    assert (await attributes.history("another", device, "state", Asked())).items == []


async def test_what_comes_again_after_a_crash_is_recorded_once(house: House, recording: Recording) -> None:
    device = (await house.add()).id
    told = batch(of(house, device, Event("door.opened"), Attributes({"state": "on"})))
    await recording.take(told)
    await recording.take(told)
    assert len((await recording.events.page(house.tenant, device, Asked())).items) == 1


async def test_a_kind_matches_itself_and_its_children_to_the_letter(house: House, recording: Recording) -> None:
    device = (await house.add()).id
    kinds = ("treatment", "treatment.basic", "Treatment.basic", "treatments", "treatment_x")
    await recording.take(batch(of(house, device, *(Event(kind) for kind in kinds))))
    page = await recording.events.page(house.tenant, device, Asked(), kind="treatment")
    assert {happened.kind for happened in page.items} == {"treatment", "treatment.basic"}

"""Tasks: kept for their organisation, changed by whoever read them last, told by when they are due."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

import verger.domain.alerts.store
import verger.domain.places.store  # noqa: F401  tables that tasks point to
from verger.base.clock import HOUR, moment
from verger.base.db import Database
from verger.base.errors import Invalid, Missing, Stale
from verger.base.pages import Asked
from verger.domain.tasks.model import NOTES_LONGEST, Priority, Task, TaskState
from verger.domain.tasks.store import TaskStore, WantedTasks
from verger.domain.tenancy import tables

NOW = 500_000 * HOUR


def task(number: int, due_h: int | None = None, **more: Any) -> Task:
    due = None if due_h is None else moment(NOW + due_h * HOUR)
    return Task(id=f"{number}", title=f"Task {number}", due=due, made_by="rule:dry", created_at=moment(NOW), **more)


@pytest_asyncio.fixture
async def store(db: Database) -> AsyncIterator[TaskStore]:
    kept = TaskStore(db)
    async with db.writing() as connection:
        for name in ("mine", "theirs"):
            row = {"id": name, "name": name, "timezone": "UTC", "created_at": moment(0), "version": 1}
            await connection.execute(tables.tenant.insert().values(row))
        for each in (
            task(1, 5),
            task(2, -1, device="pump"),
            task(3, priority=Priority.urgent),
            task(4),
            task(5, -2, state=TaskState.done),
            task(6, 48, priority=Priority.urgent),
        ):
            await kept.add(connection, "mine", each)
    yield kept


async def test_what_is_due_is_told_with_what_is_urgent_whenever(store: TaskStore) -> None:
    assert [each.id for each in await store.due("mine", moment(NOW + HOUR))] == ["3", "2", "6"]
    assert [each.id for each in await store.due("mine", moment(NOW), most=1)] == ["3"]
    assert await store.due("theirs", moment(NOW)) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (WantedTasks(state=TaskState.done), {"5"}),
        (WantedTasks(device="pump"), {"2"}),
        (WantedTasks(places=["barn"]), set()),
        (WantedTasks(), {"1", "2", "3", "4", "5", "6"}),
    ],
)
async def test_a_list_shows_what_was_asked_for(store: TaskStore, wanted: WantedTasks, expected: set[str]) -> None:
    assert {each.id for each in (await store.page("mine", Asked(), wanted)).items} == expected
    assert (await store.page("theirs", Asked(), wanted)).items == []


async def test_it_is_changed_and_removed_by_its_organisation_alone(store: TaskStore, db: Database) -> None:
    read = await store.get("mine", "1")
    done = structs.replace(read, state=TaskState.done, done_at=moment(NOW), done_by="user:ann")
    async with db.writing() as connection:
        with pytest.raises(Stale):
            await store.change(connection, "theirs", done)
        after = await store.change(connection, "mine", done)
        with pytest.raises(Stale):
            await store.change(connection, "mine", done)
        await store.remove(connection, "theirs", await store.find(connection, "mine", "1"))
        assert await store.find(connection, "mine", "1") == after == structs.replace(done, version=2)
        await store.remove(connection, "mine", await store.find(connection, "mine", "1"))
        with pytest.raises(Missing):
            await store.find(connection, "mine", "1")


def test_a_task_that_cannot_be_is_refused_by_field() -> None:
    with pytest.raises(Invalid) as refused:
        Task(id="1", title=" ", notes="x" * (NOTES_LONGEST + 1), made_by="user:ann", created_at=moment(NOW))
    assert [fault.field for fault in refused.value.faults] == ["title", "notes"]

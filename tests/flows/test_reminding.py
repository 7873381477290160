"""Whoever a task is for is told when it is due and when it is late, once each, whatever happens in between."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs
from sqlalchemy import select

from tests.people import Household, first_household, quick_tenancy
from verger.base.clock import DAY, HOUR, SECOND, HeldClock, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.base.jobs import Jobs
from verger.domain.notifications.outbox import Outbox
from verger.domain.notifications.tables import notice
from verger.domain.tasks.model import Priority, Task, TaskState
from verger.domain.tasks.store import TaskStore
from verger.domain.tenancy.model import Role
from verger.flows.reminding import Reminding

HOUR_S, DAY_S = HOUR // SECOND, DAY // SECOND


class Week:
    """One household with tasks, while the clock goes on."""

    def __init__(self, db: Database, clock: HeldClock, home: Household) -> None:
        self.db, self.clock, self.home = db, clock, home
        self.who = home.people[Role.member]
        self.begin()

    def begin(self) -> None:
        """Begin anew, knowing only what is kept."""
        self.store = TaskStore(self.db)
        self.reminding = Reminding(self.db, self.store, Outbox(self.db, self.clock), self.clock)
        self.store.listeners.append(self.reminding.heard)
        self.jobs = Jobs(self.db, self.clock, self.reminding.works)

    async def add(self, in_s: int = HOUR_S, **more: Any) -> Task:
        now = moment(self.clock.now())
        known: dict[str, Any] = {"title": "Sweep", "assignee": self.who, "made_by": "key:1", "created_at": now}
        task = Task(**known | {"id": new_id(), "due": now + timedelta(seconds=in_s)} | more)
        async with self.db.writing() as connection:
            await self.store.add(connection, self.home.tenant, task)
        return task

    async def change(self, task: Task, **changes: Any) -> Task:
        async with self.db.writing() as connection:
            return await self.store.change(connection, self.home.tenant, structs.replace(task, **changes))

    async def after(self, seconds: float) -> list[tuple[str, str]]:
        """Return (title, to) of what is told once some time has passed."""
        before = len(await self.told())
        self.clock.advance(seconds)
        while await self.jobs.run_due():
            pass
        return (await self.told())[before:]

    async def told(self) -> list[tuple[str, str]]:
        async with self.db.reading() as connection:
            rows = await connection.execute(select(notice.c.title, notice.c.to).order_by(notice.c.id))
            return [(row.title, row.to) for row in rows]


@pytest_asyncio.fixture
async def week(db: Database, clock: HeldClock) -> Week:
    return Week(db, clock, await first_household(quick_tenancy(db, clock)))


@pytest.mark.parametrize("restarts", [False, True])
async def test_each_time_is_told_once_also_over_restarts(week: Week, restarts: bool) -> None:  # noqa: FBT001
    await week.add()
    told = []
    for _ in range(30):
        if restarts:
            week.begin()
            await week.reminding.begin()
        told += await week.after(HOUR_S)
    assert told == [("Due now: Sweep", f"user:{week.who}"), ("Late: Sweep", f"user:{week.who}")]


async def test_an_urgent_one_is_late_after_an_hour_and_says_so_louder(week: Week) -> None:
    await week.add(priority=Priority.urgent)
    assert [title for title, _ in await week.after(HOUR_S)] == ["Due now: Sweep"]
    assert [title for title, _ in await week.after(HOUR_S)] == ["Late: Sweep"]
    async with week.db.reading() as connection:
        assert set((await connection.execute(select(notice.c.severity))).scalars()) == {"warning"}


async def test_what_is_nobodys_is_told_to_all_who_may_do_it(week: Week) -> None:
    await week.add(assignee=None)
    assert await week.after(HOUR_S) == [("Due now: Sweep", "members")]


async def test_what_is_done_or_gone_or_has_time_is_not_told(week: Week) -> None:
    done, gone, has_time = [await week.add() for _ in range(3)]
    await week.change(done, state=TaskState.done)
    await week.change(has_time, due=None)
    async with week.db.writing() as connection:
        await week.store.remove(connection, week.home.tenant, gone)
    assert await week.after(2 * DAY_S) == []


async def test_one_that_is_put_off_is_told_at_its_new_time_and_one_that_is_rewritten_is_not_told_again(
    week: Week,
) -> None:
    task = await week.add()
    task = await week.change(task, due=moment(week.clock.now() + 3 * HOUR))
    assert await week.after(2 * HOUR_S) == []
    assert [title for title, _ in await week.after(HOUR_S)] == ["Due now: Sweep"]
    task = await week.change(task, title="Sweep the chimney", assignee=week.home.people[Role.manager])
    assert await week.after(HOUR_S) == []
    assert await week.after(DAY_S) == [("Late: Sweep the chimney", f"user:{week.home.people[Role.manager]}")]
    await week.change(task, notes="Bring a ladder.")
    assert await week.after(2 * DAY_S) == []


async def test_what_fell_due_while_nothing_ran_is_told_once_even_if_it_was_rewritten_first(week: Week) -> None:
    task = await week.add()
    week.clock.advance(2 * HOUR_S)
    week.begin()
    await week.change(task, notes="Bring a ladder.")
    assert [title for title, _ in await week.after(0)] == ["Due now: Sweep"]
    await week.add(title="Mow")
    assert [title for title, _ in await week.after(3 * DAY_S)] == ["Late: Mow", "Late: Sweep"]


async def test_tasks_of_a_version_that_reminded_nobody_are_told_too(week: Week) -> None:
    week.store.listeners.clear()
    await week.add()
    await week.add(in_s=-HOUR_S)
    week.begin()
    await week.reminding.begin()
    assert [title for title, _ in await week.after(HOUR_S)] == ["Due now: Sweep"]

"""The clock is put back by an hour: what waits is as far off as it was, and what is heard is judged."""

from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.clock import HOUR, MINUTE, SECOND, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.base.jobs import ask, waiting
from verger.domain.commands.model import Command
from verger.domain.commands.store import CommandStore
from verger.domain.notifications.deliveries import DeliveryStore
from verger.domain.webhooks.calls import CallStore
from verger.flows.escalating import Escalating
from verger.flows.stepping import Due, Step

TASK: dict[str, Any] = {"task": {"title": "Look"}}
COLD: dict[str, Any] = {"metric": "t", "is": "below", "value": 3}
LASTING: dict[str, Any] = {"when": COLD | {"for_s": 600}, "then": [TASK]}
RESTING: dict[str, Any] = {"when": COLD, "then": [TASK], "rest_s": 900}
HOURLY: dict[str, Any] = {"when": {"schedule": "30 * * * *"}, "then": [TASK]}
EVENING: dict[str, Any] = {"when": {"between": ["21:00", "22:00"]}, "then": [TASK]}
RISE: dict[str, Any] = {"when": {"metric": "t", "is": "rises_by", "value": 5, "within_s": 600}, "then": [TASK]}
BACK = 3600


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def put_back(made: World, how: str, seconds: float = BACK) -> None:
    """Put the clock back, while all runs or while nothing does."""
    if how == "restarted":
        await made.automation.save()
    made.clock.advance(-seconds)
    if how == "restarted":
        await made.open()
    await made.automation.tick()


async def tasks(made: World) -> int:
    return (await made.count())["tasks"]


@pytest.mark.parametrize("how", ["running", "restarted"])
async def test_what_has_to_last_does_so_for_as_long_as_it_had_to(made: World, how: str) -> None:
    await made.rule(**LASTING)
    await made.say({"t": 2})
    await made.wait(240)
    await made.say({"t": 1})
    await put_back(made, how)
    await made.wait(350)
    assert await tasks(made) == 0
    await made.wait(20)
    assert await tasks(made) == 1


@pytest.mark.parametrize("how", ["running", "restarted"])
async def test_what_is_heard_is_judged_at_once(made: World, how: str) -> None:
    await made.rule(when=COLD, then=[TASK])
    await made.say({"t": 9})
    await put_back(made, how)
    made.clock.advance(1)
    await made.say({"t": 2})
    assert await tasks(made) == 1


async def test_what_was_received_by_the_wrong_clock_is_judged_as_if_it_came_now(made: World) -> None:
    await made.rule(**LASTING)
    await made.say({"t": 9})
    made.clock.advance(1)
    late = made.clock.now()
    await put_back(made, "running")
    cold = structs.replace(made.log[-1], received_at=late, at=np.array([late]), value=np.array([2.0]))
    await made.hear(cold)
    await made.wait(590)
    assert await tasks(made) == 0
    await made.wait(20)
    assert await tasks(made) == 1


async def test_a_rest_is_over_when_it_would_have_been(made: World) -> None:
    await made.rule(**RESTING)
    await made.say({"t": 2})
    await put_back(made, "running")
    made.clock.advance(890)
    await made.say({"t": 2})
    assert await tasks(made) == 1
    made.clock.advance(20)
    await made.say({"t": 2})
    assert await tasks(made) == 2


async def test_a_schedule_comes_when_the_clock_shows_its_time(made: World) -> None:
    await made.rule(**HOURLY)
    await made.wait(1)
    await put_back(made, "running", 100 * 24 * 3600)
    await made.wait(3600)
    assert await tasks(made) == 1


async def test_a_part_of_the_day_is_that_which_the_clock_shows(made: World) -> None:
    made.clock.at += int(21.5 * HOUR) - made.clock.at % (24 * HOUR)
    await made.rule(**EVENING)
    await made.wait(1)
    await made.wait(1)
    first = await tasks(made)
    await put_back(made, "running", 3 * 3600)
    await made.wait(1)
    await made.wait(3 * 3600)
    assert (first, await tasks(made)) == (1, 2)


async def test_a_rise_is_measured_from_what_came_just_before(made: World) -> None:
    await made.rule(**RISE)
    await made.say({"t": 10})
    await put_back(made, "running")
    made.clock.advance(300)
    await made.say({"t": 16})
    assert await tasks(made) == 1


async def test_a_rule_is_not_taken_for_wild_by_what_it_did_under_the_wrong_clock(made: World) -> None:
    rule = await made.rule(when=COLD, then=[TASK], most_per_hour=2)
    for value in (2, 9, 2, 9):
        made.clock.advance(10)
        await made.say({"t": value})
    await put_back(made, "running")
    await made.wait(3590)
    await made.say({"t": 2})
    kept = await made.kept.rules.get(made.house.tenant, rule.id)
    assert (kept.paused_because, await tasks(made)) == (None, 3)


async def test_what_moved_with_the_clock_is_on_disk_at_once(made: World) -> None:
    await made.rule(**LASTING)
    await made.say({"t": 2})
    await put_back(made, "running")
    await made.open()
    await made.wait(590)
    assert await tasks(made) == 0
    await made.wait(20)
    await made.open()
    await made.wait(1)
    assert await tasks(made) == 1


async def test_a_few_minutes_are_waited_out(made: World) -> None:
    heard: list[Step] = []

    async def heed(_connection: object, step: Step) -> None:
        heard.append(step)

    made.automation.heeds.append(heed)
    await made.automation.tick()
    await put_back(made, "running", 599)
    assert heard == []
    await put_back(made, "running", 2)
    await made.automation.tick()
    assert [step.back for step in heard] == [601 * SECOND]


@pytest_asyncio.fixture
async def due(made: World) -> Due:
    """Return what is due later besides the timers of rules; it heeds the clock."""
    calls: CallStore = made.book.calls
    unused: Any = None
    escalating = Escalating(made.db, made.alerts, unused, unused, made.clock, made.automation.caught_up, unused)
    due = Due(escalating, CommandStore(made.db), DeliveryStore(made.db), calls)
    made.automation.heeds.append(due.stepped)
    return due


async def test_a_command_is_given_up_when_it_would_have_been(made: World, due: Due) -> None:
    now = made.clock.now()
    order = Command(
        id=new_id(),
        device=made.device,
        method="pulse",
        asked_by="user:ann",
        asked_at=moment(now),
        expires_at=moment(now + 60 * SECOND),
    )
    async with made.db.writing() as connection:
        await due.commands.add(connection, made.house.tenant, order)
    await made.automation.tick()
    await put_back(made, "running")
    kept = await due.commands.get(made.house.tenant, order.id)
    assert kept.expires_at == moment(made.clock.now() + 60 * SECOND)
    assert kept.steps[0].at == kept.asked_at == moment(made.clock.now())


@pytest.mark.usefixtures("due")
async def test_jobs_are_as_far_off_as_they_were_and_what_people_wrote_stays(made: World) -> None:
    now = made.clock.now()
    going = {"tenant": made.house.tenant, "alert": "a", "since": now, "told_at": now}
    async with made.db.writing() as connection:
        await ask(connection, "alert.tell", "a", now + 10 * MINUTE, going)
        await ask(connection, "task.remind", "b", now + 10 * MINUTE, [])
    await made.automation.tick()
    await put_back(made, "running")
    async with made.db.reading() as connection:
        found = {each.kind: each for each in await waiting(connection)}
    assert found["alert.tell"].run_at == made.clock.now() + 10 * MINUTE
    assert found["alert.tell"].payload["since"] == made.clock.now()
    assert found["task.remind"].run_at == now + 10 * MINUTE

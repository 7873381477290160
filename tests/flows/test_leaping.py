"""The clock is set forward, or the machine slept: schedules were missed, and come once or not at all."""

from typing import Any

import pytest
import pytest_asyncio

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database

TASK: dict[str, Any] = {"task": {"title": "Look"}}
EACH = {"schedule": "*/5 * * * *"}
LEAP = 10 * 3600


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def ticks(made: World, seconds: int) -> None:
    for _ in range(seconds // 10):
        await made.wait(10)


@pytest.mark.parametrize("first", ["time", "reading"])
@pytest.mark.parametrize(("catch_up", "missed"), [("skip", 0), ("once", 1)])
async def test_what_was_due_within_a_leap_was_missed(made: World, catch_up: str, missed: int, first: str) -> None:
    either = [EACH | {"catch_up": catch_up}, {"metric": "t", "is": "below", "value": -99}]
    await made.rule(when={"any": either}, then=[TASK])
    await ticks(made, 600)
    assert (await made.count())["tasks"] == 2
    made.clock.leap(LEAP + 7)
    if first == "reading":
        await made.say({"t": 5})
    await ticks(made, 20)
    assert (await made.count())["tasks"] == 2 + missed
    await ticks(made, 600)
    assert (await made.count())["tasks"] == 4 + missed


async def test_what_falls_due_while_little_time_is_left_to_look_is_not_missed(made: World) -> None:
    await made.rule(when=EACH, then=[TASK])
    await made.automation.tick()
    await made.wait(600)
    assert (await made.count())["tasks"] == 2


async def test_the_hour_of_a_machine_that_did_not_know_it_leads_to_no_flood(made: World) -> None:
    await made.rule(when={"schedule": "* * * * *"}, then=[{"notify": {"to": "members", "message": "A minute"}}])
    made.clock.leap(400 * 86_400)
    await made.wait(1)
    assert (await made.count())["notices"] <= 1

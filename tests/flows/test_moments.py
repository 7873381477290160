"""What a device says in one message is of one moment: rules know all of it before they judge any of it."""

from typing import Any

import pytest
import pytest_asyncio

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database

LOW: dict[str, Any] = {"metric": "t", "is": "below", "value": 5}
OPEN: dict[str, Any] = {"metric": "door", "is": "equal", "value": 1}
ON: dict[str, Any] = {"attribute": "on", "equals": True}
ALERT: dict[str, Any] = {"alert": {"message": "t is {value}"}}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


@pytest.mark.parametrize("again", [False, True], ids=["whole", "with restarts"])
async def test_two_numbers(made: World, *, again: bool) -> None:
    await made.rule(when={"all": [LOW, OPEN]}, then=[ALERT])
    for values in ({"t": 8, "door": 1}, {"t": 4, "door": 0}, {"door": 1, "t": 8}, {"door": 0, "t": 3}):
        made.clock.advance(10)
        await made.say(values)
        if again:
            await made.open()
    assert (await made.count())["runs"] == 0
    made.clock.advance(10)
    await made.say({"t": 2, "door": 1})
    assert [alert.value for alert in await made.alerts.everything_open(made.house.tenant)] == [2]


async def test_a_number_and_an_attribute(made: World) -> None:
    await made.rule(when={"all": [LOW, {"not": ON}]}, then=[ALERT])
    await made.say({"t": 8}, state={"on": False})
    made.clock.advance(10)
    await made.say({"t": 4}, state={"on": True})
    assert (await made.count())["runs"] == 0
    made.clock.advance(10)
    await made.say({"t": 3}, state={"on": False})
    assert (await made.count())["runs"] == 1


async def test_one_message_is_one_recurrence(made: World) -> None:
    await made.rule(when={"all": [LOW, OPEN]}, then=[ALERT])
    for _ in range(3):
        made.clock.advance(10)
        await made.say({"t": 4, "door": 1})
    await made.automation.save()
    assert [alert.count for alert in await made.alerts.everything_open(made.house.tenant)] == [3]

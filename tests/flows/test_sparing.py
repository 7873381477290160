"""A rule leaves devices alone that it is not for, from the moment that somebody says so, and goes on for all others."""

from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.domain.telemetry.model import Event

FROST: dict[str, Any] = {
    "name": "Frost",
    "when": {"metric": "t", "is": "below", "value": 3, "clear": 5},
    "then": [{"alert": {"message": "{device}"}}],
}
LASTING: dict[str, Any] = FROST | {"when": FROST["when"] | {"for_s": 60}}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def opened(made: World) -> set[str | None]:
    return {alert.device for alert in await made.alerts.everything_open(made.house.tenant)}


async def test_a_rule_is_not_judged_for_a_device_that_it_is_not_for(made: World) -> None:
    other = (await made.house.add("Other")).id
    await made.rule(**FROST, not_for=[other])
    for device in (made.device, other):
        await made.say({"t": 1}, device=device)
    assert await opened(made) == {made.device}


async def test_events_and_times_are_not_judged_for_it_either(made: World) -> None:
    alert = [{"alert": {"message": "{device}"}}]
    await made.rule(when={"event": "door"}, then=alert, not_for=[made.device])
    timed = {"all": [{"schedule": "*/10 * * * *"}, {"metric": "t", "is": "above", "value": 0}]}
    await made.rule(when=timed, then=alert, not_for=[made.device])
    await made.say({"t": 1})
    await made.tell(Event("door", None, None, "1"))
    await made.wait(700)
    assert await opened(made) == set()


@pytest.mark.parametrize("again", [False, True])
async def test_what_was_open_or_ran_for_a_device_ends_when_it_is_spared(made: World, *, again: bool) -> None:
    other = (await made.house.add("Other")).id
    frost, lasting = await made.rule(**FROST), await made.rule(**LASTING)
    for device in (made.device, other):
        await made.say({"t": 1}, device=device)
    assert await opened(made) == {made.device, other}
    for rule in (frost, lasting):
        await made.ruling.spare(made.house.tenant, rule.id, other)
        await made.ruling.spare(made.house.tenant, rule.id, other)
    assert await opened(made) == {made.device}
    if again:
        await made.open()
    await made.wait(120)
    assert {alert.device for alert in await made.alerts.everything_open(made.house.tenant)} == {made.device}
    assert (await made.count())["open"] == 2
    await made.say({"t": 1}, device=other)
    assert await opened(made) == {made.device}


async def test_a_device_that_is_spared_no_longer_begins_anew(made: World) -> None:
    rule = await made.rule(**FROST)
    await made.say({"t": 1})
    await made.ruling.spare(made.house.tenant, rule.id, made.device)
    await made.say({"t": 1})
    await made.ruling.spare(made.house.tenant, rule.id, made.device, spared=False)
    assert await opened(made) == set()
    made.clock.advance(10)
    await made.say({"t": 1})
    assert await opened(made) == {made.device}


async def test_a_change_that_spares_a_device_keeps_what_others_know(made: World) -> None:
    other = (await made.house.add("Other")).id
    rule = await made.rule(**FROST, rest_s=3600)
    for device in (made.device, other):
        await made.say({"t": 1}, device=device)
    await made.ruling.change(made.house.tenant, rule, structs.replace(rule, not_for=(other,)), None)
    assert await opened(made) == {made.device}
    made.clock.advance(60)
    await made.say({"t": 1})
    assert (await made.count())["runs"] == 2

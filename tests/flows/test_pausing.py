"""A rule that one device makes fire too often is paused: what it had told of others stays told, and no timer runs."""

from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.domain.rules.accepted import KeptRule
from verger.domain.telemetry.model import Event
from verger.flows.pausing import Pausing

FREEZING: dict[str, Any] = {
    "when": {"metric": "t", "is": "below", "value": 3},
    "then": [{"alert": {"severity": "critical", "message": "Freezing"}}],
    "most_per_hour": 3,
}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def opened(made: World) -> set[tuple[str, str | None, str]]:
    found = await made.alerts.everything_open(made.house.tenant)
    return {(alert.rule.partition(" ")[0], alert.device, alert.severity) for alert in found}


async def paused(made: World) -> tuple[KeptRule, str]:
    """Let one device freeze and another one flap until its rule is paused."""
    rule, other = await made.rule(**FREEZING), (await made.house.add("Door")).id
    made.automation.court.book.moved(made.house.tenant)
    await made.say({"t": 1})
    for value in (2, 6) * 4:
        made.clock.advance(10)
        await made.say({"t": value}, device=other)
    kept = await made.kept.rules.get(made.house.tenant, rule.id)
    assert kept.paused_at is not None
    return kept, other


async def test_what_it_had_opened_stays_open_and_that_it_is_paused_matters_as_much(made: World) -> None:
    rule, _ = await paused(made)
    assert await opened(made) == {(rule.id, made.device, "critical"), ("paused", None, "critical")}


@pytest.mark.parametrize("enabled", [True, False])
async def test_it_ends_as_soon_as_the_rule_judges_again_or_is_to_judge_no_more(made: World, *, enabled: bool) -> None:
    rule, _ = await paused(made)
    await made.ruling.change(made.house.tenant, rule, structs.replace(rule, enabled=enabled), None)
    assert await opened(made) == set()
    made.clock.advance(10)
    await made.say({"t": 0})
    assert await opened(made) == ({(rule.id, made.device, "critical")} if enabled else set())


async def test_what_had_to_last_begins_anew_once_the_rule_judges_again(made: World) -> None:
    lasting = FREEZING | {"when": {"any": [{"metric": "t", "is": "below", "value": 3, "for_s": 60}, {"event": "door"}]}}
    rule = await made.rule(**lasting | {"most_per_hour": 1})
    await made.say({"t": 1})
    for number in range(2):
        await made.tell(Event("door", None, None, str(number)))
    await made.wait(120)
    kept = await made.kept.rules.get(made.house.tenant, rule.id)
    assert (kept.paused_at is not None, (await made.count())["runs"]) == (True, 1)
    await made.ruling.change(made.house.tenant, kept, kept, None)
    await made.wait(120)
    assert (await made.count())["runs"] == 1
    await made.say({"t": 1})
    await made.wait(59)
    assert (await made.count())["runs"] == 1
    await made.wait(2)
    assert (await made.count())["runs"] == 2


@pytest.mark.parametrize(("when", "fades"), [({"event": "door"}, True), (FREEZING["when"], False)])
async def test_the_alert_of_a_moment_ends_by_itself_though_its_rule_is_paused(
    made: World, when: Any, *, fades: bool
) -> None:
    rule = await made.rule(**FREEZING | {"when": when, "then": [{"alert": {"message": "!", "clear_after_s": 60}}]})
    await made.say({"t": 1})
    await made.tell(Event("door", None, None, "1"))
    async with made.db.writing() as connection:
        pausing = Pausing(made.kept, made.alerts, made.clock)
        await pausing.pause(connection, made.house.tenant, rule, "It went wild.", "See to it.")
    found = {alert.rule: alert.momentary for alert in await made.alerts.everything_open(made.house.tenant)}
    assert found == {rule.id: fades, f"paused {rule.id}": False}

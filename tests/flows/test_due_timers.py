"""Between the moment that a timer of a rule falls due and the tick that sees it, no reading escapes the rules."""

from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.base.errors import Busy
from verger.base.pages import Asked
from verger.domain.rules.runs import Run

PULSE: dict[str, Any] = {"command": {"method": "pulse"}}
TASK: dict[str, Any] = {"task": {"title": "Look"}}
DRY: dict[str, Any] = {"when": {"metric": "soil", "is": "below", "value": 30}, "then": [PULSE]}
RESTING = DRY | {"rest_s": 100}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def runs(made: World, rule: str) -> list[Run]:
    found = (await made.kept.runs.page(made.house.tenant, rule, Asked())).items
    return sorted(found, key=lambda run: run.at)


async def after(made: World, seconds: float, values: Mapping[str, float]) -> None:
    """Let time pass, and something be said before anybody looks at a timer."""
    made.clock.advance(seconds)
    await made.say(values)


async def test_a_value_that_comes_as_soon_as_a_rest_is_over_is_judged(made: World) -> None:
    rule = await made.rule(**RESTING)
    await made.say({"soil": 20})
    await after(made, 50, {"soil": 19})
    await after(made, 50.1, {"soil": 18})
    assert [run.because[0].value for run in await runs(made, rule.id)] == [20, 18]


async def test_a_value_after_a_rest_is_judged_though_another_rule_that_hears_it_is_bound_meanwhile(made: World) -> None:
    rule = await made.rule(**RESTING)
    await made.rule(when={"metric": "soil", "is": "below", "value": 10}, then=[TASK])
    await made.say({"soil": 20})
    made.clock.advance(100.1)
    await made.say({"other": 1})
    await after(made, 0.01, {"soil": 18})
    await after(made, 0.01, {"soil": 17})
    assert [run.because[0].value for run in await runs(made, rule.id)] == [20, 18]


async def test_a_rest_that_is_over_is_over_though_what_it_led_to_could_not_be_kept(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = await made.rule(**RESTING)
    await made.say({"soil": 20})
    await made.rule(when={"schedule": "* * * * *"}, then=[TASK])
    await made.wait(1)
    made.clock.advance(99.1)
    with monkeypatch.context() as broken:
        broken.setattr(made.kept.runs, "add", lambda *_: (_ for _ in ()).throw(Busy("The disk is full.")))
        with pytest.raises(Busy):
            await made.automation.tick()
    await made.say({"soil": 18})
    assert [run.because[0].value for run in await runs(made, rule.id)] == [20, 18]


async def test_what_some_of_many_rules_did_is_known_though_the_others_could_not_be_kept(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [await made.rule(**DRY | {"then": [TASK]}) for _ in range(45)]
    await made.say({"soil": 40})
    made.clock.advance(1)
    with monkeypatch.context() as broken:
        broken.setattr(made.kept.facts, "done", lambda *_: (_ for _ in ()).throw(Busy("The disk is full.")))
        with pytest.raises(Busy):
            await made.say({"soil": 20})
    await after(made, 1, {"soil": 41})
    await after(made, 1, {"soil": 21})
    assert [len(await runs(made, rule.id)) for rule in rules[:40]] == [2] * 40


async def test_a_schedule_fires_by_what_held_when_it_was_due(made: World) -> None:
    every_minute = {"all": [{"schedule": "* * * * *"}, DRY["when"]]}
    wet = await made.rule(when=every_minute, then=[TASK])
    await made.say({"soil": 20})
    made.clock.advance(-made.clock.now() / 1e6 % 60)
    await made.automation.tick()
    await after(made, 60.05, {"soil": 40})
    await made.wait(0.1)
    assert len(await runs(made, wet.id)) == 1

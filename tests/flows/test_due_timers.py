"""Between the moment that a timer of a rule falls due and the tick that sees it, no reading escapes the rules."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.clock import SECOND, moment
from verger.base.db import Database
from verger.base.errors import Busy
from verger.base.pages import Asked
from verger.domain.rules.runs import Run
from verger.flows.presence import Quiet
from verger.flows.silences import Silences

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


async def test_a_rule_that_is_written_changed_or_enabled_hears_the_very_next_value(made: World) -> None:
    await made.say({"soil": 20})
    rule = await made.rule(**DRY)
    await after(made, 1, {"soil": 20})
    lower = structs.replace(rule.when, value=15)
    changed = await made.ruling.change(made.house.tenant, rule, structs.replace(rule, when=lower), None)
    await after(made, 1, {"soil": 14})
    off = await made.ruling.change(made.house.tenant, changed, structs.replace(changed, enabled=False), None)
    await after(made, 1, {"soil": 13})
    await made.ruling.change(made.house.tenant, off, structs.replace(off, enabled=True), None)
    await after(made, 1, {"soil": 12})
    assert [run.because[0].value for run in await runs(made, rule.id)] == [20, 14, 12]


async def test_a_part_of_the_day_lets_in_what_comes_as_soon_as_it_begins(made: World) -> None:
    now = moment(made.clock.now())
    begins = [f"{now + timedelta(minutes=minutes):%H:%M}" for minutes in (2, 60)]
    rule = await made.rule(**DRY | {"only_if": {"between": begins}})
    await made.say({"soil": 40})
    await after(made, 120 - made.clock.now() / SECOND % 60 + 0.05, {"soil": 20})
    assert len(await runs(made, rule.id)) == 1


async def test_a_silent_device_that_speaks_again_is_judged_by_its_first_word(made: World) -> None:
    silent = Silences(made.automation.court, lambda _: Quiet(), made.clock)
    made.automation.silences = silent
    rule = await made.rule(**DRY | {"when": DRY["when"] | {"clear": 35}, "when_silent": "reset"})
    await made.say({"soil": 20})
    silent.turned(made.device, silent=True, at=made.clock.now())
    await made.wait(1)
    await after(made, 100, {"soil": 20})
    assert len(await runs(made, rule.id)) == 2


async def test_what_a_rule_did_before_a_person_enabled_it_anew_counts_no_more_after_a_restart(made: World) -> None:
    rule = await made.rule(**DRY | {"most_per_hour": 2})
    for value in (20, 40) * 3:
        await after(made, 1, {"soil": value})
    paused = await made.kept.rules.get(made.house.tenant, rule.id)
    assert paused.paused_because is not None
    await made.ruling.change(made.house.tenant, paused, paused, None)
    await after(made, 1, {"soil": 20})
    await made.automation.save()
    await made.open()
    for value in (40, 20, 40):
        await after(made, 1, {"soil": value})
    assert (await made.kept.rules.get(made.house.tenant, rule.id)).paused_because is None
    assert len(await runs(made, rule.id)) == 4
    await made.open()
    await after(made, 1, {"soil": 20})
    assert (await made.kept.rules.get(made.house.tenant, rule.id)).paused_because is not None


async def test_a_schedule_that_runs_is_that_of_the_time_zone_which_its_place_is_given(made: World) -> None:
    early = await made.rule(when={"schedule": "0 9 * * *"}, then=[TASK])  # it is 08:00 in UTC, and 17:00 in Tokyo
    begun = await made.rule(when={"between": ["16:00", "18:00"]}, then=[TASK])
    await made.wait(1)
    tokyo = structs.replace(made.house.place, timezone="Asia/Tokyo")
    await made.house.places.change(made.house.tenant, tokyo)
    made.automation.court.book.moved(made.house.tenant)
    await made.wait(0.2)
    await made.wait(2 * 3600)
    assert [len(await runs(made, rule.id)) for rule in (early, begun)] == [0, 1]
    await made.wait(15 * 3600)
    assert len(await runs(made, early.id)) == 1


async def test_a_rule_whose_place_lost_its_coordinates_for_a_while_goes_on_when_it_has_them(made: World) -> None:
    helsinki = structs.replace(made.house.place, latitude=60.17, longitude=24.94)
    there = await made.house.places.change(made.house.tenant, helsinki)
    rule = await made.rule(when={"sun": "sunset"}, then=[TASK])
    await made.wait(1)
    nowhere = await made.house.places.change(made.house.tenant, structs.replace(there, latitude=None, longitude=None))
    made.automation.court.book.moved(made.house.tenant)
    await made.wait(0.2)
    await made.wait(24 * 3600)
    assert len(await runs(made, rule.id)) == 0
    await made.house.places.change(made.house.tenant, structs.replace(nowhere, latitude=60.17, longitude=24.94))
    made.automation.court.book.moved(made.house.tenant)
    await made.wait(1)
    await made.wait(24 * 3600)
    assert len(await runs(made, rule.id)) == 1

"""Rules hear of silence, of its end, and of neither twice; whatever ended between."""

from typing import Any

import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.clock import SECOND
from verger.base.db import Database
from verger.base.pages import Asked
from verger.flows.presence import Quiet
from verger.flows.silences import Silences

TASK: dict[str, Any] = {"task": {"title": "Look after {device}"}}
SILENT: dict[str, Any] = {"when": {"silent_for_s": 300}, "then": [{"alert": {"message": "Silent"}}]}
DRY: dict[str, Any] = {"when": {"metric": "soil", "is": "below", "value": 30, "for_s": 120}}


class Ears:
    """Hears one device, as presence would."""

    def __init__(self, made: World) -> None:
        self.made, self.lost = made, 0.0
        self.spoke(told=False)
        self.begin()

    def begin(self) -> None:
        """Listen as a process does that has just begun."""
        self.silences = Silences(self.made.automation.court, self.heard, self.made.clock)
        self.made.automation.silences = self.silences
        self.silences.begin()

    def heard(self, _: str) -> Quiet:
        for_s = (self.made.clock.now() - self.at) / SECOND - self.lost
        return Quiet(silent_since=self.at if for_s > 300 else None, last_seen=self.at, for_s=for_s)

    def spoke(self, *, told: bool = True) -> None:
        self.at, self.lost = self.made.clock.now(), 0.0
        if told:
            self.silences.turned(self.made.device, silent=False, at=self.at)


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def runs(made: World, rule: str) -> int:
    return len((await made.kept.runs.page(made.house.tenant, rule, Asked())).items)


async def test_silence_makes_a_command_wait_and_may_be_a_condition(made: World) -> None:
    ears = Ears(made)
    spoken = await made.rule(when={"silent_for_s": 300}, then=[TASK])
    lasting = await made.rule(**DRY, then=[{"command": {"method": "pulse"}}])
    await made.say({"soil": 10})
    await made.wait(1)
    ears.silences.turned(made.device, silent=True, at=made.clock.now())
    await made.wait(301)
    await made.wait(200)
    assert (await runs(made, spoken.id), await runs(made, lasting.id)) == (1, 0)
    ears.spoke()
    await made.say({"soil": 11})
    await made.wait(121)
    await made.wait(121)
    assert (await runs(made, spoken.id), await runs(made, lasting.id)) == (1, 1)


async def test_who_spoke_just_before_an_end_is_silent_no_more_after_it(made: World) -> None:
    ears = Ears(made)
    await made.rule(**SILENT)
    await made.wait(1)
    await made.wait(300)
    assert (await made.count())["open"] == 1
    made.clock.advance(1)
    ears.spoke(told=False)
    await made.open()
    ears.begin()
    await made.wait(2)
    assert (await made.count())["open"] == 0


async def test_a_crash_that_forgot_a_little_silence_ends_no_alert_and_opens_none_anew(made: World) -> None:
    ears = Ears(made)
    rule = await made.rule(**SILENT)
    await made.wait(1)
    await made.wait(300)
    await made.open()
    ears.lost = 60
    ears.begin()
    for _ in range(3):
        await made.wait(40)
    assert ((await made.count())["open"], await runs(made, rule.id)) == (1, 1)
    ears.spoke()
    await made.wait(2)
    assert (await made.count())["open"] == 0


async def test_a_rule_that_is_enabled_anew_hears_of_a_silence_that_goes_on(made: World) -> None:
    Ears(made)
    rule = await made.rule(**SILENT)
    await made.wait(1)
    await made.wait(300)
    off = await made.ruling.change(made.house.tenant, rule, structs.replace(rule, enabled=False), None)
    await made.wait(2)
    await made.ruling.change(made.house.tenant, off, structs.replace(off, enabled=True), None)
    await made.wait(2)
    await made.wait(2)
    assert ((await made.count())["open"], await runs(made, rule.id)) == (1, 2)


async def test_what_waits_for_a_device_goes_on_when_it_spoke_just_before_an_end(made: World) -> None:
    ears = Ears(made)
    rule = await made.rule(**DRY, then=[{"command": {"method": "pulse"}}])
    await made.say({"soil": 10})
    ears.silences.turned(made.device, silent=True, at=made.clock.now())
    await made.wait(200)
    ears.spoke(told=False)
    await made.say({"other": 1})
    await made.automation.save()
    await made.open()
    ears.begin()
    await made.wait(2)
    assert await runs(made, rule.id) == 1

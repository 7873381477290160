"""Automation: what is heard, and what rules make of it; also with an end and a new beginning between any two steps."""

from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import Steps, World, walk, world
from verger.base.db import Database
from verger.base.errors import Busy, Invalid
from verger.base.pages import Asked
from verger.domain.alerts.model import resolved
from verger.domain.commands.model import Stage, acknowledged, answered
from verger.domain.rules.facts import Moved
from verger.domain.rules.runs import Run
from verger.domain.telemetry.model import Attributes, Batch, Event

FROST: dict[str, Any] = {
    "name": "Frost",
    "when": {"metric": "t", "is": "below", "value": 3, "clear": 5},
    "then": [{"alert": {"severity": "critical", "message": "{value} degrees at {device}"}}],
}
LASTING: dict[str, Any] = FROST | {"when": FROST["when"] | {"for_s": 120}}
PULSE: dict[str, Any] = {"command": {"method": "pulse", "params": {"duration_s": 20}}}
DRY: dict[str, Any] = {
    "name": "Water",
    "when": {"metric": "soil", "is": "below", "value": 30, "clear": 35},
    "then": [PULSE, {"task": {"title": "Check {device}", "due_in_s": 3600}}],
    "rest_s": 1800,
}
TEN_MINUTES: dict[str, Any] = {"when": {"schedule": "*/10 * * * *"}, "then": [{"task": {"title": "Look"}}]}
CAUGHT_UP: dict[str, Any] = TEN_MINUTES | {"when": {"schedule": "*/10 * * * *", "catch_up": "once"}}
RISE: dict[str, Any] = {
    "when": {"metric": "t", "is": "rises_by", "value": 5, "within_s": 600},
    "then": [{"notify": {"to": "managers", "message": "{device} grows hot"}}],
}
CASES: dict[str, tuple[dict[str, Any], Steps, dict[str, int]]] = {
    "an alert opens once and ends": (
        FROST,
        [(0, {"t": 10}), (60, {"t": 2}), (60, {"t": 1}), (60, {"t": 4}), (60, {"t": 6})],
        {"runs": 1, "alerts": 1, "open": 0},
    ),
    "an alert stays open within its bands": (
        FROST,
        [(0, {"t": 2}), (60, {"t": 4.5})],
        {"runs": 1, "alerts": 1, "open": 1},
    ),
    "what has to last does so though nothing more is heard": (
        LASTING,
        [(0, {"t": 2}), (119, None), (2, None), (100, None)],
        {"runs": 1, "alerts": 1, "open": 1},
    ),
    "what does not last leads to nothing": (
        LASTING,
        [(0, {"t": 2}), (60, {"t": 7}), (200, None)],
        {"runs": 0, "alerts": 0, "open": 0},
    ),
    "a rule rests after it fired": (
        DRY,
        [(0, {"soil": 20}), (60, {"soil": 40}), (60, {"soil": 20}), (60, {"soil": 40})],
        {"runs": 1, "commands": 1, "tasks": 1},
    ),
    "a schedule runs at its times": (TEN_MINUTES, [(0, None), (601, None), (600, None)], {"runs": 2, "tasks": 2}),
    "a rise is seen over several readings": (
        RISE,
        [(0, {"t": 10}), (200, {"t": 13}), (200, {"t": 15.5}), (900, {"t": 15})],
        {"runs": 1, "notices": 1},
    ),
}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


@pytest.mark.parametrize("between", ["", "stopped", "killed"])
async def test_what_is_said_comes_to_the_same_whatever_happens_between(made: World, between: str) -> None:
    for case, (written, steps, wanted) in CASES.items():
        before = await made.count()
        rule = await made.rule(**written)
        await walk(made, steps, between)
        after = await made.count()
        assert {name: after[name] - before[name] for name in wanted} == wanted, case
        await made.ruling.change(made.house.tenant, rule, structs.replace(rule, enabled=False), None)
        made.clock.advance(3600)


async def runs(made: World, rule: str) -> list[Run]:
    return (await made.kept.runs.page(made.house.tenant, rule, Asked())).items


async def test_a_run_tells_why_and_how_each_action_ended(made: World) -> None:
    rule = await made.rule(**DRY)
    await made.say({"soil": 20})
    [run] = await runs(made, rule.id)
    assert (run.because[0].metric, run.because[0].value) == ("soil", 20)
    command, task = run.then
    assert (command.state, task.state) == ("queued", "done")
    async with made.db.writing() as connection:
        kept = await made.commands.find(connection, made.house.tenant, command.id or "")
        kept = await made.commands.change(connection, made.house.tenant, acknowledged(kept, made.clock.now(), "PUBACK"))
        failed = answered(kept, {"error": "The valve is stuck."}, made.clock.now())
        await made.commands.change(connection, made.house.tenant, failed)
    [run] = await runs(made, rule.id)
    assert (run.then[0].state, run.then[0].error) == (Stage.failed, "The valve is stuck.")


async def test_messages_name_the_value_and_the_device(made: World) -> None:
    await made.rule(**FROST)
    await made.say({"t": 2.5})
    [alert] = await made.alerts.everything_open(made.house.tenant)
    assert (alert.message, alert.value, alert.device) == ("2.5 degrees at Hall sensor", 2.5, made.device)


async def test_what_is_sent_again_or_comes_late_is_not_judged(made: World) -> None:
    await made.rule(**FROST)
    await made.say({"t": 10})
    await made.say({"t": 2}, ago_s=60)
    await made.open()
    await made.say({"t": 1}, ago_s=30)
    await made.wait(3600)
    await made.say({"t": 1}, ago_s=700)
    assert (await made.count())["runs"] == 0


async def test_what_could_not_be_kept_is_judged_again(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await made.rule(**FROST)
    await made.say({"t": 10})
    with monkeypatch.context() as broken:
        made.clock.advance(10)
        broken.setattr(made.alerts, "open", lambda *_: (_ for _ in ()).throw(Busy("The disk is full.")))
        with pytest.raises(Busy):
            await made.say({"t": 2})
    assert (await made.count())["runs"] == 0
    await made.automation.take(made.log[-1])
    assert (await made.count())["runs"] == 1


async def test_many_at_once_are_kept_some_at_a_time_and_none_twice(made: World) -> None:
    await made.rule(**FROST | {"then": [{"task": {"title": "Look"}}]})
    for number in range(90):
        await made.say({"t": 9}, device=(await made.house.add(f"Probe {number}")).id)
    numbers = [series.number for series in await made.house.kept.series.of_tenant(made.house.tenant)]
    made.clock.advance(1)
    cold = Batch(made.clock.now(), np.array(numbers, np.uint32), np.full(90, made.clock.now()), np.full(90, 1.0))
    await made.hear(cold)
    assert (await made.count())["tasks"] == 90


async def test_what_many_rules_make_of_commands_is_kept_with_their_end_or_not_at_all(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(42):
        await made.rule(when={"command": "pulse", "stage": "queued"}, then=[{"task": {"title": "It pulses"}}])
    await made.rule(**DRY | {"then": [PULSE]})
    await made.rule(**FROST | {"then": [PULSE]})
    await made.say({"soil": 10})
    made.clock.advance(1)
    await made.say({"t": 1})
    with monkeypatch.context() as broken:
        broken.setattr(made.kept.facts, "done", lambda *_: (_ for _ in ()).throw(Busy("The disk is full.")))
        with pytest.raises(Busy):
            await made.wait(1)
    await made.open()
    await made.wait(1)
    await made.wait(1)
    assert (await made.count())["tasks"] == 84


async def test_however_many_facts_wait_none_waits_for_long(made: World) -> None:
    never = {"metric": "x", "is": "above", "value": 1}
    await made.rule(when={"command": "pulse", "stage": "expired"}, only_if=never, then=[{"task": {"title": "Look"}}])
    async with made.db.writing() as connection:
        for number in range(1050):
            fact = Moved(made.device, "pulse", "expired", made.clock.now() + number)
            await made.kept.facts.add(connection, made.house.tenant, fact)
    for _ in range(11):
        made.clock.advance(4.9)  # little time goes by between two looks, but more than was expected of any word
        await made.automation.tick()
    assert await made.kept.facts.first() == []


async def test_what_was_taken_is_not_said_to_be_kept_before_it_is(made: World) -> None:
    assert made.automation.settled() == 0
    await made.say({"t": 10})
    assert made.automation.settled() == 0
    await made.automation.save()
    assert made.automation.settled() == 1


async def test_a_rule_that_fires_too_often_is_paused_and_says_so(made: World) -> None:
    rule = await made.rule(**FROST | {"most_per_hour": 2})
    for value in (2, 6) * 4:
        made.clock.advance(10)
        await made.say({"t": value})
    kept = await made.kept.rules.get(made.house.tenant, rule.id)
    assert "2 times" in (kept.paused_because or "")
    [alert] = await made.alerts.everything_open(made.house.tenant)
    assert "paused" in alert.message
    assert (await made.count())["runs"] == 2
    await made.ruling.change(made.house.tenant, kept, kept, None)
    made.clock.advance(10)
    await made.say({"t": 1})
    found = await made.count()
    assert (found["runs"], found["open"]) == (3, 1)


async def test_a_command_that_comes_to_a_stage_is_heard_unless_the_rule_asked_for_it(made: World) -> None:
    heard = await made.rule(when={"command": "pulse", "stage": "queued"}, then=[{"task": {"title": "It pulses"}}])
    own = await made.rule(when={"command": "pulse", "stage": "queued"}, then=[PULSE])
    await made.rule(**DRY)
    await made.say({"soil": 10})
    await made.wait(1)
    assert len(await runs(made, heard.id)) == 1
    await made.wait(1)
    assert (len(await runs(made, heard.id)), len(await runs(made, own.id))) == (2, 1)


async def test_events_and_attributes_are_heard_once(made: World) -> None:
    await made.rule(when={"event": "door"}, then=[{"task": {"title": "Door"}}])
    await made.rule(when={"attribute": "mode", "equals": "eco"}, then=[{"set": {"attribute": "fan", "value": 1}}])
    opened = Event("door.opened", None, made.clock.now(), "1")
    await made.tell(opened, Attributes({"mode": "eco"}, made.clock.now()))
    await made.tell(opened)
    found = await made.count()
    assert (found["runs"], found["tasks"]) == (2, 1)
    state = (await made.house.kept.attributes.of(made.house.tenant, [made.device]))[made.device]
    assert state.desired == {"fan": 1}


async def test_what_has_no_end_of_its_own_ends_as_the_organisation_says_unless_the_rule_does(made: World) -> None:
    alert = {"severity": "info", "message": "Open"}
    await made.rule(when={"event": "door"}, then=[{"alert": alert}])
    await made.rule(when={"event": "door"}, then=[{"alert": alert | {"clear_after_s": 60}}])
    await made.rule(**FROST)
    await made.tell(Event("door.opened", None, made.clock.now(), "1"))
    await made.say({"t": 2})
    found = await made.alerts.everything_open(made.house.tenant)
    assert sorted((each.severity, each.momentary) for each in found) == [
        ("critical", False),
        ("info", False),
        ("info", True),
    ]


async def test_what_a_person_ended_comes_back_once_the_condition_is_met_once_more(made: World) -> None:
    await made.rule(when={"metric": "t", "is": "below", "value": 3}, then=[{"alert": {"severity": "critical"}}])
    await made.say({"t": 1})
    [alert] = await made.alerts.everything_open(made.house.tenant)
    async with made.db.writing() as connection:
        await made.alerts.save(connection, made.house.tenant, resolved(alert, "ann", made.clock.now()))
    opened = []
    for value in (1, 0, 5, 1, 1):
        await made.wait(10)
        await made.say({"t": value})
        opened.append([each.count for each in await made.alerts.everything_open(made.house.tenant)])
    await made.wait(10)
    opened.append([each.count for each in await made.alerts.everything_open(made.house.tenant)])
    assert opened == [[], [], [], [1], [1], [2]]


async def test_what_the_rule_itself_ended_for_want_of_news_comes_back_with_the_next(made: World) -> None:
    alert = {"severity": "critical", "clear_after_s": 60}
    await made.rule(when={"metric": "t", "is": "below", "value": 3}, then=[{"alert": alert}])
    await made.say({"t": 1})
    await made.wait(70)
    assert await made.alerts.everything_open(made.house.tenant) == []
    await made.say({"t": 1})
    assert len(await made.alerts.everything_open(made.house.tenant)) == 1


async def test_a_schedule_that_was_missed_runs_once_if_the_rule_says_so(made: World) -> None:
    skipped, once = await made.rule(**TEN_MINUTES), await made.rule(**CAUGHT_UP)
    await made.wait(1)
    await made.automation.save()
    made.clock.advance(3 * 3600)
    await made.open()
    await made.automation.tick()
    assert (len(await runs(made, skipped.id)), len(await runs(made, once.id))) == (0, 1)


async def test_a_rule_of_devices_that_are_elsewhere_is_refused(made: World) -> None:
    with pytest.raises(Invalid, match="no such device"):
        await made.rule(**FROST | {"when": FROST["when"] | {"device": "nobody"}})
    with pytest.raises(Invalid, match="latitude"):
        await made.rule(when={"sun": "sunset"}, then=[{"task": {"title": "Dusk"}}])

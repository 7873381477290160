"""What a trial over the past says is what the rule did while it was heard, by the same values."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Invalid
from verger.base.pages import Asked
from verger.domain.history.history import History
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Event
from verger.flows import backtesting
from verger.flows.backtesting import Backtesting

PULSE: dict[str, Any] = {"command": {"method": "pulse"}}
LOW: dict[str, Any] = {"metric": "t", "is": "below", "value": 4, "clear": 5}
HIGH: dict[str, Any] = {"metric": "h", "is": "above", "value": 6}
RULES: dict[str, dict[str, Any]] = {
    "a level": {"when": LOW},
    "a level that lasts": {"when": LOW | {"for_s": 60}},
    "a level, with rests": {"when": LOW, "rest_s": 90},
    "two levels": {"when": {"all": [LOW, HIGH]}},
    "either": {"when": {"any": [LOW, HIGH | {"for_s": 30}]}, "rest_s": 45},
    "neither": {"when": {"not": {"any": [LOW, HIGH]}}},
    "a rise": {"when": {"metric": "t", "is": "rises_by", "value": 4, "within_s": 120}},
    "a fall while it is damp": {"when": {"all": [{"metric": "t", "is": "falls_by", "value": 3, "within_s": 90}, HIGH]}},
    "every other minute, while it is cold": {"when": {"all": [{"schedule": "*/2 * * * *"}, LOW]}},
    "only in a part of the day": {"when": LOW, "only_if": {"between": ["08:05", "08:12"]}},
}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


@pytest_asyncio.fixture
async def history(made: World, tmp_path: Path) -> AsyncIterator[History]:
    opened = await History.open(tmp_path / "history", 1 << 20, made.clock)
    yield opened
    await opened.close()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rule", RULES)
async def test_a_trial_fires_as_the_rule_did(made: World, history: History, rule: str, seed: int) -> None:
    dice, tenant = random.Random(f"{rule} {seed}"), made.house.tenant
    written = await made.rule(**RULES[rule], then=[PULSE], when_silent="go_on", most_per_hour=3600)
    await made.automation.tick()
    start, other = made.clock.now(), (await made.house.add("Other")).id
    made.automation.court.book.moved(tenant)
    for _ in range(60):
        made.clock.advance(dice.choice([1.25, 7.5, 20.75, 41.5]))
        if dice.random() < 0.3:
            await made.automation.tick()
        values = {metric: float(dice.randint(0, 9)) for metric in dice.choice(["t", "h", "th", "ht"])}
        batch = await made.say(values, device=dice.choice([made.device, other]))
        await history.load(batch.series, batch.at, batch.value)
    made.clock.advance(300)
    await made.automation.tick()
    trials = Backtesting(made.ruling, history, EventStore(made.db))
    trial, _ = await trials.prepare(tenant, written, moment(start + 1), moment(made.clock.now()))
    tested = await trials.run(tenant, trial, lambda _done, _total: None)
    did = (await made.kept.runs.page(tenant, written.id, Asked(limit=500))).items
    assert did
    assert sorted((run.at, run.device) for run in did) == sorted((one.at, one.device) for one in tested.firings)


@pytest.mark.parametrize("refused", [False, True])
async def test_a_trial_over_too_many_events_is_refused(
    made: World, history: History, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    monkeypatch.setattr(backtesting, "MOST_EVENTS", 3 - refused)
    rule, start = await made.rule(when={"event": "door"}, then=[PULSE]), made.clock.now()
    events = EventStore(made.db)
    made.clock.advance(3)
    said = [Event("door", None, start + number, f"{number}") for number in range(3)]
    async with made.db.writing() as connection:
        await events.add(connection, [(made.house.tenant, made.device, each) for each in said], made.clock.now())
    trying = Backtesting(made.ruling, history, events)
    trial, _ = await trying.prepare(made.house.tenant, rule, moment(start), moment(made.clock.now() + 1))
    run = trying.run(made.house.tenant, trial, lambda *_: None)
    if refused:
        with pytest.raises(Invalid, match="at most 2 events"):
            await run
    else:
        assert (await run).count == 3

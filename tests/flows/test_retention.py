"""Retention: what goes, what stays, and the job that does it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest_asyncio
from msgspec import structs
from sqlalchemy import select

from tests.flows.conftest import House
from verger.base import jobs
from verger.base.clock import DAY, HOUR, MINUTE, moment
from verger.base.ids import new_id
from verger.base.jobs import Jobs
from verger.base.pages import Asked
from verger.domain.devices.model import Device
from verger.domain.history.history import History
from verger.domain.places.model import Place
from verger.domain.retention.model import Rule
from verger.domain.retention.store import RuleStore
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Event
from verger.flows import pruning
from verger.flows.pruning import Ageing, Pruning
from verger.flows.retention import Effect, Retention

DAYS = 10
A_DAY = DAY // (10 * MINUTE)


@dataclass
class Estate:
    """A house with a history of ten days."""

    house: House
    history: History
    retention: Retention
    events: EventStore
    pruning: Pruning

    async def measured(self, metric: str, name: str = "Hall sensor") -> tuple[Device, int]:
        """Return a device that measured something every ten minutes, and the number of its series."""
        device = await self.house.add(name)
        return device, await self.measure(device, metric)

    async def measure(self, device: Device, metric: str) -> int:
        made = await self.house.kept.series.create({(self.house.tenant, device.id): [metric]})
        at = np.arange(self.start, self.start + DAYS * DAY, 10 * MINUTE, dtype=np.int64)
        await self.history.load(np.full(len(at), made[0].number, np.uint32), at, np.arange(len(at), dtype=np.float64))
        await self.history.merge_days()
        return made[0].number

    @property
    def start(self) -> int:
        return self.house.clock.now() // DAY * DAY - DAYS * DAY

    def rule(self, days: int | None, keeps: Any = "readings", **more: Any) -> Rule:
        return Rule(id=new_id(), keeps=keeps, days=days, created_at=moment(0), **more)

    async def add(self, days: int | None, keeps: Any = "readings", **more: Any) -> None:
        await self.retention.rules.add(self.house.tenant, self.rule(days, keeps, **more))

    async def run(self) -> None:
        for step in await self.retention.slices(self.house.tenant):
            await self.retention.do(self.house.tenant, step)

    async def raw(self, series: int) -> int:
        return len(await self.history.raw(series, self.start, self.house.clock.now(), 100_000))

    async def summed(self, series: int) -> int:
        return int((await self.history.buckets(series, self.start, self.house.clock.now(), 5)).count.sum())


@pytest_asyncio.fixture
async def estate(house: House, tmp_path: Path) -> AsyncIterator[Estate]:
    house.clock.at = house.clock.at // DAY * DAY + 12 * HOUR
    events = EventStore(house.kept.db)
    history = await History.open(tmp_path / "history", 1 << 20, house.clock)
    retention = Retention(RuleStore(house.kept.db), house.kept, house.places, history, events, house.clock)
    yield Estate(house, history, retention, events, Pruning(retention, house.kept.db, house.clock))
    await history.close()


async def test_readings_go_by_whole_days_and_their_summaries_stay_until_their_own_time(estate: Estate) -> None:
    _, series = await estate.measured("co2")
    await estate.add(3, summaries_days=7)
    await estate.run()
    assert await estate.raw(series) == 3 * A_DAY
    assert await estate.summed(series) == 7 * A_DAY


async def test_without_a_rule_nothing_goes(estate: Estate) -> None:
    _, series = await estate.measured("co2")
    assert await estate.retention.slices(estate.house.tenant) == []
    assert await estate.raw(series) == DAYS * A_DAY


async def test_the_rule_of_a_metric_at_a_place_wins(estate: Estate) -> None:
    device, co2 = await estate.measured("co2")
    humidity = await estate.measure(device, "humidity")
    await estate.add(2)
    await estate.add(5, place=estate.house.place.id, metric="co2")
    await estate.run()
    assert (await estate.raw(co2), await estate.raw(humidity)) == (5 * A_DAY, 2 * A_DAY)


async def test_each_time_follows_the_rule_of_the_place_where_the_device_was(estate: Estate) -> None:
    house = estate.house
    now, created = house.clock.now(), estate.start
    barn = await house.places.add(house.tenant, Place(id=new_id(), name="Barn", created_at=moment(0)))
    house.clock.at = created
    device, _ = await house.provisioning.add(house.tenant, house.new_device())
    house.clock.at = created + 6 * DAY
    there = await house.kept.devices.get(house.tenant, device.id)
    await house.provisioning.change(house.tenant, structs.replace(there, place=barn.id), {})
    house.clock.at = now
    series = await estate.measure(device, "co2")
    await estate.add(None, place=house.place.id)
    await estate.add(1)
    await estate.run()
    assert await estate.raw(series) == (6 + 1) * A_DAY


async def test_events_and_changes_go_too_and_another_tenants_stay(estate: Estate) -> None:
    house = estate.house
    device, now = await house.add(), house.clock.now()
    told = [(house.tenant, device.id, Event("pressed", at=now - n * DAY)) for n in range(8)]
    async with house.kept.db.writing() as connection:
        await estate.events.add(connection, told, now)
        for n in range(8):
            at = moment(now - n * DAY)
            await house.kept.attributes.report(connection, house.tenant, device.id, {"mode": n}, at)
    await estate.add(3, "events")
    await estate.add(3, "attributes")
    effects = await estate.retention.preview(house.tenant, estate.rule(3, "events"))
    assert effects == [Effect("events", 4, None, moment(now - 7 * DAY))]
    await estate.run()
    assert len((await estate.events.page(house.tenant, device.id, Asked())).items) == 4
    state = (await house.kept.attributes.of(house.tenant, [device.id]))[device.id]
    assert state.reported == {"mode": 0}
    assert await estate.retention.slices("another") == []


async def test_a_preview_tells_readings_bytes_and_the_oldest_day_and_takes_nothing(estate: Estate) -> None:
    _, series = await estate.measured("co2")
    raw, summaries = await estate.retention.preview(estate.house.tenant, estate.rule(4, summaries_days=8))
    assert (raw.what, raw.count, raw.oldest) == ("readings", 6 * A_DAY, moment(estate.start))
    assert raw.bytes is not None
    assert raw.bytes > 50
    assert (summaries.what, summaries.count) == ("summaries", 2 * A_DAY)
    assert await estate.raw(series) == DAYS * A_DAY
    assert await estate.retention.preview(estate.house.tenant, estate.rule(None)) == []


async def test_readings_that_are_still_in_memory_are_told_of_and_go(estate: Estate) -> None:
    device = await estate.house.add()
    series = (await estate.house.kept.series.create({(estate.house.tenant, device.id): ["t"]}))[0].number
    at = np.array([estate.start + HOUR], np.int64)
    estate.history.take(1, np.array([series], np.uint32), at, np.array([1.5]))
    rule = estate.rule(5)
    assert [effect.count for effect in await estate.retention.preview(estate.house.tenant, rule)] == [1]
    await estate.retention.rules.add(estate.house.tenant, rule)
    for step in await estate.retention.slices(estate.house.tenant):
        await estate.retention.do(estate.house.tenant, step)
    assert len(await estate.history.raw(series, estate.start, estate.start + DAY)) == 0


async def test_the_daily_job_does_all_of_it_and_asks_for_the_next_night(estate: Estate) -> None:
    _, series = await estate.measured("co2")
    await estate.add(3)
    runner = Jobs(estate.house.kept.db, estate.house.clock, {pruning.KIND: estate.pruning.work})
    await estate.pruning.begin()
    await runner.run_due()
    assert await estate.raw(series) == DAYS * A_DAY
    estate.house.clock.advance(15 * 3600)
    await runner.run_due()
    assert await estate.raw(series) == 2 * A_DAY  # of the third day nothing was measured: it is today
    assert estate.pruning.last is not None
    assert await due(estate) == estate.house.clock.now() // DAY * DAY + DAY + 3 * HOUR


async def test_asked_at_once_it_runs_now_and_goes_on_where_its_time_was_up(estate: Estate, monkeypatch: Any) -> None:
    first = (await estate.measured("co2"))[1]
    second = (await estate.measured("co2", "Sauna"))[1]
    await estate.add(3)
    await estate.add(2, metric="co2", place=estate.house.place.id, summaries_days=5)
    monkeypatch.setattr(pruning, "_BUDGET_S", -1.0)
    runner = Jobs(estate.house.kept.db, estate.house.clock, {pruning.KIND: estate.pruning.work})
    await estate.pruning.at_once()
    await runner.run_due()
    assert await due(estate) == estate.house.clock.now() + 1
    estate.house.clock.advance(1)
    monkeypatch.setattr(pruning, "_BUDGET_S", 60.0)
    await runner.run_due()
    assert (await estate.raw(first), await estate.raw(second)) == (2 * A_DAY, 2 * A_DAY)
    assert await due(estate) > estate.house.clock.now()
    names = {figure.name: figure.value for figure in estate.pruning.figures()}
    assert names["retention_freed_bytes"] >= 0
    assert "retention_last_pass_timestamp_seconds" in names


async def test_what_is_kept_for_some_days_goes_with_the_pass_a_few_seconds_at_a_time(
    estate: Estate, monkeypatch: Any
) -> None:
    left, asked = [5], set[datetime]()

    async def purge(before: datetime) -> int:
        asked.add(before)
        left[0] -= 1
        return 2 if left[0] >= 0 else 0

    clock = estate.house.clock
    passing = Pruning(estate.retention, estate.house.kept.db, clock, [Ageing("alerts", 7, purge)])
    monkeypatch.setattr(pruning, "_BUDGET_S", -1.0)
    runner = Jobs(estate.house.kept.db, clock, {pruning.KIND: passing.work})
    await passing.at_once()
    await runner.run_due()
    assert (passing.rows["alerts"], passing.last, asked) == (2, None, {moment(clock.now() - 7 * DAY)})
    monkeypatch.setattr(pruning, "_BUDGET_S", 60.0)
    clock.advance(1)
    await runner.run_due()
    assert passing.last is not None
    [rows] = [figure for figure in passing.figures() if figure.labels == {"what": "alerts"}]
    assert (rows.name, rows.value) == ("retention_rows", 10)


async def due(estate: Estate) -> int:
    async with estate.house.kept.db.reading() as connection:
        return int(await connection.scalar(select(jobs.job.c.run_at)) or 0)

"""Reckoning: derived metrics are reckoned from what is heard, and kept as series of their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Busy
from verger.base.ids import new_id
from verger.domain.derived.calculating import Ledger
from verger.domain.derived.model import Derived
from verger.domain.derived.store import DerivedStore
from verger.domain.telemetry.model import KEPT, Answer, Batch, Heard, Readings, Run
from verger.domain.telemetry.store import FollowerStore
from verger.flows.deriving import Deriving
from verger.flows.reckoning import Reckoning


class Table:
    """A house in which things are reckoned; `kept` is what came of it."""

    def __init__(self, house: House, db: Database) -> None:
        self.house, self.db, self.store = house, db, DerivedStore(db)
        self.kept: list[tuple[str, dict[str, float]]] = []
        self.sequence = 0
        self.last: Batch

    async def keep(self, heard: Sequence[Heard | Run]) -> list[Answer]:
        for each in heard:
            assert isinstance(each, Heard)
            await self._number(each)
            self.kept += [(each.device, said.values) for said in each.said if isinstance(said, Readings)]
        return [KEPT] * len(heard)

    async def _number(self, heard: Heard) -> None:
        """Give new metrics numbers, as keeping does."""
        registry = self.house.kept.registry
        known = registry.known(heard.device)
        assert known is not None
        named = [metric for said in heard.said if isinstance(said, Readings) for metric in said.values]
        fresh = {(self.house.tenant, heard.device): [metric for metric in named if metric not in known.series]}
        for series in await self.house.kept.series.create(fresh):
            registry.learn(series.device, {series.metric: series.number})

    async def named(self, device: str) -> dict[str, tuple[str, str]]:
        """Return what the metrics of a device are called and measured in."""
        found = await self.house.kept.series.of(self.house.tenant, [device])
        return {series.metric: (series.name, series.unit) for series in found}

    async def open(self) -> None:
        self.reckoning = Reckoning(self.db, self.store, self.house.kept, self.house.places, self.house.clock)
        self.reckoning.keep = self.keep
        await self.reckoning.open((await FollowerStore(self.db).positions()).get(Reckoning.name, 0))

    async def derive(self, **more: Any) -> Derived:
        own: dict[str, Any] = {
            "id": new_id(),
            "place": self.house.place.id,
            "created_at": moment(self.house.clock.now()),
        }
        return await self.deriving.add(self.house.tenant, Derived(**own | more))

    @property
    def deriving(self) -> Deriving:
        kept = self.house.kept
        return Deriving(self.store, kept.series, self.house.places, kept.registry, self.reckoning)

    async def say(self, device: str, **values: float) -> Batch:
        known = self.house.kept.registry.known(device)
        assert known is not None
        if fresh := [metric for metric in values if metric not in known.series]:
            for series in await self.house.kept.series.create({(self.house.tenant, device): fresh}):
                self.house.kept.registry.learn(device, {series.metric: series.number})
        self.house.clock.advance(1)
        self.sequence += 1
        now = self.house.clock.now()
        numbers = np.array([known.series[metric] for metric in values], np.uint32)
        columns = numbers, np.full(len(values), now), np.array(list(values.values()), np.float64)
        self.last = Batch(now, *columns, sequence=self.sequence)
        await self.reckoning.take(self.last)
        return self.last


@pytest_asyncio.fixture
async def table(house: House, db: Database) -> Table:
    made = Table(house, db)
    await made.open()
    return made


async def test_a_metric_is_reckoned_for_each_device_or_from_all_below_a_place(table: Table) -> None:
    one, other, total = [(await table.house.add(name)).id for name in ("One", "Other", "Total")]
    await table.derive(metric="twice", expression="power * 2")
    await table.derive(metric="all", expression="sum(power)", device=total)
    await table.say(one, power=10)
    await table.say(other, power=5)
    assert table.kept == [(one, {"twice": 20}), (total, {"all": 10}), (other, {"twice": 10}), (total, {"all": 15})]


async def test_what_people_set_for_a_device_holds_from_its_next_reading_on(table: Table) -> None:
    house = table.house
    one, other = [(await house.add(name)).id for name in ("One", "Other")]
    await table.derive(metric="load", expression="100 * power / attribute('limit', 200)")
    attributes = house.kept.attributes

    async def loads() -> list[float]:
        table.kept.clear()
        for device in (one, other):
            await table.say(device, power=100)
        return [values["load"] for _, values in table.kept]

    assert await loads() == [50, 50]
    async with table.db.writing() as connection:
        await attributes.report(connection, house.tenant, one, {"limit": 1000}, moment(house.clock.now()))
    assert await loads() == [10, 50]
    await attributes.desire(house.tenant, one, {"limit": 400}, moment(house.clock.now()), 10)
    assert await loads() == [25, 50]
    await attributes.desire(house.tenant, one, {"limit": None}, moment(house.clock.now()), 10)
    assert await loads() == [10, 50]


async def test_what_was_counted_up_is_remembered_and_a_record_that_comes_again_gives_the_same(table: Table) -> None:
    meter = (await table.house.add("Meter")).id
    await table.derive(metric="energy", expression="integral(power)")
    await table.say(meter, power=3600)
    await table.reckoning.save()
    again = await table.say(meter, power=3600)
    first = table.kept[-1]
    await table.open()
    await table.reckoning.take(again)
    assert table.kept[-1] == first
    assert table.kept.count(first) == 2


async def test_what_is_reckoned_from_many_and_its_own_comes_when_the_device_speaks(table: Table) -> None:
    one, other = [(await table.house.add(name)).id for name in ("One", "Other")]
    await table.derive(metric="share", expression="power / sum(power)")
    await table.say(one, power=10)
    await table.say(other, power=30)
    await table.say(one, power=10)
    assert table.kept == [(one, {"share": 1}), (other, {"share": 0.75}), (one, {"share": 0.25})]


async def test_what_is_known_of_many_is_there_after_a_restart_and_goes_with_its_device(table: Table) -> None:
    house = table.house
    one, other, total = [(await house.add(name)).id for name in ("One", "Other", "Total")]
    await table.derive(metric="all", expression="sum(power)", device=total)
    await table.say(one, power=10)
    await table.say(other, power=5)
    await table.reckoning.save()
    await table.open()
    await table.say(other, power=6)
    assert table.kept[-1] == (total, {"all": 16})
    house.kept.registry.forget(one)
    table.reckoning.moved(house.tenant)
    await table.say(other, power=7)
    assert table.kept[-1] == (total, {"all": 7})


async def test_what_each_device_once_knew_of_all_is_taken_over(table: Table) -> None:
    house = table.house
    one, other, total = [(await house.add(name)).id for name in ("One", "Other", "Total")]
    derived = await table.derive(metric="all", expression="sum(power)", device=total)
    at = house.clock.now()
    async with table.db.writing() as connection:
        old = Ledger({"power": {one: (at, 10.0), "gone": (at, 99.0)}}, (), at)
        await table.store.save(connection, [((derived.id, total), old)])
    await table.open()
    await table.say(other, power=5)
    assert table.kept == [(total, {"all": 15})]


async def test_a_record_that_could_not_be_kept_is_reckoned_again(table: Table) -> None:
    one, total = [(await table.house.add(name)).id for name in ("One", "Total")]
    await table.derive(metric="all", expression="sum(power)", device=total)
    await table.derive(metric="energy", expression="integral(sum(power))", device=total)
    await table.say(one, power=3600)

    async def busy(_: Sequence[Heard | Run]) -> list[Answer]:
        raise Busy("The disk is slow.")

    table.reckoning.keep = busy
    with pytest.raises(Busy):
        await table.say(one, power=3600)
    table.reckoning.keep = table.keep
    again = table.last
    await table.reckoning.take(again)
    await table.reckoning.take(structs.replace(again, sequence=again.sequence + 1))  # old by now
    assert table.kept == [(total, {"all": 3600, "energy": 0}), (total, {"all": 3600, "energy": 1})]


async def test_a_calculation_that_is_changed_while_its_last_value_is_kept_begins_anew(table: Table) -> None:
    meter = (await table.house.add("Meter")).id
    derived = await table.derive(metric="energy", expression="integral(power)")
    await table.say(meter, power=3600)

    async def changed(heard: Sequence[Heard | Run]) -> list[Answer]:
        await table.deriving.change(table.house.tenant, derived, structs.replace(derived, fresh_s=60), None)
        return await table.keep(heard)

    table.reckoning.keep = changed
    await table.say(meter, power=3600)
    table.reckoning.keep = table.keep
    await table.say(meter, power=3600)
    assert [values["energy"] for _, values in table.kept] == [0, 1, 0]


async def test_its_series_is_called_and_measured_as_it_says_unless_people_say_otherwise(table: Table) -> None:
    one, other = [(await table.house.add(name)).id for name in ("One", "Other")]
    derived = await table.derive(metric="twice", expression="power * 2", name="Doubled", unit="W")
    for device in (one, other):
        await table.say(device, power=10)
    assert (await table.named(one))["twice"] == ("Doubled", "W")
    await table.house.kept.series.name(table.house.tenant, other, {"twice": {"name": "Mine"}})
    after = structs.replace(derived, name="Two times", unit="kW")
    await table.deriving.change(table.house.tenant, derived, after, None)
    assert (await table.named(one))["twice"] == ("Two times", "kW")
    assert (await table.named(other))["twice"] == ("Mine", "kW")
    assert (await table.named(one))["power"] == ("", "")

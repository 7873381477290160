"""Tallying: what nobody told of is booked in the transaction that remembers it, and never twice."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs
from sqlalchemy.exc import OperationalError

from tests.flows.conftest import House, new_tenant
from verger.base.clock import SECOND
from verger.base.db import Database
from verger.base.errors import Busy
from verger.base.pages import Asked
from verger.domain.tallies.store import TallyStore
from verger.domain.telemetry.events import EventStore, Sought
from verger.domain.telemetry.model import Batch, Event, Told
from verger.domain.telemetry.store import FollowerStore
from verger.flows.recording import Recording
from verger.flows.tallying import Tallying

MAC = "3C:8A:1F:A4:3E:C4"


class Shop:
    """A machine, the log of what it says, and what follows it."""

    def __init__(self, house: House, db: Database, device: str) -> None:
        self.house, self.db, self.device = house, db, device
        self.events = EventStore(db)
        self.recording = Recording(db, self.events, house.kept.attributes, house.screens)
        self.sequence = 0

    async def open(self) -> None:
        """Begin to tally, at the start and after a crash."""
        self.tallying = Tallying(self.house.kept, TallyStore(self.db), self.events, self.house.screens)
        await self.tallying.open()

    async def batch(self, *said: Event | dict[str, float], at: int | None = None) -> Batch:
        """Return the next record: events, and counters as they stand at a time."""
        registry, now = self.house.kept.registry, self.house.clock.now()
        known = registry.known(self.device)
        assert known is not None
        series, ats, values = [], [], []
        for each in said:
            for metric, value in each.items() if isinstance(each, dict) else ():
                if metric not in known.series:
                    for made in await self.house.kept.series.create({(self.house.tenant, self.device): [metric]}):
                        registry.learn(self.device, {made.metric: made.number})
                series.append(known.series[metric])
                ats.append(now if at is None else at)
                values.append(value)
        told = tuple(Told(self.house.tenant, self.device, each) for each in said if isinstance(each, Event))
        self.sequence += 1
        return Batch(
            now, np.array(series, np.uint32), np.array(ats, np.int64), np.array(values, float), told, self.sequence
        )

    async def say(self, *said: Event | dict[str, float], at: int | None = None) -> Batch:
        """Let the machine say something, which all followers take."""
        batch = await self.batch(*said, at=at)
        await self.take(batch)
        self.house.clock.advance(60)
        return batch

    async def take(self, batch: Batch) -> None:
        await self.recording.take(batch)
        await self.tallying.take(batch)

    async def kept(self, kind: str) -> list[tuple[str, Any]]:
        """Return the events of a kind, the earliest first."""
        page = await self.events.page(self.house.tenant, self.device, Asked(limit=500, sort="at"), kind=kind)
        return [(each.kind, each.data) for each in page.items]

    async def sum(self, kind: str = "basic") -> int:
        booked: int = sum(data["count"] for _, data in await self.kept(f"gap.{kind}"))
        return len(await self.kept(f"treatment.{kind}")) + booked


def pressed(number: int, at: int | None = None, counter: int | None = None) -> Event:
    data = None if counter is None else {"counter": counter}
    return Event("treatment.basic", data, at, f"{number}")


@pytest_asyncio.fixture
async def shop(house: House, db: Database) -> Shop:
    device = await house.add("Machine 1", dialect="ozone", address=MAC)
    shop = Shop(house, db, device.id)
    await shop.open()
    return shop


async def test_a_lost_treatment_is_booked_and_counters_are_an_attribute(shop: Shop) -> None:
    await shop.say({"count_basic": 10, "count_premium": 2})
    await shop.say(pressed(1))
    await shop.say({"count_basic": 13, "count_premium": 2})
    await shop.say({"count_basic": 13, "count_premium": 2})
    assert await shop.kept("gap") == [("gap.basic", {"count": 2})]
    state = (await shop.house.kept.attributes.of(shop.house.tenant, [shop.device]))[shop.device]
    assert state.reported == {"current_counters": {"basic": 13, "premium": 2}}
    words = [word for _, word in shop.house.screens.told if word.get("kind") == "gap.basic"]
    assert [word["data"] for word in words] == [{"count": 2}]
    assert {each.name: each.value for each in shop.tallying.figures()}["counter_missing"] == 2


async def test_one_that_is_sent_again_is_counted_once_also_in_another_record(shop: Shop) -> None:
    await shop.say({"count_basic": 0})
    first = await shop.say(pressed(1))
    await shop.say(pressed(1), pressed(1))
    await shop.take(await shop.batch(pressed(2)))
    await shop.take(await shop.batch(pressed(2)))  # at the very same time
    shop.house.clock.advance(60)
    await shop.say({"count_basic": 3})
    assert await shop.kept("gap") == [("gap.basic", {"count": 1})]
    await shop.tallying.take(first)
    assert await shop.sum() == 3


async def test_a_counter_that_fell_is_booked_as_a_reset(shop: Shop) -> None:
    await shop.say({"count_basic": 10})
    await shop.say({"count_basic": 0})
    await shop.say(pressed(1), {"count_basic": 1})
    assert await shop.kept("reset") == [("reset.basic", {"from": 10, "to": 0})]
    assert await shop.sum() == 1


async def test_nothing_is_done_again_after_a_crash(shop: Shop) -> None:
    await shop.say({"count_basic": 0})
    batch = await shop.say(pressed(1), {"count_basic": 3})
    assert (await FollowerStore(shop.db).positions())[Tallying.name] == 2
    await shop.open()
    await shop.take(batch)
    await shop.say({"count_basic": 4})
    assert await shop.kept("gap") == [("gap.basic", {"count": 2}), ("gap.basic", {"count": 1})]


async def test_a_booking_that_fails_leaves_nothing_and_is_made_again(shop: Shop) -> None:
    await shop.say({"count_basic": 0})
    batch = await shop.batch(pressed(1), {"count_basic": 3})

    async def fail(*_: object) -> None:
        raise OperationalError("", None, OSError("the disk"))

    shop.tallying.listeners.append(fail)
    with pytest.raises(OperationalError):
        await shop.take(batch)
    assert await shop.kept("gap") == []
    shop.tallying.listeners.clear()
    await shop.take(batch)
    assert await shop.sum() == 3


async def test_events_that_are_not_kept_yet_are_waited_for(shop: Shop) -> None:
    async def never(_: int) -> None:
        raise TimeoutError

    await shop.say({"count_basic": 0})
    batch = await shop.batch(pressed(1))
    shop.tallying.recorded = never
    with pytest.raises(Busy):
        await shop.tallying.take(batch)


async def test_a_record_of_others_is_not_even_looked_at(house: House, db: Database) -> None:
    plain = Shop(house, db, (await house.add("Hall")).id)
    await plain.open()
    await plain.say({"count_basic": 1, "temperature": 2})
    await plain.say(pressed(1), {"count_basic": 7})
    assert await plain.kept("gap") == []
    assert await TallyStore(db).everything() == {}


async def test_a_device_that_gets_its_address_later_and_one_that_is_gone(shop: Shop) -> None:
    house = shop.house
    other = Shop(house, shop.db, (await house.add("Machine 2", dialect="ozone")).id)
    other.tallying = shop.tallying
    await other.say({"count_basic": 1})
    found = await house.kept.devices.get(house.tenant, other.device)
    await house.provisioning.change(house.tenant, structs.replace(found, address="M2"), {})
    await other.say({"count_basic": 1})
    await other.say({"count_basic": 2})
    assert await other.sum() == 1
    await house.provisioning.retire(house.tenant, other.device)
    await shop.tallying.take(
        Batch(house.clock.now(), np.array([1], np.uint32), np.array([house.clock.now()]), np.array([9.0]), (), 99)
    )
    assert await other.sum() == 1


class Course:
    """What a machine does by chance: it presses, tells, loses its counter; what it says may be lost, late or twice."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.chance = shop, random.Random(seed)
        self.counter = self.done = 0
        self.late: list[Event] = []
        self.past: list[Batch] = []

    async def press(self) -> None:
        self.counter, self.done = self.counter + 1, self.done + 1
        at = self.shop.house.clock.now() - SECOND
        event = pressed(self.done, at, self.counter if self.chance.random() < 0.5 else None)
        match self.chance.choice(("heard", "heard", "late", "lost")):
            case "heard":
                self.past.append(await self.shop.say(event))
            case "late":
                self.late.append(event)

    async def come_late(self) -> None:
        if self.late:
            self.past.append(await self.shop.say(self.late.pop(self.chance.randrange(len(self.late)))))

    async def tell(self) -> None:
        self.past.append(await self.shop.say({"count_basic": self.counter}))

    async def repeat(self) -> None:
        """Let some record be heard once more, as after a crash."""
        if self.past:
            await self.shop.take(self.chance.choice(self.past[-3:]))

    async def reset(self) -> None:
        await self.tell()
        self.counter = 0
        await self.tell()


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_comes_in_whichever_order_the_sum_is_what_the_machine_did(shop: Shop, seed: int) -> None:
    course = Course(shop, seed)
    press, tell = course.press, course.tell
    steps = (press, press, press, press, tell, tell, course.come_late, course.repeat, course.reset, shop.open)
    await tell()
    for _ in range(40):
        await course.chance.choice(steps)()
    while course.late:
        await course.come_late()
    await tell()
    await tell()
    assert await shop.sum() == course.done


async def test_two_tenants_with_the_same_machine_are_tallied_apart(shop: Shop, db: Database) -> None:
    house = shop.house
    far = await new_tenant(db, house.clock)
    place = await house.places.add(far, structs.replace(house.place, id="far"))
    made = structs.replace(house.new_device("Machine 1", dialect="ozone", address=MAC), place=place.id)
    await house.provisioning.add(far, made)
    other = Shop(house, db, made.id)
    other.house = replace(house, tenant=far, place=place)
    other.tallying = shop.tallying
    await shop.say({"count_basic": 1})
    other.sequence = shop.sequence
    await other.say({"count_basic": 100})
    shop.sequence = other.sequence
    await shop.say({"count_basic": 3})
    assert (await shop.sum(), await other.sum()) == (2, 0)
    assert await shop.events.sums(far, [shop.device, made.id], None, Sought()) == []

"""From the log into the topic tree: only what is listened to, and on disk before it counts as taken."""

import msgspec
import numpy as np
import pytest

from tests.flows.conftest import FakeScreens
from verger.base.clock import SECOND, HeldClock, moment
from verger.base.db import Database
from verger.domain.devices.registry import Known, Registry
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.keeper import Keeper
from verger.domain.messages.model import Subscription
from verger.domain.messages.retained import Retained
from verger.domain.messages.room import Room
from verger.domain.messages.standing import Standing
from verger.domain.messages.store import Page
from verger.domain.telemetry.model import Batch, Event, Told
from verger.flows.publishing import Both, Publishing


class Disk:
    async def write(self, page: Page) -> None:
        del page


class World:
    """Two tenants with a device each, and a program of the first."""

    def __init__(self) -> None:
        self.registry, self.keeper = Registry(), Keeper(Disk())
        for number, (device, tenant) in enumerate((("lamp", "farm"), ("oven", "cottage")), start=1):
            self.registry.add(device, tenant, "place", 10)
            self.registry.learn(device, {"t": number})
        self.exchange = Exchange(self.keeper, Retained(self.keeper, HeldClock()), Room())
        self.publishing = Publishing(self.registry, self.exchange, HeldClock())
        self.program = Standing("farm", "key:k", "c", expiry_s=60)
        self.program.begin(Room(), self.keeper.touch)

    def listen(self, topic: str) -> None:
        self.program.memory.subscribe(topic, Subscription(1))
        self.exchange.subscribe(self.program, topic)

    async def say(self, sequence: int = 1, told: tuple[Told, ...] = ()) -> None:
        both = np.array([1, 2], np.uint32), np.array([SECOND, SECOND]), np.array([20.5, 30.5])
        await self.publishing.take(Batch(0, *both, told, sequence))

    @property
    def heard(self) -> list[tuple[str, object]]:
        letters = self.program.memory.letters.values()
        return [(letter.message.topic, msgspec.json.decode(letter.message.body)) for letter in letters]


@pytest.mark.parametrize("topic", ["#", "devices/+/readings", "devices/lamp/readings"])
async def test_readings_reach_who_listens_in_their_own_tenant(topic: str) -> None:
    world = World()
    await world.say(1)
    world.listen(topic)
    await world.say(2)
    assert world.heard == [("devices/lamp/readings", {"at": 1000, "values": {"t": 20.5}})]


async def test_a_device_that_retires_is_told_to_have_gone_once_that_is_on_disk(db: Database) -> None:
    world = World()
    world.listen("devices/+/status")
    async with db.writing() as connection:
        await world.publishing.device_left(connection, "farm", "lamp")
        assert world.heard == []
    assert world.heard == [("devices/lamp/status", {"at": HeldClock().now() // 1000, "online": False})]


async def test_a_device_that_is_new_is_heard_and_one_that_nobody_asks_for_is_not() -> None:
    world = World()
    world.listen("devices/stove/readings")
    await world.say(1)
    assert world.heard == []
    world.registry.add("stove", "farm", "place", 10)
    world.registry.learn("stove", {"t": 3})
    await world.publishing.take(Batch(0, np.array([3], np.uint32), np.array([SECOND]), np.array([1.0]), (), 2))
    assert world.heard == [("devices/stove/readings", {"at": 1000, "values": {"t": 1.0}})]


async def test_who_comes_or_goes_in_one_tenant_has_no_device_of_another_looked_at_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, looked = World(), list[int]()
    at_slot = world.registry.at_slot
    world.listen("devices/stove/readings")
    await world.say(1)

    def look(slot: int) -> Known | None:
        looked.append(slot)
        return at_slot(slot)

    monkeypatch.setattr(world.registry, "at_slot", look)
    other = Standing("cottage", "key:o", "c", expiry_s=60)
    memory = other.begin(Room(), world.keeper.touch)
    memory.subscribe("#", Subscription(1))
    world.exchange.subscribe(other, "#")
    await world.say(2)
    assert set(looked) == {1}
    assert [letter.message.topic for letter in memory.letters.values()] == ["devices/oven/readings"]
    looked.clear()
    world.listen("#")
    world.exchange.unsubscribe(other, "#")
    world.registry.add("stove", "farm", "place", 10)
    await world.say(3)
    assert [topic for topic, _ in world.heard] == ["devices/lamp/readings"]
    assert len(memory.letters) == 1


async def test_an_event_that_stands_in_no_log_is_told_when_screens_hear_of_it() -> None:
    world = World()
    world.listen("devices/+/events")
    told = {"kind": "gap.basic", "id": "7", "data": {"count": 2}}
    word = told | {"type": "event", "device": "lamp", "at": moment(SECOND)}
    Both(FakeScreens(), world.publishing).tell("lamp", word)
    assert world.heard == [("devices/lamp/events", told | {"at": 1000})]


async def test_events_and_coming_and_going_are_told_too() -> None:
    world, screens = World(), FakeScreens()
    world.listen("devices/+/events")
    world.listen("devices/+/status")
    await world.say(1, (Told("farm", "lamp", Event("door.opened", {"by": "cat"}, SECOND, "7")),))
    Both(screens, world.publishing).tell("lamp", {"type": "device", "id": "lamp", "online": True})
    [event, status] = world.heard
    assert event == ("devices/lamp/events", {"at": 1000, "kind": "door.opened", "id": "7", "data": {"by": "cat"}})
    assert status == ("devices/lamp/status", {"at": HeldClock().now() // 1000, "online": True})
    assert len(screens.told) == 1


async def test_steps_of_commands_are_told_as_the_screens_hear_them() -> None:
    world = World()
    world.listen("devices/+/commands")
    both = Both(FakeScreens(), world.publishing)
    both.tell("lamp", {"type": "command", "id": "1", "stage": "sent"})
    both.tell("oven", {"type": "command", "id": "2", "stage": "sent"})
    assert world.heard == [("devices/lamp/commands", {"id": "1", "stage": "sent"})]


async def test_what_waits_in_an_inbox_is_on_disk_before_the_record_counts_as_taken() -> None:
    world = World()
    await world.keeper.save()
    await world.say(1)
    assert world.publishing.settled() == 1
    world.listen("#")
    await world.keeper.save()
    await world.say(2)
    assert world.publishing.settled() == 1
    await world.keeper.save()
    assert world.publishing.settled() == 2


async def test_alerts_are_posted_at_their_place() -> None:
    world = World()
    both = Both(FakeScreens(), world.publishing)
    world.listen("places/+/alerts")
    both.announce("farm", {"type": "alert", "id": "a"}, place="barn")
    both.announce("farm", {"type": "task", "id": "t"}, place="barn")
    both.announce("farm", {"type": "alert", "id": "b"}, place=None)
    assert world.heard == [("places/barn/alerts", {"id": "a"})]

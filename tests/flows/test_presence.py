"""Presence."""

import numpy as np
import pytest_asyncio

from tests.flows.conftest import House
from verger.base.clock import SECOND
from verger.domain.devices.model import Device
from verger.domain.telemetry.model import Batch, Event, Told
from verger.flows.presence import Presence

SILENT_S = 600


@pytest_asyncio.fixture
async def hall(house: House) -> Device:
    return await house.add()


@pytest_asyncio.fixture
async def presence(house: House, hall: Device) -> Presence:
    made = await house.kept.series.create({(house.tenant, hall.id): ["t"]})
    house.kept.registry.learn(hall.id, {"t": made[0].number})
    return Presence(house.kept.registry, house.kept.devices, house.screens, house.clock, SILENT_S)


def spoken(house: House, number: int = 1, sequence: int = 1) -> Batch:
    now = house.clock.now()
    return Batch(now, np.array([number], np.uint32), np.array([now], np.int64), np.array([1.0]), sequence=sequence)


def turns(house: House) -> list[bool]:
    return [word["online"] for _, word in house.screens.told if word["type"] == "device"]


async def test_a_device_that_speaks_is_online_until_it_was_silent_for_long(
    house: House, presence: Presence, hall: Device
) -> None:
    assert not presence.online(hall.id)
    await presence.take(spoken(house))
    assert presence.online(hall.id)
    house.clock.advance(SILENT_S - 1)
    presence.watch()
    assert presence.online(hall.id)
    house.clock.advance(1)
    presence.watch()
    assert not presence.online(hall.id)
    assert turns(house) == [True, False]


async def test_a_turn_is_told_once_however_often_it_speaks(house: House, presence: Presence) -> None:
    for _ in range(3):
        await presence.take(spoken(house))
    assert turns(house) == [True]


async def test_a_connected_device_is_online_though_silent(house: House, presence: Presence, hall: Device) -> None:
    presence.connected(hall.id)
    house.clock.advance(SILENT_S * 2)
    presence.watch()
    assert presence.online(hall.id)
    presence.disconnected(hall.id)
    presence.watch()
    assert not presence.online(hall.id)
    assert turns(house) == [True, False]


async def test_an_event_is_a_sign_of_life_too(house: House, presence: Presence, hall: Device) -> None:
    nothing = np.empty(0)
    told = (Told(house.tenant, hall.id, Event("door.opened")),)
    now = house.clock.now()
    await presence.take(Batch(now, nothing.astype(np.uint32), nothing.astype(np.int64), nothing, told, 1))
    assert presence.last_seen(hall.id) == now


async def test_what_is_replayed_from_long_ago_turns_nobody_online(house: House, presence: Presence) -> None:
    old = spoken(house)
    house.clock.advance(SILENT_S * 2)
    await presence.take(old)
    assert turns(house) == []


async def test_last_seen_is_kept_over_a_restart(house: House, presence: Presence, hall: Device) -> None:
    await presence.take(spoken(house, sequence=7))
    assert presence.settled() == 0
    await presence.save()
    assert presence.settled() == 7
    again = Presence(house.kept.registry, house.kept.devices, house.screens, house.clock, SILENT_S)
    await again.fill()
    assert again.last_seen(hall.id) == house.clock.now() // SECOND * SECOND
    assert again.online(hall.id)


async def test_a_device_that_has_retired_is_nobody(house: House, presence: Presence, hall: Device) -> None:
    await house.provisioning.retire(house.tenant, hall.id)
    await presence.take(spoken(house))
    assert turns(house) == []
    assert not presence.online(hall.id)


async def test_many_devices_come_while_it_watches(house: House, presence: Presence) -> None:
    for number in range(2, 40):
        device = await house.add(f"Device {number}")
        house.kept.registry.learn(device.id, {"t": number})
        await presence.take(spoken(house, number))
        assert presence.online(device.id)

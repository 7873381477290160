"""Presence."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from verger.base.clock import SECOND, microseconds, moment
from verger.base.pages import Asked
from verger.domain.alerts.model import Alert, AlertState
from verger.domain.alerts.store import AlertStore, Wanted
from verger.domain.devices.model import Device, DeviceType, Metric
from verger.domain.devices.silence import Silence
from verger.domain.telemetry.model import Batch, Event, Told
from verger.flows.presence import Presence

AWAY_S = 600


@dataclass
class Hall:
    """A house with some devices, and presence that follows what they say."""

    house: House
    presence: Presence
    record: int = 0
    told: list[tuple[str, bool]] = field(default_factory=list)

    async def add(self, name: str = "Hall sensor", **more: Any) -> Device:
        """Take in a device with a series of its own."""
        device = await self.house.add(name, **more)
        made = await self.house.kept.series.create({(self.house.tenant, device.id): ["t"]})
        self.house.kept.registry.learn(device.id, {"t": made[0].number})
        return device

    async def say(self, *devices: Device) -> None:
        """Let devices speak in one record."""
        numbers = [self.house.kept.registry.known(device.id).series["t"] for device in devices]  # type: ignore[union-attr]
        self.record += 1
        now, ones = self.house.clock.now(), np.ones(len(numbers))
        at = np.full(len(numbers), now, np.int64)
        await self.presence.take(Batch(now, np.array(numbers, np.uint32), at, ones, sequence=self.record))

    async def wait(self, seconds: float) -> None:
        """Let time pass, watched."""
        while seconds > 0:
            self.house.clock.advance(min(seconds, 5))
            await self.presence.tick(self.record)
            seconds -= 5

    async def begin(self) -> None:
        """Start, as after a stop or a crash."""
        self.presence = await begun(self.house, self.record)

    async def alerts(self) -> list[tuple[str | None, str]]:
        """Return whose alerts there are and how they stand."""
        page = await AlertStore(self.house.kept.db).page(self.house.tenant, Asked(sort="opened_at"), Wanted())
        return [(alert.device, alert.state.value) for alert in page.items]

    def words(self) -> list[bool]:
        """Return what screens were told of who is online."""
        return [word["online"] for _, word in self.house.screens.told if word["type"] == "device"]


async def begun(house: House, record: int) -> Presence:
    presence = Presence(house.kept, AlertStore(house.kept.db), house.screens, house.clock, AWAY_S)
    await presence.fill(record)
    await presence.tick(0)
    return presence


@pytest_asyncio.fixture
async def hall(house: House) -> Hall:
    return Hall(house, await begun(house, 0))


ONE_MINUTE = Silence(after_s=60)


async def test_a_device_whose_rhythm_is_unknown_is_offline_after_a_while_but_not_silent(hall: Hall) -> None:
    device = await hall.add()
    assert not hall.presence.online(device.id)
    await hall.say(device)
    assert hall.presence.online(device.id)
    await hall.wait(AWAY_S - 5)
    assert hall.presence.online(device.id)
    await hall.wait(5)
    assert not hall.presence.online(device.id)
    assert hall.words() == [True, False]
    assert (hall.presence.silence_of(device.id).silent_since, await hall.alerts()) == (None, [])


async def test_one_that_sleeps_for_ten_minutes_is_silent_only_once_it_misses_its_own_rhythm(hall: Hall) -> None:
    device = await hall.add()
    for _ in range(8):
        await hall.say(device)
        await hall.wait(600)
    assert hall.presence.online(device.id)
    await hall.wait(1100)
    assert hall.presence.online(device.id)
    assert hall.presence.silence_of(device.id).silent_since is None
    await hall.wait(200)  # half an hour: three times what it sleeps
    assert not hall.presence.online(device.id)
    assert await hall.alerts() == [(device.id, "active")]


async def test_a_silent_device_has_one_alert_until_it_speaks(hall: Hall) -> None:
    device = await hall.add(silence=ONE_MINUTE)
    hall.presence.turned.append(lambda who, silent, _at: hall.told.append((who, silent)))
    await hall.say(device)
    await hall.wait(300)
    assert await hall.alerts() == [(device.id, "active")]
    since = hall.presence.silence_of(device.id).silent_since
    assert since == hall.house.clock.now() - 240 * SECOND
    assert hall.presence.silence_of(device.id).for_s == 300
    await hall.say(device)
    await hall.presence.look()
    assert await hall.alerts() == [(device.id, "cleared")]
    assert hall.presence.online(device.id)
    assert hall.told == [(device.id, True), (device.id, False)]
    assert hall.words() == [True, False, True]


async def test_the_alert_says_who_is_silent_and_for_how_long(hall: Hall) -> None:
    device = await hall.add("Basil", silence=Silence(after_s=7200))
    await hall.say(device)
    await hall.wait(7300)
    (alert,) = await AlertStore(hall.house.kept.db).everything_open(hall.house.tenant)
    assert alert.message == "Basil is silent: it was not heard for 2 h."
    assert (alert.rule, alert.place, alert.state) == ("silence", hall.house.place.id, AlertState.active)


async def test_what_is_kept_is_kept_together(hall: Hall) -> None:
    device = await hall.add(silence=ONE_MINUTE)
    await hall.say(device)
    spoke = hall.house.clock.now()
    await hall.wait(100)
    kept = await hall.house.kept.devices.get(hall.house.tenant, device.id)
    assert kept.last_seen is not None
    assert kept.silent_since is not None
    assert microseconds(kept.last_seen) == spoke
    assert microseconds(kept.silent_since) == spoke + 60 * SECOND


async def test_a_restart_goes_on_where_it_was(hall: Hall) -> None:
    device, other = await hall.add(silence=ONE_MINUTE), await hall.add("Other", silence=ONE_MINUTE)
    await hall.say(device, other)
    await hall.wait(40)
    await hall.presence.save()
    hall.house.clock.advance(86_400)
    await hall.begin()
    assert hall.presence.settled() == 1
    assert hall.presence.online(device.id)
    await hall.wait(15)
    assert await hall.alerts() == []
    await hall.wait(10)
    assert [state for _, state in await hall.alerts()] == ["active", "active"]
    await hall.begin()
    await hall.wait(10)
    await hall.say(other)
    await hall.wait(5)
    assert dict(await hall.alerts()) == {device.id: "active", other.id: "cleared"}
    assert [each.count for each in await all_alerts(hall)] == [1, 1]


async def all_alerts(hall: Hall) -> list[Alert]:
    return (await AlertStore(hall.house.kept.db).page(hall.house.tenant, Asked(), Wanted())).items


async def test_a_word_before_a_silence_that_comes_again_after_a_crash_ends_no_alert(hall: Hall) -> None:
    device = await hall.add(silence=ONE_MINUTE)
    await hall.say(device)
    await hall.wait(65)
    hall.record = 0
    await hall.begin()
    assert hall.presence.settled() == 0
    hall.presence = await begun(hall.house, 1)
    await hall.say(device)
    await hall.wait(5)
    assert await hall.alerts() == [(device.id, "active")]
    await hall.say(device)
    await hall.wait(5)
    assert await hall.alerts() == [(device.id, "cleared")]


async def test_silence_that_could_not_be_kept_is_claimed_at_the_next_tick(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await hall.add(silence=ONE_MINUTE)
    await hall.say(device)
    await hall.wait(55)
    with monkeypatch.context() as broken:
        broken.setattr(AlertStore, "open", None)
        with pytest.raises(TypeError):
            await hall.wait(5)
    assert hall.presence.silence_of(device.id).silent_since is None
    await hall.wait(5)
    assert await hall.alerts() == [(device.id, "active")]


async def test_a_type_says_how_its_devices_are_listened_to(hall: Hall) -> None:
    house = hall.house
    kind = DeviceType(key="probe", name="Probe", metrics=[Metric(key="t", every_s=30)], created_at=moment(0))
    await house.kept.types.add(house.tenant, kind)
    device = await hall.add(type="probe")
    await hall.say(device)
    await hall.wait(85)
    assert await hall.alerts() == []
    changed = structs.replace(kind, silence=Silence(alert=False))
    await house.kept.types.change(house.tenant, changed)
    await hall.wait(10)
    assert hall.presence.silence_of(device.id).silent_since is not None
    assert await hall.alerts() == []
    own = structs.replace(device, silence=Silence(alert=True))
    await house.provisioning.change(house.tenant, own, {})
    await hall.wait(5)
    assert await hall.alerts() == [(device.id, "active")]


async def test_behind_a_silent_gateway_only_the_gateway_is_alerted(hall: Hall) -> None:
    gateway = await hall.add("Hub", silence=Silence(after_s=120))
    behind = [await hall.add(f"Probe {n}", gateway=gateway.id, silence=ONE_MINUTE) for n in range(3)]
    await hall.say(*behind)
    await hall.wait(130)
    assert await hall.alerts() == [(gateway.id, "active")]
    assert not any(hall.presence.online(device.id) for device in (gateway, *behind))
    await hall.say(*behind)
    await hall.wait(5)
    assert await hall.alerts() == [(gateway.id, "cleared")]


async def test_a_gateway_that_retires_leaves_its_devices_to_speak_for_themselves(hall: Hall) -> None:
    gateway = await hall.add("Hub", silence=ONE_MINUTE)
    device = await hall.add("Probe", gateway=gateway.id, silence=ONE_MINUTE)
    await hall.say(device)
    await hall.wait(65)
    await hall.house.provisioning.retire(hall.house.tenant, gateway.id)
    await hall.wait(5)
    assert dict(await hall.alerts()) == {gateway.id: "cleared", device.id: "active"}


async def test_the_alert_of_a_device_that_retires_ends(hall: Hall) -> None:
    device = await hall.add(silence=ONE_MINUTE)
    await hall.say(device)
    await hall.wait(65)
    await hall.house.provisioning.retire(hall.house.tenant, device.id)
    await hall.say()
    await hall.wait(5)
    assert await hall.alerts() == [(device.id, "cleared")]
    assert not hall.presence.online(device.id)


async def test_a_connected_device_is_online_though_its_rhythm_is_unknown(hall: Hall) -> None:
    device = await hall.add()
    for _ in range(2):
        hall.presence.connected(device.id)
    await hall.wait(AWAY_S * 2)
    hall.presence.disconnected(device.id)
    assert hall.presence.online(device.id)
    hall.presence.disconnected(device.id)
    await hall.wait(5)
    assert not hall.presence.online(device.id)
    assert hall.words() == [True, False]


async def test_an_event_is_a_sign_of_life_too(hall: Hall) -> None:
    device = await hall.add()
    nothing, now = np.empty(0), hall.house.clock.now()
    told = (Told(hall.house.tenant, device.id, Event("door.opened")),)
    batch = Batch(now, nothing.astype(np.uint32), nothing.astype(np.int64), nothing, told, 1)
    await hall.presence.take(batch)
    assert hall.presence.last_seen(device.id) == now


async def test_many_devices_come_while_it_watches(hall: Hall) -> None:
    for number in range(2, 40):
        device = await hall.add(f"Device {number}")
        await hall.say(device)
        assert hall.presence.online(device.id)


async def test_figures_count_who_is_online_and_who_is_silent(hall: Hall) -> None:
    device, other = await hall.add(silence=ONE_MINUTE), await hall.add("Other")
    await hall.say(device, other)
    await hall.wait(70)
    figures = {figure.name: figure.value for figure in hall.presence.figures()}
    assert figures == {"devices_online": 1, "devices_silent": 1, "listened_seconds": 70}

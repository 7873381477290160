"""What rules did about a device ends when that leaves, and rules that name it rest, go, or name another."""

from typing import Any

import msgspec
import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Busy, Missing
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.domain.alerts.store import Wanted
from verger.domain.devices.plants import ACTUATORS, SENSORS
from verger.domain.places.model import Place
from verger.domain.rules.accepted import KeptRule
from verger.flows.leaving import Leaving
from verger.flows.replacing import Replacing
from verger.flows.tending import Tending

FROST: dict[str, Any] = {
    "when": {"metric": "t", "is": "below", "value": 3},
    "then": [{"alert": {"severity": "critical"}}],
}


async def test_a_device_that_leaves_takes_its_alert_along(house: House, db: Database) -> None:
    made = await world(house, db)
    await made.rule(**FROST)
    await made.say({"t": 2})
    await made.house.provisioning.retire(made.house.tenant, made.device)
    made.automation.court.book.moved(made.house.tenant)
    await made.wait(1)
    assert (await made.count())["open"] == 0


async def test_a_device_that_leaves_while_nothing_can_be_kept_takes_its_alert_along_later(
    house: House, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world(house, db)
    await made.rule(**FROST)
    await made.say({"t": 2})
    await made.house.provisioning.retire(made.house.tenant, made.device)
    made.automation.court.book.moved(made.house.tenant)
    with monkeypatch.context() as broken:
        broken.setattr(made.alerts, "clear", lambda *_: (_ for _ in ()).throw(Busy("The disk is full.")))
        with pytest.raises(Busy):
            await made.wait(1)
    await made.wait(1)
    assert (await made.count())["open"] == 0


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    """Return a world in which what leaves takes along what it should."""
    made = await world(house, db)
    leaving = Leaving(made.alerts, made.kept, house.kept.devices, made.clock)
    house.kept.devices.leaving.append(leaving.device)
    house.places.leaving.append(leaving.place)
    made.kept.rules.listeners.append(made.automation.court.book.changed)
    return made


def naming(made: World, **more: Any) -> dict[str, Any]:
    return FROST | {"name": "Frost", "when": FROST["when"] | {"device": made.device} | more}


async def kept(made: World, rule: KeptRule) -> KeptRule:
    return await made.kept.rules.get(made.house.tenant, rule.id)


async def test_an_alert_of_a_rule_that_names_its_device_tells_whose_value_it_is_and_leaves_with_it(made: World) -> None:
    tenant = made.house.tenant
    await made.rule(**naming(made))
    await made.say({"t": 2})
    [alert] = await made.alerts.everything_open(tenant)
    assert (alert.device, alert.sources) == (None, (made.device,))
    assert (await made.alerts.page(tenant, Asked(), Wanted(device=made.device))).items == [alert]
    await made.house.provisioning.retire(tenant, made.device)
    assert (await made.alerts.get(tenant, alert.id)).state == "cleared"


async def test_a_rule_that_names_a_device_which_is_gone_is_paused_and_fires_no_more(made: World) -> None:
    lasting = await made.rule(**naming(made, for_s=60))
    each = await made.rule(**FROST)
    off = await made.rule(**naming(made), enabled=False)
    await made.say({"t": 2})
    await made.house.provisioning.retire(made.house.tenant, made.device)
    made.automation.court.book.moved(made.house.tenant)
    await made.wait(100)
    assert (await kept(made, lasting)).paused_because == "Hall sensor, which it names, is gone."
    assert [(await kept(made, rule)).paused_at for rule in (each, off)] == [None, None]
    assert (await made.count())["runs"] == 1
    [alert] = await made.alerts.everything_open(made.house.tenant)
    assert alert.message.startswith("The rule Frost was paused. Hall sensor, which it names, is gone.")
    await made.open()
    await made.wait(100)
    assert (await made.count())["runs"] == 1


async def test_the_profile_of_a_planter_goes_with_it(made: World) -> None:
    channels = {f"s{number}": name for number, name in enumerate((*SENSORS, *ACTUATORS))}
    planter = await made.house.add("Basil", dialect="plant", address="basil", channels=channels)
    other = await made.house.add("Thyme", dialect="plant", address="thyme", channels=channels)
    tending = Tending(made.ruling)
    for device in (planter, other):
        await tending.put(made.house.tenant, device, {"temp_min": 10})
    await made.house.provisioning.retire(made.house.tenant, planter.id)
    assert await tending.all(made.house.tenant, [planter]) == {}
    assert (await tending.get(made.house.tenant, other)).temp_min == 10
    assert all(rule.runs for rule in await made.kept.rules.of_tenant(made.house.tenant))


async def test_a_device_that_takes_another_s_place_takes_its_rules_too(made: World) -> None:
    tenant = made.house.tenant
    rule = await made.rule(**naming(made), only_if={"metric": "h", "is": "above", "value": 1})
    new = await made.house.add("New")
    coming = await Replacing(made.house.provisioning, made.ruling).replace(tenant, made.device, new.id)
    assert (coming.id, coming.place) == (new.id, made.house.place.id)
    with pytest.raises(Missing):
        await made.house.kept.devices.get(tenant, made.device)
    after = await kept(made, rule)
    assert (after.devices, after.paused_at) == ({new.id}, None)
    await made.say({"t": 2, "h": 2}, device=new.id)
    assert (await made.count())["runs"] == 1


async def test_what_rules_of_a_place_opened_ends_with_the_place_wherever_the_device_is_by_then(made: World) -> None:
    tenant, stamp = made.house.tenant, moment(made.clock.now())
    farm = await made.house.places.add(tenant, Place(id=new_id(), name="Farm", created_at=stamp))
    device = await made.house.kept.devices.get(tenant, made.device)
    await made.house.provisioning.change(tenant, structs.replace(device, place=farm.id), {})
    rule = msgspec.convert(FROST | {"id": new_id(), "name": "Frost", "place": farm.id, "created_at": stamp}, KeptRule)
    await made.ruling.add(tenant, rule)
    made.automation.court.book.moved(tenant)
    await made.say({"t": 2})
    assert (await made.count())["open"] == 1
    moved = await made.house.kept.devices.get(tenant, made.device)
    await made.house.provisioning.change(tenant, structs.replace(moved, place=made.house.place.id), {})
    await made.house.places.delete(tenant, [farm.id])
    assert (await made.count())["open"] == 0
    made.automation.court.book.moved(tenant)
    await made.wait(1)
    await made.say({"t": 1})
    found = await made.count()
    assert (found["runs"], found["open"]) == (0, 0)


async def test_no_timer_of_a_device_fires_that_a_rule_leaves_alone_by_now(made: World) -> None:
    rule = await made.rule(**FROST | {"name": "Frost", "when": FROST["when"] | {"for_s": 60}})
    await made.say({"t": 2})
    await made.ruling.spare(made.house.tenant, rule.id, made.device)
    await made.wait(100)
    assert (await made.count())["runs"] == 0

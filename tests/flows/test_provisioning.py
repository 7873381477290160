"""Provisioning."""

import pytest
from msgspec import structs

from tests.flows.conftest import House
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Busy, Conflict, Invalid, Missing, Stale
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device, DeviceType
from verger.domain.devices.store import DeviceStore
from verger.domain.places.model import Place
from verger.flows.clearing import Clearing


async def test_a_new_device_is_let_in_by_its_token_and_stays_at_its_place(house: House) -> None:
    device, token = await house.provisioning.add(house.tenant, house.new_device())
    assert token.startswith("vt_")
    assert house.kept.registry.holder(token) == device.id
    stays = await house.kept.devices.stays(house.tenant, device.id)
    assert [(stay.place, stay.until) for stay in stays] == [(house.place.id, None)]


async def test_a_new_secret_ends_the_old_one_and_its_connections(house: House) -> None:
    device, old = await house.provisioning.add(house.tenant, house.new_device())
    new = await house.provisioning.renew(house.tenant, device.id)
    assert house.kept.registry.holder(old) is None
    assert house.kept.registry.holder(new) == device.id
    assert house.wire.dropped[-1] == device.id


async def test_the_registry_filled_at_start_knows_what_it_knew(house: House, db: Database) -> None:
    device, token = await house.provisioning.add(house.tenant, house.new_device())
    made = await house.kept.series.create({(house.tenant, device.id): ["temperature"]})
    fresh = Kept.over(db, house.clock)
    await fresh.fill(200)
    assert fresh.registry.holder(token) == device.id
    known = fresh.registry.known(device.id)
    assert known is not None
    assert known.series == {"temperature": made[0].number}


async def test_moving_a_device_ends_its_stay_and_begins_another(house: House) -> None:
    device = await house.add()
    barn = await house.places.add(house.tenant, Place(id=new_id(), name="Barn", created_at=device.created_at))
    house.clock.advance(60)
    moved = await house.provisioning.change(house.tenant, structs.replace(device, place=barn.id), {})
    assert moved.version == 2
    stays = await house.kept.devices.stays(house.tenant, device.id)
    assert [stay.place for stay in stays] == [barn.id, house.place.id]
    assert stays[1].until == stays[0].since


async def test_a_retired_device_is_gone_and_its_token_with_it(house: House) -> None:
    device, token = await house.provisioning.add(house.tenant, house.new_device(address="aa:bb"))
    await house.provisioning.retire(house.tenant, device.id)
    assert house.kept.registry.holder(token) is None
    with pytest.raises(Missing):
        await house.kept.devices.get(house.tenant, device.id)
    await house.add("The next one", address="aa:bb")


async def test_an_address_is_unique_within_a_dialect(house: House) -> None:
    await house.add(address="aa:bb")
    with pytest.raises(Conflict, match="aa:bb"):
        await house.add("Another", address="aa:bb")


@pytest.mark.parametrize(
    ("wrong", "field"), [({"place": "nowhere"}, "place"), ({"type": "none"}, "type"), ({"gateway": "no"}, "gateway")]
)
async def test_what_is_not_there_is_named(house: House, wrong: dict[str, str], field: str) -> None:
    device = structs.replace(house.new_device(), **wrong)
    with pytest.raises(Invalid) as refused:
        await house.provisioning.add(house.tenant, device)
    assert refused.value.faults[0].field == field


async def test_a_change_of_what_somebody_else_changed_is_refused(house: House) -> None:
    device = await house.add()
    await house.provisioning.change(house.tenant, structs.replace(device, name="One"), {})
    with pytest.raises(Stale):
        await house.provisioning.change(house.tenant, structs.replace(device, name="Two"), {})


async def test_metrics_can_be_named_and_given_units(house: House) -> None:
    device = await house.add()
    await house.kept.series.create({(house.tenant, device.id): ["t"]})
    await house.provisioning.change(house.tenant, device, {"t": {"unit": "Cel", "name": "Air"}})
    series = await house.kept.series.of(house.tenant, [device.id])
    assert [(s.unit, s.name) for s in series] == [("Cel", "Air")]
    await house.provisioning.change(house.tenant, structs.replace(device, version=2), {"t": {"unit": "[degF]"}})
    series = await house.kept.series.of(house.tenant, [device.id])
    assert [(s.unit, s.name) for s in series] == [("[degF]", "Air")]


async def test_a_device_may_keep_the_secret_it_has_unless_another_has_it(house: House) -> None:
    device, token = await house.provisioning.add(house.tenant, house.new_device(), "A1_TEST_TOKEN")
    assert token == "A1_TEST_TOKEN"
    assert house.kept.registry.holder("A1_TEST_TOKEN") == device.id
    with pytest.raises(Conflict):
        await house.provisioning.add(house.tenant, house.new_device("Second"), "A1_TEST_TOKEN")
    assert [each.name for each in await house.kept.devices.at(house.tenant)] == ["Hall sensor"]


@pytest.mark.parametrize("secret", ["short", "with/slash", "with space", "vk_of-an-api-key", "blueprints", "ääääääää"])
async def test_a_secret_that_could_not_work_is_refused(house: House, secret: str) -> None:
    with pytest.raises(Invalid) as refused:
        await house.provisioning.add(house.tenant, house.new_device(), secret)
    assert refused.value.faults[0].field == "secret"


async def test_a_retirement_that_fails_leaves_the_device_as_it_was(
    house: House, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, token = await house.provisioning.add(house.tenant, house.new_device())

    async def full(*_: object) -> None:
        raise Busy("The disk is full.")

    monkeypatch.setattr(DeviceStore, "retire", full)
    with pytest.raises(Busy):
        await house.provisioning.retire(house.tenant, device.id)
    assert house.kept.registry.holder(token) == device.id
    fresh = Kept.over(db, house.clock)
    await fresh.fill(200)
    assert fresh.registry.holder(token) == device.id


async def test_a_device_whose_gateway_retires_speaks_for_itself(house: House) -> None:
    gateway = await house.add("Gateway")
    device = await house.add("Behind it", gateway=gateway.id)
    await house.provisioning.retire(house.tenant, gateway.id)
    left = await house.kept.devices.get(house.tenant, device.id)
    assert left.gateway is None
    await house.provisioning.change(house.tenant, structs.replace(left, name="Renamed"), {})


async def test_a_type_stays_while_a_device_is_of_it(house: House) -> None:
    await house.kept.types.add(house.tenant, DeviceType(key="probe", name="Probe", created_at=moment(0)))
    device = await house.add(type="probe")
    with pytest.raises(Conflict):
        await house.kept.types.delete(house.tenant, "probe")
    await house.provisioning.retire(house.tenant, device.id)
    await house.kept.types.delete(house.tenant, "probe")


async def test_a_device_that_comes_while_its_place_is_cleared_is_not_retired(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clearing = Clearing(house.places, house.kept, house.provisioning)
    late: list[Device] = []

    async def arrive(_: object, *__: object) -> None:
        late.append(await house.add("Late"))

    monkeypatch.setattr(Clearing, "_check_empty", arrive)
    with pytest.raises(Conflict):
        await clearing.clear(house.tenant, house.place.id, None, None)
    assert (await house.kept.devices.get(house.tenant, late[0].id)).place == house.place.id


async def test_device_types_come_in_pages_the_newest_first(house: House) -> None:
    for number, key in enumerate(("probe", "meter", "valve")):
        await house.kept.types.add(house.tenant, DeviceType(key=key, name=key, created_at=moment(number)))
    first = await house.kept.types.page(house.tenant, Asked(limit=2))
    assert [kind.key for kind in first.items] == ["valve", "meter"]
    rest = await house.kept.types.page(house.tenant, Asked(limit=2, cursor=first.next))
    assert [kind.key for kind in rest.items] == ["probe"]

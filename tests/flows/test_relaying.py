"""Relaying."""

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House, new_tenant
from tests.flows.sides import Side, side_of
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Busy, Fault
from verger.base.ids import new_id
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import DeviceType
from verger.domain.devices.policy import Policy
from verger.domain.places.model import Place
from verger.domain.telemetry.model import Answer, Attributes, Behind, Claim, Heard, Readings, Relayed

KEPT = Answer(kept=True)


@pytest.fixture
def side(house: House) -> Side:
    return side_of(house)


@pytest_asyncio.fixture
async def gateway(side: Side) -> str:
    """Return a gateway that is connected."""
    device = (await side.house.add("Gateway", is_gateway=True)).id
    side.stories.reception.connected(device)
    return device


def t(value: float, metric: str = "t") -> tuple[Readings, ...]:
    return (Readings({metric: value}, 1_700_000_000_000_000),)


def values(side: Side) -> list[float]:
    return [value for batch in side.log.batches for value in batch.value.tolist()]


def called(side: Side, gateway: str, name: str) -> str:
    device = side.stories.reception.behind(gateway, name)
    assert device is not None
    return device


async def test_a_gateway_brings_its_devices_to_its_own_place(side: Side, gateway: str) -> None:
    await side.house.kept.types.add(side.house.tenant, DeviceType(key="meter", name="Meter", created_at=moment(0)))
    message = Relayed(gateway, (), behind=(Behind("A", t(1), kind="meter"), Behind("B", t(2), kind="default")))
    assert await side.way_in.take([message, Heard(gateway, t(3))]) == [KEPT, KEPT]
    assert len(side.log.batches) == 1
    assert values(side) == [1, 2, 3]
    made = await side.house.kept.devices.get(side.house.tenant, called(side, gateway, "A"))
    assert (made.name, made.place, made.gateway, made.type) == ("A", side.house.place.id, gateway, "meter")
    assert side.stories.comings.brought == 2
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("A", t(5)),))])
    assert len(await side.house.kept.devices.at(side.house.tenant)) == 3


async def test_a_device_stays_known_when_people_rename_it_and_over_a_restart(
    side: Side, gateway: str, db: Database
) -> None:
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("A"),))])
    device = await side.house.kept.devices.get(side.house.tenant, called(side, gateway, "A"))
    renamed = await side.house.provisioning.change(side.house.tenant, structs.replace(device, name="Freezer"), {})
    assert called(side, gateway, "A") == renamed.id
    fresh = Kept.over(db, side.house.clock)
    await fresh.fill(200)
    assert fresh.relays.find(gateway, "A") == device.id
    assert fresh.relays.is_gateway(gateway)


async def test_one_that_people_put_behind_a_gateway_is_known_by_its_name(side: Side, gateway: str) -> None:
    device = await side.house.add("Freezer", gateway=gateway)
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("Freezer", t(1)),))])
    assert called(side, gateway, "Freezer") == device.id


async def test_what_is_refused_of_one_device_leaves_the_others(side: Side, gateway: str) -> None:
    many = Readings({str(number): 1.0 for number in range(5)})
    (answer,) = await side.way_in.take(
        [Relayed(gateway, (), (Fault("C.u", "No."),), behind=(Behind("A", (many,)), Behind("B", t(2))))]
    )
    assert answer.kept
    assert [fault.field for fault in answer.refused] == ["C.u", "A.4"]
    assert len(values(side)) == 5


async def test_what_is_no_gateway_speaks_for_nobody(side: Side) -> None:
    plain = (await side.house.add("Plain")).id
    (answer,) = await side.way_in.take([Relayed(plain, (), behind=(Behind("A", t(1)),))])
    assert not answer.kept
    assert "no gateway" in answer.refused[0].message
    assert side.log.batches == []


@pytest.mark.parametrize("faults", [(), (Fault("A", "No."),)])
async def test_a_message_of_a_gateway_that_says_nothing_is_not_kept(
    side: Side, gateway: str, faults: tuple[Fault, ...]
) -> None:
    (answer,) = await side.way_in.take([Relayed(gateway, (), faults)])
    assert not answer.kept
    assert answer.refused == (faults or (Fault("", "There was nothing to keep in this message."),))


async def test_past_the_limit_a_gateway_is_told_who_was_not_made(side: Side, gateway: str) -> None:
    (answer,) = await side.way_in.take([Relayed(gateway, (), behind=tuple(Behind(name, t(1)) for name in "ABCDEF"))])
    assert answer.kept
    assert [fault.field for fault in answer.refused] == ["E", "F"]
    assert "5" in answer.refused[0].message
    await side.house.kept.remarks.write()
    remarks = await side.house.kept.remarks.of(side.house.tenant, gateway)
    assert {remark.message[:2] for remark in remarks} == {"E:", "F:"}


async def test_what_is_wrong_with_a_device_behind_stands_on_its_own_log_page(side: Side, gateway: str) -> None:
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("A"), Behind("B.1")))])
    wrong_clock = (Readings({"t": 1.0}, 1_000_000),)
    many = (Readings({str(number): 1.0 for number in range(5)}),)
    faults = (Fault("B.1.u.v", "Not a number."), Fault("C", "Not an object."), Fault("", "And more."))
    await side.way_in.take([Relayed(gateway, (), faults, behind=(Behind("A", wrong_clock), Behind("B.1", many)))])
    await side.house.kept.remarks.write()

    async def page(name: str) -> set[tuple[str, str]]:
        device = called(side, gateway, name)
        remarks = await side.house.kept.remarks.of(side.house.tenant, device)
        return {(remark.kind, remark.message.partition(" ")[0]) for remark in remarks}

    assert await page("A") == {("clock", "A")}
    assert await page("B.1") == {("refused", "u.v:"), ("refused", "4:")}


async def test_a_tenant_may_keep_gateways_from_making_devices(side: Side, gateway: str) -> None:
    await side.house.kept.policies.change(side.house.tenant, Policy(made_by_gateways=False))
    known = await side.house.add("Known", gateway=gateway)
    (answer,) = await side.way_in.take([Relayed(gateway, (), behind=(Behind("Known", t(1)), Behind("New", t(2))))])
    assert answer.kept
    assert [fault.field for fault in answer.refused] == ["New"]
    assert side.presence.online(known.id)


async def test_two_gateways_may_use_the_same_names(side: Side, gateway: str) -> None:
    other = (await side.house.add("Other", is_gateway=True)).id
    await side.way_in.take(
        [Relayed(gateway, (), behind=(Behind("A", t(1)),)), Relayed(other, (), behind=(Behind("A", t(2)),))]
    )
    assert called(side, gateway, "A") != called(side, other, "A")


async def test_a_gateway_never_reaches_into_another_tenant(side: Side, gateway: str, db: Database) -> None:
    house = side.house
    theirs = await new_tenant(db, house.clock)
    place = await house.places.add(theirs, Place(id=new_id(), name="Theirs", created_at=moment(0)))
    device = structs.replace(house.new_device("Safe"), place=place.id)
    await house.provisioning.add(theirs, device)
    for name in ("Safe", device.id):
        await side.way_in.take([Relayed(gateway, (), behind=(Behind(name, t(1)),), claims=(Claim(name, "x"),))])
        assert called(side, gateway, name) != device.id
    assert [found.id for found in await house.kept.devices.at(theirs)] == [device.id]
    assert (await side.stories.claiming.state(theirs, device.id)).open is False
    assert {told.device for batch in side.log.batches for told in batch.told} == set()


async def test_devices_behind_come_and_go_with_their_gateway(side: Side, gateway: str) -> None:
    reception, presence = side.stories.reception, side.presence
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("A"), Behind("B")))])
    one, other = called(side, gateway, "A"), called(side, gateway, "B")
    assert presence.connected_now(one)
    assert await side.way_in.take([Relayed(gateway, (), behind=(Behind("A", gone=True),))]) == [KEPT]
    assert not presence.connected_now(one)
    reception.connected(gateway)
    reception.disconnected(gateway)
    assert presence.connected_now(other)
    reception.disconnected(gateway)
    assert not presence.connected_now(other)
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("B"),))])
    assert not presence.connected_now(other)


async def test_nobody_is_made_by_a_goodbye(side: Side, gateway: str) -> None:
    assert await side.way_in.take([Relayed(gateway, (), behind=(Behind("A", gone=True),))]) == [KEPT]
    assert side.stories.reception.behind(gateway, "A") is None


async def test_a_message_is_not_answered_when_a_part_of_it_could_not_be_kept(side: Side, gateway: str) -> None:
    side.log.full = True
    with pytest.raises(Busy):
        await side.way_in.take([Relayed(gateway, (), behind=(Behind("A", t(1)),))])
    side.log.full = False
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("A", t(1)),))])
    assert len(await side.house.kept.devices.at(side.house.tenant)) == 2


async def test_when_a_gateway_retires_its_devices_are_nobodys(side: Side, gateway: str) -> None:
    await side.way_in.take([Relayed(gateway, (), behind=(Behind("A", (Attributes({"k": "v"}),)),))])
    await side.house.provisioning.retire(side.house.tenant, gateway)
    assert side.stories.reception.behind(gateway, "A") is None
    assert not side.stories.reception.is_gateway(gateway)

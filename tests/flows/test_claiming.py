"""Claiming."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House, new_tenant
from tests.flows.sides import Side, side_of
from verger.base.clock import HOUR, moment
from verger.base.db import Database
from verger.base.errors import Conflict, Forbidden, Invalid, Missing
from verger.base.ids import new_id
from verger.domain.devices.model import Device
from verger.domain.devices.policy import Policy
from verger.domain.places.model import Place
from verger.domain.telemetry.model import Answer, Claim, Relayed
from verger.flows.claiming import Claiming

SECRET = "printed on the label"


@dataclass
class Shop:
    """A house with a device that is open to be claimed, a barn beside, and another tenant."""

    side: Side
    claiming: Claiming
    device: Device
    token: str
    barn: str
    buyer: str
    home: str


@pytest_asyncio.fixture
async def shop(house: House, db: Database) -> Shop:
    side = side_of(house)
    device, token = await house.provisioning.add(house.tenant, house.new_device("Sensor 7"))
    barn = await house.places.add(house.tenant, Place(id=new_id(), name="Barn", created_at=moment(0)))
    buyer = await new_tenant(db, house.clock)
    home = await house.places.add(buyer, Place(id=new_id(), name="Home", created_at=moment(0)))
    said = Relayed(device.id, (), claims=(Claim("", SECRET, 3_600_000),))
    assert await side.way_in.take([said]) == [Answer(kept=True)]
    return Shop(side, side.stories.claiming, device, token, barn.id, buyer, home.id)


async def test_who_knows_the_secret_takes_the_device_to_their_place_once(shop: Shop) -> None:
    tenant = shop.side.house.tenant
    state = await shop.claiming.state(tenant, shop.device.id)
    assert (state.open, state.secret) == (True, True)
    claimed = await shop.claiming.claim(tenant, "Sensor 7", SECRET, shop.barn, may_add=False)
    assert (claimed.id, claimed.place) == (shop.device.id, shop.barn)
    with pytest.raises(Missing):
        await shop.claiming.claim(tenant, shop.device.id, SECRET, shop.barn, may_add=False)


@pytest.mark.parametrize("wrong", ["secret", "device", "late", "ended"])
async def test_whatever_is_wrong_is_told_alike(shop: Shop, wrong: str) -> None:
    tenant = shop.side.house.tenant
    if wrong == "late":
        shop.side.house.clock.at += HOUR
    if wrong == "ended":
        await shop.claiming.end(tenant, shop.device.id)
    device = new_id() if wrong == "device" else shop.device.id
    with pytest.raises(Missing, match="No device waits"):
        await shop.claiming.claim(tenant, device, "guess" if wrong == "secret" else SECRET, shop.barn, may_add=True)
    assert (await shop.side.house.kept.devices.get(tenant, shop.device.id)).place == shop.side.house.place.id


async def test_a_place_of_others_is_not_there(shop: Shop) -> None:
    with pytest.raises(Invalid):
        await shop.claiming.claim(shop.side.house.tenant, shop.device.id, SECRET, shop.home, may_add=True)


async def test_another_organisation_claims_only_where_that_is_allowed(shop: Shop) -> None:
    with pytest.raises(Missing, match="No device waits"):
        await shop.claiming.claim(shop.buyer, shop.device.id, SECRET, shop.home, may_add=True)
    assert (await shop.claiming.state(shop.side.house.tenant, shop.device.id)).open


async def allowed(shop: Shop) -> None:
    await shop.side.house.kept.policies.change(shop.side.house.tenant, Policy(claimed_by_others=True))


async def test_a_device_handed_to_another_organisation_begins_anew_with_its_token(shop: Shop) -> None:
    house = shop.side.house
    await allowed(shop)
    with pytest.raises(Forbidden):
        await shop.claiming.claim(shop.buyer, shop.device.id, SECRET, shop.home, may_add=False)
    fresh = await shop.claiming.claim(shop.buyer, shop.device.id, SECRET, shop.home, may_add=True)
    assert (fresh.name, fresh.place) == ("Sensor 7", shop.home)
    assert fresh.id != shop.device.id
    assert house.kept.registry.holder(shop.token) == fresh.id
    known = house.kept.registry.known(fresh.id)
    assert known is not None
    assert known.tenant == shop.buyer
    assert house.wire.dropped == [shop.device.id]
    with pytest.raises(Missing):
        await house.kept.devices.get(house.tenant, shop.device.id)
    with pytest.raises(Missing):
        await shop.claiming.claim(house.tenant, shop.device.id, SECRET, shop.barn, may_add=True)


async def test_another_organisation_finds_no_device_by_its_name_and_none_without_a_real_secret(shop: Shop) -> None:
    await allowed(shop)
    with pytest.raises(Missing):
        await shop.claiming.claim(shop.buyer, "Sensor 7", SECRET, shop.home, may_add=True)
    await shop.claiming.open([(shop.side.house.tenant, shop.device.id, Claim("", ""))])
    with pytest.raises(Missing):
        await shop.claiming.claim(shop.buyer, shop.device.id, "", shop.home, may_add=True)


async def test_a_claim_that_clashes_leaves_the_device_where_it_was(shop: Shop) -> None:
    house = shop.side.house
    await allowed(shop)
    for tenant, place in ((house.tenant, house.place.id), (shop.buyer, shop.home)):
        await house.provisioning.add(tenant, structs.replace(house.new_device("Twin", address="aa:bb"), place=place))
    twin = next(device for device in await house.kept.devices.at(house.tenant) if device.name == "Twin")
    await shop.claiming.open([(house.tenant, twin.id, Claim("", SECRET))])
    with pytest.raises(Conflict):
        await shop.claiming.claim(shop.buyer, twin.id, SECRET, shop.home, may_add=True)
    assert (await house.kept.devices.get(house.tenant, twin.id)).address == "aa:bb"
    assert (await shop.claiming.state(house.tenant, twin.id)).open


async def test_people_may_open_a_device_with_a_fresh_secret(shop: Shop) -> None:
    tenant = shop.side.house.tenant
    offered = await shop.claiming.offer(tenant, shop.device.id, 120)
    assert offered.until == moment(shop.side.house.clock.now() + HOUR // 30)
    with pytest.raises(Missing):
        await shop.claiming.claim(tenant, shop.device.id, SECRET, shop.barn, may_add=False)
    await shop.claiming.claim(tenant, shop.device.id, offered.secret, shop.barn, may_add=False)


async def test_claims_of_strangers_do_nothing(shop: Shop) -> None:
    for act in (shop.claiming.state, shop.claiming.end):
        with pytest.raises(Missing):
            await act(shop.buyer, shop.device.id)
    with pytest.raises(Missing):
        await shop.claiming.offer(shop.buyer, shop.device.id, None)
    assert (await shop.claiming.state(shop.side.house.tenant, shop.device.id)).open


async def test_old_claims_are_forgotten(shop: Shop) -> None:
    shop.side.house.clock.at += 2 * HOUR
    await shop.claiming.purge()
    assert await shop.side.house.kept.claims.of(shop.device.id, moment(0)) is None

"""Devices that are known by their certificates."""

import pytest

from tests.flows.conftest import House
from verger.base.db import Database
from verger.base.errors import Conflict, Invalid
from verger.domain.devices.kept import Kept

FIRST, SECOND = "1" * 64, "2" * 64


async def test_a_device_comes_with_a_certificate_and_needs_no_token(house: House) -> None:
    device, proof = await house.provisioning.add(house.tenant, house.new_device(), certificate=FIRST.upper())
    assert proof == FIRST
    assert house.kept.registry.certified(FIRST) == device.id
    assert house.kept.registry.holder(FIRST) is None


async def test_a_certificate_ends_the_token_and_a_new_token_ends_the_certificate(house: House) -> None:
    device, token = await house.provisioning.add(house.tenant, house.new_device())
    assert await house.provisioning.renew(house.tenant, device.id, FIRST) == FIRST
    assert (house.kept.registry.holder(token), house.kept.registry.certified(FIRST)) == (None, device.id)
    assert await house.provisioning.renew(house.tenant, device.id, SECOND) == SECOND
    assert (house.kept.registry.certified(FIRST), house.kept.registry.certified(SECOND)) == (None, device.id)
    token = await house.provisioning.renew(house.tenant, device.id)
    assert (house.kept.registry.holder(token), house.kept.registry.certified(SECOND)) == (device.id, None)
    assert house.wire.dropped == [device.id] * 3


async def test_one_certificate_is_one_device(house: House) -> None:
    device, _ = await house.provisioning.add(house.tenant, house.new_device(), certificate=FIRST)
    other, token = await house.provisioning.add(house.tenant, house.new_device("Other"))
    with pytest.raises(Conflict, match="This certificate is taken"):
        await house.provisioning.add(house.tenant, house.new_device("Third"), certificate=FIRST)
    with pytest.raises(Conflict):
        await house.provisioning.renew(house.tenant, other.id, FIRST)
    assert (house.kept.registry.certified(FIRST), house.kept.registry.holder(token)) == (device.id, other.id)


async def test_secret_and_certificate_together_are_refused(house: House) -> None:
    with pytest.raises(Invalid, match="either a secret or a certificate"):
        await house.provisioning.add(house.tenant, house.new_device(), "A1_TEST_TOKEN", FIRST)


async def test_a_retired_device_is_known_by_nothing_and_its_certificate_is_free(house: House) -> None:
    device, _ = await house.provisioning.add(house.tenant, house.new_device(), certificate=FIRST)
    await house.provisioning.retire(house.tenant, device.id)
    assert house.kept.registry.certified(FIRST) is None
    await house.provisioning.add(house.tenant, house.new_device("Next"), certificate=FIRST)


async def test_certificates_are_known_again_at_the_start(house: House, db: Database) -> None:
    device, _ = await house.provisioning.add(house.tenant, house.new_device(), certificate=FIRST)
    fresh = Kept.over(db, house.clock)
    await fresh.fill(200)
    assert fresh.registry.certified(FIRST) == device.id

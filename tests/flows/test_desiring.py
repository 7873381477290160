"""Desiring."""

import pytest

from tests.flows.conftest import House
from verger.base.clock import HOUR
from verger.base.errors import Invalid, Missing
from verger.flows.desiring import Desiring


@pytest.fixture
def desiring(house: House) -> Desiring:
    return Desiring(house.kept, house.wire, house.screens, house.clock, most=3)


async def desired(house: House, device: str) -> object:
    return (await house.kept.attributes.of(house.tenant, [device]))[device].desired


async def test_what_is_desired_is_kept_told_and_shown(house: House, desiring: Desiring) -> None:
    device = (await house.add()).id
    await desiring.desire(house.tenant, device, {"every_s": 60, "mode": {"fan": "low", "light": 3}})
    await desiring.desire(house.tenant, device, {"every_s": None, "mode": {"light": None, "heat": 1}, "never": None})
    assert await desired(house, device) == {"mode": {"fan": "low", "heat": 1}}
    assert house.wire.desired == [
        (device, {"every_s": 60, "mode": {"fan": "low", "light": 3}}, ()),
        (device, {"mode": {"fan": "low", "heat": 1}}, ("every_s",)),
    ]
    word = {"type": "attributes", "device": device, "desired": {"mode": {"fan": "low", "heat": 1}, "every_s": None}}
    assert house.screens.told[-1] == (device, word)


async def test_the_last_wish_stands_also_after_the_clock_has_moved_back(house: House, desiring: Desiring) -> None:
    device = (await house.add()).id
    await desiring.desire(house.tenant, device, {"every_s": 60})
    house.clock.at -= HOUR
    await desiring.desire(house.tenant, device, {"every_s": 5})
    assert await desired(house, device) == {"every_s": 5}


async def test_only_so_many_are_kept_of_one_device(house: House, desiring: Desiring) -> None:
    device = (await house.add()).id
    await desiring.desire(house.tenant, device, {"a": 1, "b": 2, "c": 3})
    with pytest.raises(Invalid, match="at most 3"):
        await desiring.desire(house.tenant, device, {"d": 4})
    await desiring.desire(house.tenant, device, {"a": None, "d": 4})
    assert await desired(house, device) == {"b": 2, "c": 3, "d": 4}
    assert len(house.wire.desired) == 2


@pytest.mark.parametrize("key", ["", "a,b", "deleted", "a\n", "x" * 129, "too much"])
async def test_what_could_not_be_told_is_refused(house: House, desiring: Desiring, key: str) -> None:
    device = (await house.add()).id
    with pytest.raises(Invalid) as refused:
        await desiring.desire(house.tenant, device, {key: "x" * 20_000 if key == "too much" else 1})
    assert refused.value.faults[0].field.startswith("attributes.desired.")
    assert house.wire.desired == []


async def test_another_tenants_device_is_not_there(house: House, desiring: Desiring) -> None:
    device = (await house.add()).id
    with pytest.raises(Missing):
        await desiring.desire("another", device, {"a": 1})

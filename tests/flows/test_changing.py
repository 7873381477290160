"""What a person changes of a device is kept at once or not at all."""

from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import event

from tests.flows.conftest import House
from verger.base.errors import Invalid
from verger.flows.changing import Changing
from verger.flows.desiring import Desiring


@pytest.fixture
def changing(house: House) -> Changing:
    return Changing(house.provisioning, Desiring(house.kept, house.wire, house.screens, house.clock, most=3))


async def state(house: House, device: str) -> tuple[str, str, Any]:
    """Return a device's name, the unit of its only metric, and what is desired of it."""
    [series] = await house.kept.series.of(house.tenant, [device])
    attributes = (await house.kept.attributes.of(house.tenant, [device])).get(device)
    name = (await house.kept.devices.get(house.tenant, device)).name
    return name, series.unit, attributes.desired if attributes else {}


async def test_all_of_a_change_is_one_transaction_and_told_after_it(house: House, changing: Changing) -> None:
    device = await house.add()
    await house.kept.series.create({(house.tenant, device.id): ["t"]})
    commits: list[int] = []
    event.listen(house.kept.db.engine.sync_engine, "commit", lambda _: commits.append(len(house.wire.desired)))
    renamed = structs.replace(device, name="Attic")
    await changing.change(house.tenant, renamed, {"t": {"unit": "Cel"}}, {"every_s": 60})
    assert commits == [0]
    assert await state(house, device.id) == ("Attic", "Cel", {"every_s": 60})
    assert house.wire.desired == [(device.id, {"every_s": 60}, ())]


async def test_what_cannot_be_desired_takes_the_rest_of_the_change_with_it(house: House, changing: Changing) -> None:
    device = await house.add()
    await house.kept.series.create({(house.tenant, device.id): ["t"]})
    for wish in ({"a": 1, "b": 2, "c": 3, "d": 4}, {"no,comma": 1}):
        with pytest.raises(Invalid):
            await changing.change(house.tenant, structs.replace(device, name="Attic"), {"t": {"unit": "Cel"}}, wish)
    assert await state(house, device.id) == (device.name, "", {})
    assert house.wire.desired == []

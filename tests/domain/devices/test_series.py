"""Series and their numbers."""

import numpy as np

from tests.flows.conftest import new_tenant
from verger.base.clock import HeldClock, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.devices.registry import Registry
from verger.domain.places.model import Place
from verger.domain.places.store import PlaceStore


async def test_a_metric_that_has_a_number_keeps_it_when_it_is_asked_for_again(db: Database, clock: HeldClock) -> None:
    tenant, kept, now = await new_tenant(db, clock), Kept.over(db, clock), moment(clock.now())
    place = await PlaceStore(db).add(tenant, Place(id=new_id(), name="Hall", created_at=now))
    device = Device(id=new_id(), name="Probe", place=place.id, created_at=now)
    await kept.add(tenant, device, 200)
    before = await kept.series.create({(tenant, device.id): ["t"]})
    again = await kept.series.create({(tenant, device.id): ["h", "t"]})
    assert [series.metric for series in again] == ["h", "t"]
    assert again[1].number == before[0].number
    assert len(await kept.series.everything()) == 2


def test_a_number_beyond_all_that_are_known_belongs_to_nobody() -> None:
    registry = Registry()
    registry.add("hall", "lake", "cottage", 200)
    registry.learn("hall", {"t": 1})
    assert registry.slots_of(np.array([1, 2, 70_000], np.uint32)).tolist() == [0, -1, -1]

"""Places."""

import pytest
from msgspec import structs

from tests.flows.conftest import new_tenant
from verger.base.clock import HeldClock, moment
from verger.base.db import Database
from verger.base.errors import Invalid, Missing, Stale
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.domain.places.model import DEEPEST, Place
from verger.domain.places.store import PlaceStore


def a_place(name: str = "Farm", parent: str | None = None) -> Place:
    return Place(id=new_id(), name=name, parent=parent, created_at=moment(0))


async def test_places_make_a_tree(db: Database, clock: HeldClock) -> None:
    tenant, places = await new_tenant(db, clock), PlaceStore(db)
    farm = await places.add(tenant, a_place("Farm"))
    room = await places.add(tenant, a_place("Room", farm.id))
    shelf = await places.add(tenant, a_place("Shelf", room.id))
    tree = await places.tree(tenant)
    assert tree.below(farm.id) == [farm.id, room.id, shelf.id]
    assert tree.above(shelf.id) == [room.id, farm.id]


async def test_another_tenant_s_place_is_not_there(db: Database, clock: HeldClock) -> None:
    mine, theirs, places = await new_tenant(db, clock), await new_tenant(db, clock), PlaceStore(db)
    farm = await places.add(theirs, a_place())
    with pytest.raises(Missing):
        await places.get(mine, farm.id)
    with pytest.raises(Invalid, match="no such place"):
        await places.add(mine, a_place("Room", farm.id))
    assert (await places.page(mine, Asked())).items == []


async def test_a_place_cannot_lie_within_itself(db: Database, clock: HeldClock) -> None:
    tenant, places = await new_tenant(db, clock), PlaceStore(db)
    farm = await places.add(tenant, a_place("Farm"))
    room = await places.add(tenant, a_place("Room", farm.id))
    with pytest.raises(Invalid, match="within itself"):
        await places.change(tenant, structs.replace(farm, parent=room.id))


async def test_the_tree_has_a_bottom(db: Database, clock: HeldClock) -> None:
    tenant, places = await new_tenant(db, clock), PlaceStore(db)
    parent: str | None = None
    for _ in range(DEEPEST):
        parent = (await places.add(tenant, a_place("Level", parent))).id
    with pytest.raises(Invalid, match="too deep"):
        await places.add(tenant, a_place("Deeper", parent))


async def test_a_change_makes_the_next_version_and_a_stale_one_is_refused(db: Database, clock: HeldClock) -> None:
    tenant, places = await new_tenant(db, clock), PlaceStore(db)
    farm = await places.add(tenant, a_place())
    assert (await places.change(tenant, structs.replace(farm, name="Oyster farm"))).version == 2
    with pytest.raises(Stale):
        await places.change(tenant, structs.replace(farm, name="Other"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"latitude": 91.0, "longitude": 0.0}, "latitude"),
        ({"latitude": 1.0}, "latitude"),
        ({"attributes": {"x": "y" * 20_000}}, "attributes"),
    ],
)
def test_a_place_that_cannot_be_is_refused_by_field(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        structs.replace(a_place(), **wrong)
    assert [fault.field for fault in refused.value.faults] == [field]

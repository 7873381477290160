"""What was deleted stays so, whatever came between: a restore, or a crash."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec import structs

from tests.flows.homes import NOW, Home, Open, restore, told
from tests.people import PASSWORD
from verger.app import open_stores
from verger.base.clock import HeldClock
from verger.base.errors import Missing
from verger.base.ids import new_id
from verger.base.settings import Settings
from verger.domain.deletions.model import Deletion, Erasure
from verger.domain.places.model import Place
from verger.domain.tenancy.model import Founding


async def test_a_restore_deletes_again_what_was_deleted_since_and_nothing_else(home: Home, open_on: Open) -> None:
    grounds = home.house.grounds
    shed = await grounds.places.add(home.tenant, Place(id=new_id(), name="Shed", created_at=NOW))
    inside = await home.add(place=shed.id)
    gone_on = await home.add(place=shed.id)
    await home.speak(inside, 3)
    await home.backing().back_up()
    device = await grounds.kept.devices.get(home.tenant, gone_on)
    home.clock.advance(3600)
    await grounds.provisioning.change(home.tenant, structs.replace(device, place=home.place), {})
    newcomer = await home.add()
    await home.speak(newcomer, 3)
    numbers = [each.number for each in await grounds.kept.series.of(home.tenant, [newcomer])]
    await grounds.vacating.erase(home.tenant, shed.id, "user:aino")
    await grounds.retiring.erase(home.tenant, newcomer, "user:aino")

    folder, _ = restore(home)
    house = await open_on(folder)
    with pytest.raises(Missing):
        await house.grounds.places.get(home.tenant, shed.id)
    with pytest.raises(Missing):
        await house.grounds.kept.devices.get(home.tenant, inside)
    assert (await house.grounds.kept.devices.get(home.tenant, gone_on)).place == home.place
    again = Home(house, folder, home.clock, home.tenant, home.place)
    fresh = await again.add()
    await again.speak(fresh, 4)
    # Its series has the number that the newcomer's had, for the backup knows of no newcomer.
    assert [each.number for each in await house.stores.kept.series.of(home.tenant, [fresh])] == numbers
    await house.upkeep.erasing.sweep()
    assert await told(house, home.tenant, fresh) == ([*range(4)], [*range(4)])
    assert await house.stores.deletions.undone() == []


async def test_what_a_crash_left_to_be_read_is_hidden_at_the_next_start(tmp_path: Path, clock: HeldClock) -> None:
    settings, shed = Settings.read({"VERGER_DATA": str(tmp_path)}), Place(id=new_id(), name="Shed", created_at=NOW)
    async with AsyncExitStack() as stack:
        stores = await open_stores(stack, settings, clock)
        tenant, _ = await stores.tenancy.users.found(Founding("Mökki", "Aino", "aino@example.test", PASSWORD))
        await stores.places.add(tenant.id, shed)
        deletion = Deletion(id=new_id(), what="place", subject=shed.id, asked_by="user:aino", at=NOW, upto=1)
        await stores.deletions.add(Erasure(tenant.id, deletion, []))
    async with AsyncExitStack() as stack:
        stores = await open_stores(stack, settings, clock)
        with pytest.raises(Missing):
            await stores.places.get(tenant.id, shed.id)

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
from verger.domain.backups.shelf import Shelf
from verger.domain.deletions.ledger import Ledger
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


async def test_a_restore_far_away_knows_from_the_backups_themselves_what_was_deleted(
    home: Home, open_on: Open, tmp_path: Path
) -> None:
    device, kept = await home.add(), await home.add()
    await home.backing().back_up()
    home.clock.advance(3600)
    await home.house.grounds.retiring.erase(home.tenant, device, "user:aino")
    folder, _ = restore(home, to=tmp_path / "elsewhere" / "data")  # whose settings name another folder of backups
    house = await open_on(folder)
    with pytest.raises(Missing):
        await house.grounds.kept.devices.get(home.tenant, device)
    assert (await house.grounds.kept.devices.get(home.tenant, kept)).id == kept


async def test_a_backup_in_another_folder_tells_what_was_deleted_before_it(
    home: Home, open_on: Open, tmp_path: Path
) -> None:
    device, shelf = await home.add(), Shelf(tmp_path / "stick")
    first = await home.backing(shelf).back_up()
    home.clock.advance(3600)
    await home.house.grounds.retiring.erase(home.tenant, device, "user:aino")
    await home.backing(shelf).back_up()
    assert len(Ledger(shelf.folder).since(NOW)) == 1
    await home.backing(shelf).back_up()
    assert len(Ledger(shelf.folder).since(NOW)) == 1
    folder, _ = restore(home, shelf, first.id, to=tmp_path / "elsewhere" / "data")
    house = await open_on(folder)
    with pytest.raises(Missing):
        await house.grounds.kept.devices.get(home.tenant, device)


async def test_a_deletion_that_was_done_while_the_backup_ran_is_done_again(home: Home, open_on: Open) -> None:
    await home.house.grounds.retiring.erase(home.tenant, await home.add(), "user:aino")
    await home.house.upkeep.erasing.sweep()
    home.clock.advance(3600)
    await home.house.grounds.retiring.erase(home.tenant, await home.add(), "user:aino")
    await home.house.upkeep.erasing.sweep()
    await home.backing().back_up()  # as if it had begun before, for the clock stands still
    folder, _ = restore(home)
    (home.shelf.folder / "deletions.jsonl").unlink()
    assert len(await (await open_on(folder)).stores.deletions.undone()) == 1


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

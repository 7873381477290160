"""A backup of a house in use holds all that was acknowledged before it, each once, and comes back as it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.people import PASSWORD
from verger.app import House, open_house, open_stores
from verger.base.clock import HOUR, SECOND, HeldClock, moment
from verger.base.errors import Refused
from verger.base.folder import DataFolder
from verger.base.ids import new_id
from verger.base.settings import Settings
from verger.domain.backups.mark import Mark
from verger.domain.backups.model import Backup
from verger.domain.backups.shelf import Shelf
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.domain.telemetry.model import Event, Heard, Readings
from verger.domain.tenancy.model import Founding
from verger.flows.backing import BackingUp
from verger.flows.restoring import Restoring
from verger.flows.verifying import Verifying

NOON = 1_800_000_000 * SECOND
NOW = moment(NOON)


@dataclass
class Home:
    """A house with devices that speak; `kept` is what was acknowledged, by device."""

    house: House
    folder: Path
    clock: HeldClock
    tenant: str
    place: str
    kept: dict[str, list[int]] = field(default_factory=dict)

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.folder.parent / "shelf")

    def backing(self, shelf: Shelf | None = None) -> BackingUp:
        return BackingUp(
            self.folder,
            self.folder / "verger.db",
            self.house.stores.log,
            shelf or self.shelf,
            self.clock,
            7,
            self.house.stores.history.copy,
        )

    async def add(self) -> str:
        made = Device(id=new_id(), name=f"Probe {len(self.kept)}", place=self.place, created_at=NOW)
        device, _ = await self.house.grounds.provisioning.add(self.tenant, made)
        self.kept[device.id] = []
        return device.id

    async def speak(self, device: str, count: int, start: int = NOON) -> None:
        """Let a device tell a reading a second and an event with each; return once all is acknowledged."""
        for number in range(len(self.kept[device]), len(self.kept[device]) + count):
            at = start + number * SECOND
            said = (Readings({"t": float(number)}, at), Event("beat", number, at, str(number)))
            await self.house.inlet.put(Heard(device, said))
            self.kept[device].append(number)


async def told(house: House, tenant: str, device: str) -> tuple[list[int], list[int]]:
    """Return the numbers of a device's readings, and of its events, as they are kept."""
    await house.oversight.followers.caught_up()
    series = await house.stores.kept.series.of(tenant, [device])
    readings = [
        round(value)
        for each in series
        for value in (await house.stores.history.raw(each.number, 0, 1 << 62, 1 << 20)).value.tolist()
    ]
    async with house.stores.db.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT identity FROM event WHERE device = ?", (device,))
        events = sorted(int(row[0].removeprefix("id:")) for row in rows)
    return readings, events


Open = Callable[[Path], Awaitable[House]]


@pytest_asyncio.fixture
async def open_on(clock: HeldClock) -> AsyncIterator[Open]:
    """Return what opens the whole product on a folder."""
    async with AsyncExitStack() as stack:

        async def begin(folder: Path) -> House:
            settings = Settings.read({"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0"})
            return await open_house(stack, await open_stores(stack, settings, clock))

        yield begin


@pytest_asyncio.fixture
async def home(tmp_path: Path, clock: HeldClock, open_on: Open) -> Home:
    house = await open_on(tmp_path / "data")
    owner = Founding("Mökki", "Aino", "aino@example.test", PASSWORD)
    tenant, _ = await house.stores.tenancy.users.found(owner)
    place = await house.grounds.places.add(tenant.id, Place(id=new_id(), name="Cottage", created_at=NOW))
    return Home(house, tmp_path / "data", clock, tenant.id, place.id)


def restore(home: Home, shelf: Shelf | None = None, backup: str | None = None, **how: Any) -> tuple[Path, Mark]:
    folder = home.folder.with_name("restored")
    lock = DataFolder.hold(folder)
    try:
        return folder, Restoring(folder, shelf or home.shelf, home.clock).restore(backup, replace=False, **how)
    finally:
        lock.release()


async def test_all_that_was_acknowledged_is_in_a_backup_once(home: Home, open_on: Open) -> None:
    device = await home.add()
    await home.speak(device, 30)
    await home.house.stores.history.flush()
    await home.speak(device, 20)
    backup = await home.backing().back_up()
    await home.speak(device, 10)
    folder, mark = restore(home)
    assert mark.backup == backup.id
    assert backup.counts is not None
    assert (backup.counts.readings, backup.counts.devices) == (50, 1)
    house = await open_on(folder)
    assert await told(house, home.tenant, device) == ([*range(50)], [*range(50)])


async def test_a_backup_taken_under_load_holds_each_acknowledged_reading_once(home: Home, open_on: Open) -> None:
    devices = [await home.add() for _ in range(4)]
    for device in devices:
        await home.speak(device, 20)
    talking = [asyncio.create_task(home.speak(device, 400)) for device in devices]
    flushing = asyncio.create_task(home.house.stores.history.flush())
    before = {device: len(home.kept[device]) for device in devices}
    fresh: list[str] = []

    async def grow() -> None:
        for _ in range(10):
            fresh.append(await home.add())
            await home.speak(fresh[-1], 3)

    growing = asyncio.create_task(grow())
    await home.backing().back_up()
    after = {device: len(home.kept[device]) for device in devices}
    await asyncio.gather(*talking, growing, flushing)
    folder, _ = restore(home)
    house = await open_on(folder)
    for device in devices:
        readings, events = await told(house, home.tenant, device)
        assert readings == [*range(len(readings))]
        assert before[device] <= len(readings) <= after[device] + 1
        assert set(range(before[device])) <= set(events)
    for device in fresh:
        readings, _ = await told(house, home.tenant, device)
        assert readings == [*range(len(readings))]


async def test_devices_go_on_after_a_restore_and_nothing_is_mixed_up(home: Home, open_on: Open) -> None:
    old = await home.add()
    await home.speak(old, 10)
    await home.backing().back_up()
    lost = await home.add()
    await home.speak(lost, 10)
    await home.speak(old, 10)
    folder, _ = restore(home)
    house = await open_on(folder)
    again = Home(house, folder, home.clock, home.tenant, home.place, {old: [*range(10)]})
    fresh = await again.add()
    await again.speak(old, 5)
    await again.speak(fresh, 7)
    assert await told(house, home.tenant, old) == ([*range(15)], [*range(15)])
    assert await told(house, home.tenant, fresh) == ([*range(7)], [*range(7)])


async def test_a_month_that_did_not_change_is_stored_once(home: Home) -> None:
    device = await home.add()
    await home.speak(device, 100, NOON - 40 * 24 * HOUR)
    await home.house.stores.history.flush()
    first = await home.backing().back_up()
    await home.speak(device, 5)
    second = await home.backing().back_up()
    parts = [
        {part.path: part.contents.name for part in home.shelf.contents(manifest).parts if part.kind == "month"}
        for manifest in (home.shelf.find(first.id), home.shelf.find(second.id))
    ]
    assert parts[0] == parts[1]
    assert len(parts[0]) == 1
    assert first.id != second.id


async def test_a_backup_that_is_well_is_found_well(home: Home) -> None:
    device = await home.add()
    await home.speak(device, 30)
    backup = await home.backing().back_up()
    verified = await Verifying(home.folder, home.shelf, home.clock).verify()
    assert verified.well, verified.said
    assert "30 readings, 30 of them from the log; 30 events, 1 devices" in verified.said
    assert home.shelf.tell(backup.id).verified == verified


def objects(shelf: Shelf) -> list[Path]:
    return sorted(shelf.folder.glob("objects/*/*"))


async def test_a_flipped_byte_anywhere_is_found_and_kept_anew_by_the_next_backup(home: Home) -> None:
    device = await home.add()
    await home.speak(device, 30)
    await home.house.stores.history.flush()
    await home.backing().back_up()
    for kind in ("secret", "index", "month", "database", "log"):
        parts = home.shelf.contents(home.shelf.find()).parts
        name = next(part.contents.name for part in parts if part.kind == kind)
        path = next(path for path in objects(home.shelf) if path.name == name)
        whole = path.read_bytes()
        place = len(whole) // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        verified = await Verifying(home.folder, home.shelf, home.clock).verify()
        assert not verified.well, kind
        with pytest.raises(Refused, match="is damaged"):
            restore(home)
        await home.backing().back_up()
        verified = await Verifying(home.folder, home.shelf, home.clock).verify()
        assert verified.well, verified.said


async def test_a_sealed_backup_opens_with_its_passphrase_only(home: Home, open_on: Open) -> None:
    device = await home.add()
    await home.speak(device, 30)
    sealed = Shelf(home.shelf.folder, b"under the apple tree")
    first = await home.backing(sealed).back_up()
    second = await home.backing(Shelf(home.shelf.folder, b"under the apple tree")).back_up()
    assert (first.sealed, second.sealed) == (True, True)
    assert second.new < first.new
    assert all(path.name.endswith(".sealed") for path in objects(sealed))
    for wrong in (None, b"under the pear tree"):
        with pytest.raises(Refused, match="passphrase"):
            restore(home, Shelf(home.shelf.folder, wrong))
    with pytest.raises(Refused, match="does not open the backups"):
        await home.backing(Shelf(home.shelf.folder, b"under the pear tree")).back_up()
    folder, _ = restore(home, sealed)
    house = await open_on(folder)
    assert (await told(house, home.tenant, device))[0] == [*range(30)]


async def test_a_backup_cut_short_anywhere_leaves_nothing_that_looks_whole(home: Home) -> None:
    class Cut(Exception):
        pass

    device = await home.add()
    await home.speak(device, 30)
    steps = [0, 0]

    def cut(_done: int, _total: int | None) -> None:
        steps[0] += 1
        if steps[0] > steps[1]:
            raise Cut

    made: Backup | None = None
    while made is None:
        steps[0] = 0
        try:
            made = await home.backing().back_up(cut)
        except Cut:
            steps[1] += 1
    assert steps[1] > 3
    assert [each.id for each in home.shelf.manifests()] == [made.id]
    assert not (home.shelf.folder / "incoming").exists() or not [*(home.shelf.folder / "incoming").iterdir()]
    names = {part.contents.name for part in home.shelf.contents(home.shelf.find()).parts}
    assert {path.name for path in objects(home.shelf)} == names

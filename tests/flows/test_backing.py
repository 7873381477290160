"""A backup of a house in use holds all that was acknowledged before it, each once, and comes back as it was."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import convert

from tests.flows.homes import NOON, NOW, Home, Open, restore, told
from verger.base.clock import HOUR
from verger.base.errors import Refused
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.base.space import Space
from verger.domain.backups import mark
from verger.domain.backups.model import Backup
from verger.domain.backups.shelf import Shelf
from verger.domain.rules.accepted import KeptRule
from verger.flows.verifying import Verifying


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


async def test_what_may_go_goes_first_and_what_changed_needs_room(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await home.add()
    await home.speak(device, 100, NOON - 40 * 24 * HOUR)
    await home.house.stores.history.flush()
    for _ in range(9):
        await home.backing().back_up()
        home.clock.advance(86_400)
    names = [each.id for each in home.shelf.told()]
    database = (home.folder / "verger.db").stat().st_size
    usage = SimpleNamespace(total=100 << 30, free=(10 << 30) + database // 2)
    monkeypatch.setattr("verger.flows.backing.shutil.disk_usage", lambda _folder: usage)
    fewer = replace(home.backing(), keep=3)
    with pytest.raises(Refused, match="A backup may need"):
        await fewer.back_up()
    assert [each.id for each in home.shelf.told()] == names[:3]
    usage.free += 64 << 20
    await fewer.back_up()


async def test_a_trial_keeps_away_from_the_safe_mode(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.backing().back_up()
    total = 1 << 40
    monkeypatch.setattr("verger.flows.laying.space_of", lambda _folder: Space(total, total * 6 // 100))
    with pytest.raises(Refused, match="are kept for what devices send"):
        await Verifying(home.folder, home.shelf, home.clock, 0.95).verify()
    monkeypatch.setattr("verger.flows.laying.space_of", lambda _folder: Space(total, total * 8 // 100))
    assert (await Verifying(home.folder, home.shelf, home.clock, 0.95).verify()).well


async def test_a_backup_that_is_well_is_found_well(home: Home) -> None:
    device = await home.add()
    await home.speak(device, 30)
    backup = await home.backing().back_up()
    verified = await Verifying(home.folder, home.shelf, home.clock).verify()
    assert verified.well, verified.said
    assert "30 readings, 30 of them from the log; 30 events, 1 device." in verified.said
    assert home.shelf.tell(backup.id).verified == verified


def objects(shelf: Shelf) -> list[Path]:
    return sorted(shelf.folder.glob("objects/*/*"))


async def test_a_flipped_byte_of_any_part_is_found_and_kept_anew_by_the_next_backup(home: Home) -> None:
    device = await home.add()
    await home.speak(device, 30)
    await home.house.stores.history.flush()
    await home.backing().back_up()
    for kind in ("secret", "index", "month", "database", "log"):
        parts = home.shelf.contents(home.shelf.find()).parts
        name = next(part.contents.name for part in parts if part.kind == kind)
        path = next(path for path in objects(home.shelf) if path.name == name)
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
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


async def test_what_rules_had_to_say_when_a_backup_was_taken_is_not_said_after_its_restore(
    home: Home, open_on: Open
) -> None:
    device = await home.add()
    grounds, tenant = home.house.grounds, home.tenant
    call = {"webhook": {"url": "https://nobody.invalid/"}}
    when = {"metric": "t", "is": "above", "value": -1}
    known = {"id": new_id(), "name": "Call", "place": home.place, "created_at": NOW, "rest_s": 3600}
    rule = await grounds.ruling.add(tenant, convert(known | {"when": when, "then": [call]}, KeptRule))
    await home.speak(device, 1)
    await home.house.oversight.followers.caught_up()
    signing = await grounds.signing.get(tenant)
    await home.backing().back_up()
    folder, _ = restore(home)
    house = await open_on(folder)
    [run] = (await house.grounds.ruling.runs(tenant, rule.id, Asked())).items
    assert [done.state for done in run.then] == ["expired"]
    assert (await house.stores.callbook.calls.count())[0] == 0
    assert await house.grounds.signing.get(tenant) == signing
    found = mark.read(folder)
    assert found is not None
    assert any(said.startswith("1 call of rules") for said in found.said)

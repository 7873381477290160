"""An installation of each system, moved in whole: tried first, then kept once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from tests.edges.moving import installations as old
from tests.flows.conftest import home, open_on
from tests.flows.homes import Home
from verger.app.moving import moving_words
from verger.base.clock import microseconds, moment
from verger.base.errors import Invalid, Missing
from verger.base.pages import Asked
from verger.cli import commands
from verger.domain.devices.model import Device
from verger.domain.imports.moved import Moved, Part

__all__ = ["home", "open_on"]

PROBE = "ESP8266_12F_005_PROD_Temp"


@dataclass
class Mover:
    """Moves installations into a home."""

    home: Home
    move_in: Callable[..., Awaitable[Any]]

    async def moves(self, family: str, where: Path, *, trial: bool = False, **more: Any) -> Moved:
        given = {"family": family, "where": str(where), "place": self.home.place, "trial": trial} | more
        return msgspec.convert(await self.move_in(given, lambda _done, _total: None), Moved)

    async def devices(self) -> dict[str, Device]:
        """Return the devices by address."""
        found = await self.home.house.stores.kept.devices.at(self.home.tenant)
        return {each.address or each.name: each for each in found}

    async def readings(self, address: str) -> dict[str, list[tuple[str, float]]]:
        """Return what a device measured, by metric."""
        device = (await self.devices())[address]
        series = await self.home.house.stores.kept.series.of(self.home.tenant, [device.id])
        found = {}
        for each in series:
            rows = await self.home.house.stores.history.raw(each.number, 0, 1 << 60)
            times = [moment(at).isoformat() for at in rows.at.tolist()]
            found[each.metric] = list(zip(times, rows.value.tolist(), strict=True))
        return found

    async def events(self, address: str) -> list[tuple[str, str, Any]]:
        device = (await self.devices())[address]
        page = await self.home.house.stores.events.page(self.home.tenant, device.id, Asked(limit=100))
        return sorted((each.at.isoformat(), each.kind, each.data) for each in page.items)

    async def paths(self) -> list[str]:
        """Return each place below the home's, as kind and name from there on."""
        tree = await self.home.house.stores.places.tree(self.home.tenant)

        def told(place: str) -> str:
            above = [each for each in tree.above(place) if each != self.home.place]
            return " / ".join(
                f"{tree.places[each].kind} {tree.places[each].name}" for each in [*reversed(above), place]
            )

        return sorted(told(each) for each in tree.places if each != self.home.place)


@pytest.fixture
def mover(home: Home) -> Mover:
    house = home.house
    return Mover(home, moving_words(house.stores, house.grounds.adopting, house.upkeep)["move in"])


async def test_a_cottage_with_its_sensors_as_one_device(mover: Mover, tmp_path: Path) -> None:
    file = old.sqlite(tmp_path / "db.sqlite3", old.COTTAGE)
    before = file.read_bytes()
    tried = await mover.moves("cottage", file, trial=True)
    assert (await mover.devices(), await mover.paths()) == ({}, [])
    moved = await mover.moves("cottage", file)
    assert msgspec.structs.replace(tried, trial=False) == moved
    assert file.read_bytes() == before
    assert (moved.places, moved.devices, moved.readings) == (Part(3, 3), Part(2, 2), Part(4, 4))
    assert moved.left == {"accounts_customuser": 1, "tasks_task": 1}
    assert [(each.table, each.row, each.message) for each in moved.faults] == [
        ("sensors_sensor", 4, "It has no sensor_id."),
        ("sensors_sensordata", 5, "Its value “warm” is no number."),
        ("sensors_sensordata", 6, "Its timestamp “yesterday” is no time."),
        ("sensors_sensordata", 7, "Its sensor is not there."),
    ]
    assert await mover.paths() == ["cottage Hilltop", "cottage Lakeside", "cottage Lakeside / room Sauna"]
    devices = await mover.devices()
    assert devices[PROBE].channels == {PROBE: "temperature", "ESP8266_12F_005_PROD_Hum": "humidity"}
    assert devices[PROBE].created_at.isoformat() == "2026-01-20T10:00:00+00:00"
    assert await mover.readings(PROBE) == {
        "humidity": [("2026-01-20T10:00:00+00:00", 40.1)],
        "temperature": [("2026-01-20T10:00:00.123456+00:00", 21.5), ("2026-01-20T10:10:00+00:00", 22.0)],
    }
    assert await mover.readings("attic") == {"temperature": [("2026-01-20T10:00:00+00:00", 3.25)]}


FAMILIES = [
    ("cottage", old.COTTAGE),
    ("ozone", old.OZONE),
    ("plant", old.PLANT),
    ("outlet", old.OUTLET),
    ("farm", old.FARM),
]


@pytest.mark.parametrize(("family", "tables"), FAMILIES)
async def test_moving_in_twice_and_from_csv_changes_nothing_and_tells_no_secret(
    mover: Mover, tmp_path: Path, family: str, tables: old.Tables
) -> None:
    first = await mover.moves(family, old.sqlite(tmp_path / "db", tables))
    assert first.devices.new == first.devices.found > 0
    devices, paths = await mover.devices(), await mover.paths()
    for source in (tmp_path / "db", old.files(tmp_path / "csv", tables), old.files(tmp_path / "csv;", tables, ";")):
        for trial in (True, False):
            again = await mover.moves(family, source, trial=trial)
            assert (again.places.new, again.devices.new, again.readings.new, again.events.new) == (0, 0, 0, 0)
            assert (again.readings.found, again.events.found) == (first.readings.found, first.events.found)
    assert (await mover.devices(), await mover.paths()) == (devices, paths)
    for file in mover.home.folder.glob("verger.db*"):
        for secret in (b"1a2b3c4d", b"pbkdf2_sha256", b"$2b$12$", b"cus_1"):
            assert secret not in file.read_bytes()


async def test_machines_in_their_branches_with_what_they_did(mover: Mover, tmp_path: Path) -> None:
    moved = await mover.moves("ozone", old.sqlite(tmp_path / "db", old.OZONE))
    assert (moved.places, moved.devices, moved.events) == (Part(2, 2), Part(2, 2), Part(3, 3))
    assert moved.left == {"iot_usagestatistics": 1}
    assert await mover.paths() == ["branch Bangsar", "branch Bangsar / machine Machine 5"]
    devices, tree = await mover.devices(), await mover.home.house.stores.places.tree(mover.home.tenant)
    assert tree.places[devices[old.MAC].place].name == "Machine 5"
    assert devices["AABBCCDDEEFF"].place == mover.home.place
    branch = next(each for each in tree.places.values() if each.kind == "branch")
    assert (branch.address, branch.attributes) == ("Jalan 1, KL", {"contact_person": "Siti", "contact_phone": "012"})
    assert await mover.events(old.MAC) == [
        ("2025-09-10T02:30:00+00:00", "treatment.basic", None),
        ("2025-09-10T02:31:00+00:00", "treatment.premium", {"count": 16}),
        ("2025-09-10T02:32:00+00:00", "treatment.standard", {"counter": 812}),
    ]
    at = "2025-09-10T02:33:00+00:00"
    counts = {"count_basic": 4.0, "count_standard": 812.0, "count_premium": 9.0, "temperature": 31.5, "rssi": -61.0}
    assert await mover.readings(old.MAC) == {metric: [(at, value)] for metric, value in counts.items()}


async def test_planters_with_their_ids_and_alerts(mover: Mover, tmp_path: Path) -> None:
    moved = await mover.moves("plant", old.sqlite(tmp_path / "db", old.PLANT))
    assert (moved.readings, moved.events, moved.faulty) == (Part(2, 2), Part(1, 1), 1)
    ((address, device),) = (await mover.devices()).items()
    assert address == "11111111-1111-1111-1111-111111111111"
    assert device.channels == {
        "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa": "soil_moisture",
        "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb": "air_temperature",
        "22222222-2222-2222-2222-222222222222": "pump",
    }
    assert set(await mover.readings(address)) == {"soil_moisture", "air_temperature"}
    ((_, kind, data),) = await mover.events(address)
    assert (kind, data["severity"]) == ("alert.water_low", "critical")


async def test_outlets_behind_their_unit_with_sentinels_as_no_readings(mover: Mover, tmp_path: Path) -> None:
    moved = await mover.moves("outlet", old.sqlite(tmp_path / "db", old.OUTLET))
    devices = await mover.devices()
    assert set(devices) == {"CCU-02", "FE", "02"}
    assert {devices["FE"].gateway, devices["02"].gateway} == {devices["CCU-02"].id}
    assert devices["FE"].place == devices["CCU-02"].place != devices["02"].place
    assert await mover.readings("CCU-02") == {"current_ma": [("2026-03-08T13:15:30+00:00", 4500.0)]}
    flows = await mover.readings("FE")
    assert [value for _, value in flows["current_a"]] == [1250]
    assert [value for _, value in flows["current_b"]] == [0, 120, 120]
    assert list(await mover.readings("02")) == ["current_b"]
    assert [kind for _, kind, _ in await mover.events("FE")] == ["relay.toggled", "overload.tripped"]
    assert moved.faulty == 0


async def test_a_farm_as_the_tree_it_is(mover: Mover, tmp_path: Path) -> None:
    await mover.moves("farm", old.sqlite(tmp_path / "db", old.FARM))
    assert await mover.paths() == ["farm North", "farm North / room Oyster 1"]
    readings = await mover.readings(old.PROBE_ID)
    assert readings["temperature"] == [("2025-08-20T00:00:00+00:00", 22.6), ("2025-08-20T10:00:00+00:00", 22.5)]
    assert set(readings) == {"temperature", "humidity", "co2", "battery_voltage"}
    assert [kind for _, kind, _ in await mover.events(old.PROBE_ID)] == ["notification.info"]


async def test_only_one_of_several_cottages_is_moved_in(mover: Mover, tmp_path: Path) -> None:
    file = old.sqlite(tmp_path / "db", old.COTTAGE)
    moved = await mover.moves("cottage", file, only="Hilltop")
    assert (moved.devices, moved.readings, moved.elsewhere) == (Part(1, 1), Part(1, 1), 3)
    assert await mover.paths() == ["cottage Hilltop"]
    with pytest.raises(Invalid, match="Hilltop, Lakeside"):
        await mover.moves("cottage", file, only="Nowhere")


async def test_a_device_that_was_here_before_keeps_its_name_and_place_and_gets_its_past(
    mover: Mover, tmp_path: Path
) -> None:
    house, now = mover.home.house, moment(mover.home.clock.now())
    mine = Device(
        id="00000000-0000-0000-0000-000000000001",
        name="Mine",
        place=mover.home.place,
        dialect="cottage",
        address="ESP8266_12F_005_PROD_Hum",
        created_at=now,
    )
    await house.grounds.adopting.add(mover.home.tenant, mine)
    moved = await mover.moves("cottage", old.sqlite(tmp_path / "db", old.COTTAGE))
    assert moved.devices == Part(2, 1)
    device = (await mover.devices())["ESP8266_12F_005_PROD_Hum"]
    assert (device.name, device.place) == ("Mine", mover.home.place)
    assert set(await mover.readings("ESP8266_12F_005_PROD_Hum")) == {"temperature", "humidity"}
    (stay,) = await house.stores.kept.devices.stays(mover.home.tenant, device.id)
    assert microseconds(stay.since) < microseconds(now)


async def test_what_cannot_be_is_told_by_row_and_the_rest_goes_on(mover: Mover, tmp_path: Path) -> None:
    long, (columns, rows) = "x" * 300, old.FARM["devices"]
    farm = dict(old.FARM) | {
        "farms": (old.FARM["farms"][0], [(old.FARM_ID, None, long, "Forest 1")]),
        "devices": (columns, [*rows, (long, old.ROOM_ID, "Long", *rows[0][3:])]),
        "sensor_data": (
            old.FARM["sensor_data"][0],
            [*old.FARM["sensor_data"][1], (3, old.PROBE_ID, 1, None, None, None, "1999-01-01"), (4, long, *[1] * 4, 5)],
        ),
    }
    file = old.sqlite(tmp_path / "db", farm)
    tried, moved, again = [await mover.moves("farm", file, trial=trial) for trial in (True, False, False)]
    assert msgspec.structs.replace(tried, trial=False) == moved
    assert (moved.devices, again.devices, again.places) == (Part(1, 1), Part(1, 0), Part(2, 0))
    address = "Write the family's own id in 1 to 200 characters, or leave it out."
    assert [(each.table, each.row, each.message) for each in moved.faults] == [
        ("devices", 0, f"{long[:80]}: {address}"),
        ("sensor_data", 3, "Its time lies before 2000 or in the future."),
        ("sensor_data", 4, f"The device “{long[:80]}” is not there."),
        ("sensor_data", 4, f"The device “{long[:80]}” is not there."),
        ("sensor_data", 4, f"The device “{long[:80]}” is not there."),
        ("sensor_data", 4, f"The device “{long[:80]}” is not there."),
    ]


async def test_a_place_that_is_not_here_is_told(mover: Mover, tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no place Nowhere"):
        await mover.moves("farm", old.sqlite(tmp_path / "db", old.FARM), place="Nowhere")
    moved = await mover.moves("farm", tmp_path / "db", place="Cottage")
    assert moved.devices.new == 1


async def test_the_command_tries_and_moves_in_while_verger_runs(
    mover: Mover, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERGER_DATA", str(mover.home.folder))
    file = old.sqlite(tmp_path / "db", old.FARM)
    words = ["import-from", "farm", str(file), "--place", mover.home.place]

    def run(*more: str) -> str:
        result = CliRunner().invoke(commands, [*words, *more], catch_exceptions=False)
        return " ".join(result.output.split())

    told = await asyncio.to_thread(run, "--dry-run")
    assert told.startswith("places 2 2 would be new devices 1 1 would be new readings 5 5 would be new events 1 1")
    assert told.endswith("Nothing was kept. Without --dry-run it is.")
    assert await mover.devices() == {}
    told = await asyncio.to_thread(run)
    assert told.startswith("places 2 2 new devices 1 1 new readings 5 5 new events 1 1 new from 2025-08-20")

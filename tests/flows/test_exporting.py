"""Exporting: what was kept comes out, to the last bit, and within its bounds."""

import csv
import gzip
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, moment
from verger.base.errors import Invalid, Missing, Refused
from verger.domain.alerts.store import AlertStore
from verger.domain.devices.model import Connect, Device, Mqtt
from verger.domain.devices.series import Series
from verger.domain.errands.errands import CalledOff, Doing
from verger.domain.errands.model import Errand
from verger.domain.exports.folder import ExportFolder
from verger.domain.exports.model import SeriesName, Wanted
from verger.domain.history.history import History
from verger.domain.places.model import Place
from verger.flows.exporting import PAGE, Exporting
from verger.flows.presence import Presence
from verger.flows.showing import Showing

AT = 1_780_000_000 * SECOND + 123_456
AWKWARD = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, 20.0, -21.5]


@dataclass
class Yard:
    """A house with a history and a folder for exports."""

    house: House
    history: History
    exporting: Exporting
    folder: Path

    async def measure(self, device: Device, metric: str, at: list[int], value: list[float]) -> Series:
        [series] = await self.house.kept.series.create({(self.house.tenant, device.id): [metric]})
        numbers = np.full(len(at), series.number, np.uint32)
        await self.history.load(numbers, np.array(at, np.int64), np.array(value, np.float64))
        return series

    def doing(self, given: Any) -> Doing:
        errand = Errand(id="job", kind="export", asked_by="user:aino", created_at=moment(0))
        return Doing(self.house.tenant, errand, given)

    async def export(self, **wanted: Any) -> dict[str, Any]:
        given = await self.exporting.checked(self.house.tenant, Wanted(**wanted))
        return await self.exporting.run(self.doing(given))

    async def rows(self, **wanted: Any) -> list[dict[str, str]]:
        await self.export(**wanted)
        text = gzip.decompress((self.folder / "job").read_bytes()).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest_asyncio.fixture
async def yard(house: House, tmp_path: Path) -> AsyncIterator[Yard]:
    house.clock.at = AT + 365 * DAY
    history = await History.open(tmp_path / "history", clock=house.clock)
    presence = Presence(house.kept, AlertStore(house.kept.db), house.screens, house.clock, 600)
    showing = Showing(house.kept, house.places, history, presence, Connect(Mqtt(1883)))
    folder = ExportFolder(tmp_path / "exports", 1 << 30)
    exporting = Exporting(showing, house.places, history, folder, house.clock, hours=24)
    yield Yard(house, history, exporting, tmp_path / "exports")
    await history.close()


async def test_csv_reads_back_to_the_last_bit(yard: Yard) -> None:
    device = await yard.house.add()
    at = [AT + n for n in range(len(AWKWARD))]
    await yard.measure(device, "t", at, AWKWARD)
    rows = await yard.rows(devices=(device.id,))
    assert [float(row["value"]).hex() for row in rows] == [value.hex() for value in AWKWARD]
    assert [datetime.fromisoformat(row["time"]) for row in rows] == [moment(each) for each in at]
    assert rows[0]["time"] == "2026-05-28T20:26:40.123456Z"
    assert [rows[0][name] for name in ("device", "device_name", "place", "metric", "unit")] == [
        device.id,
        "Hall sensor",
        "Cottage",
        "t",
        "",
    ]


async def test_parquet_reads_back_to_the_last_bit(yard: Yard) -> None:
    duckdb = pytest.importorskip("duckdb")
    device = await yard.house.add()
    at = [AT + n for n in range(len(AWKWARD))]
    await yard.measure(device, "t", at, AWKWARD)
    result = await yard.export(devices=(device.id,), format="parquet")
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT device, device_name, place, metric, unit, epoch_us(time), value FROM read_parquet(?)",
            [str(yard.folder / "job")],
        ).fetchall()
    assert [(row[5], row[6].hex()) for row in found] == [(a, v.hex()) for a, v in zip(at, AWKWARD, strict=True)]
    assert found[0][:5] == (device.id, "Hall sensor", "Cottage", "t", "")
    assert (result["rows"], result["name"]) == (7, "Hall-sensor-2027-05-28.parquet")


async def test_more_than_a_page_comes_whole_and_once(yard: Yard) -> None:
    device = await yard.house.add()
    at = [AT + n * SECOND for n in range(2 * PAGE + 5)]
    await yard.measure(device, "t", at, [float(n) for n in range(len(at))])
    doing = yard.doing(await yard.exporting.checked(yard.house.tenant, Wanted(devices=(device.id,))))
    assert (await yard.exporting.run(doing))["rows"] == len(at)
    assert (doing.errand.done, doing.errand.total) == (len(at), len(at))
    text = gzip.decompress((yard.folder / "job").read_bytes()).decode()
    assert [float(line.rpartition(",")[2]) for line in text.split("\r\n")[1:-1]] == [float(n) for n in range(len(at))]


async def test_only_what_was_asked_for(yard: Yard) -> None:
    one, other = await yard.house.add("One"), await yard.house.add("Other")
    for device in (one, other):
        for metric in ("t", "h"):
            await yard.measure(device, metric, [AT, AT + HOUR, AT + DAY], [1.0, 2.0, 3.0])
    rows = await yard.rows(devices=(one.id,), metrics=("t",), start=moment(AT + HOUR), end=moment(AT + DAY))
    assert [(row["device_name"], row["metric"], row["value"]) for row in rows] == [("One", "t", "2.0")]
    named = await yard.rows(series=(SeriesName(other.id, "h"), SeriesName(one.id, "t")), end=moment(AT + 1))
    assert [(row["device_name"], row["metric"]) for row in named] == [("One", "t"), ("Other", "h")]


async def test_a_row_names_the_place_where_the_device_was_then(yard: Yard) -> None:
    house = yard.house
    house.clock.at = AT
    device = await house.add()
    barn = await house.places.add(house.tenant, Place(id="barn", name="Barn", created_at=moment(AT)))
    house.clock.at = AT + HOUR
    await house.kept.devices.change(house.tenant, structs.replace(device, place=barn.id), moment(AT + HOUR))
    await yard.measure(device, "t", [AT - DAY, AT + MINUTE, AT + HOUR, AT + 2 * HOUR], [1.0, 2.0, 3.0, 4.0])
    house.clock.at = AT + DAY
    rows = await yard.rows(devices=(device.id,))
    assert [row["place"] for row in rows] == ["Cottage", "Cottage", "Barn", "Barn"]
    assert [row["value"] for row in await yard.rows(places=(barn.id,))] == ["3.0", "4.0"]


async def test_times_may_be_written_in_a_zone(yard: Yard) -> None:
    device = await yard.house.add()
    winter, summer = (round(datetime(2026, month, 1, 12, tzinfo=UTC).timestamp()) * SECOND for month in (1, 7))
    await yard.measure(device, "t", [winter, summer], [1.0, 2.0])
    rows = await yard.rows(devices=(device.id,), timezone="Europe/Helsinki")
    assert [row["time"] for row in rows] == ["2026-01-01T14:00:00.000000+02:00", "2026-07-01T15:00:00.000000+03:00"]


async def test_a_name_is_never_a_formula(yard: Yard) -> None:
    device = await yard.house.add('=HYPERLINK("http://evil","x"),\n')
    await yard.measure(device, "@t", [AT], [-1.0])
    [row] = await yard.rows(devices=(device.id,))
    assert row["device_name"] == '\'=HYPERLINK("http://evil","x"),\n'
    assert (row["metric"], row["value"]) == ("'@t", "-1.0")


async def test_what_does_not_fit_is_given_up_and_leaves_nothing(yard: Yard) -> None:
    device = await yard.house.add()
    at = [AT + n * SECOND for n in range(PAGE)]
    await yard.measure(device, "t", at, np.random.default_rng(1).normal(size=PAGE).tolist())
    small = within(yard.exporting, ExportFolder(yard.folder, 4096))
    given = await small.checked(yard.house.tenant, Wanted(devices=(device.id,)))
    with pytest.raises(Refused, match="VERGER_EXPORT_BYTES"):
        await small.run(yard.doing(given))
    assert list(yard.folder.iterdir()) == []


async def test_called_off_it_leaves_nothing(yard: Yard) -> None:
    device = await yard.house.add()
    await yard.measure(device, "t", [AT], [1.0])
    doing = yard.doing(await yard.exporting.checked(yard.house.tenant, Wanted(devices=(device.id,))))
    doing.called_off = True
    with pytest.raises(CalledOff):
        await yard.exporting.run(doing)
    assert list(yard.folder.iterdir()) == []


async def test_what_is_not_there_is_told_before_the_job_begins(yard: Yard) -> None:
    device = await yard.house.add()
    for wanted in (
        Wanted(devices=("nobody",)),
        Wanted(places=("nowhere",)),
        Wanted(devices=(device.id,)),
        Wanted(series=(SeriesName(device.id, "t"),)),
    ):
        with pytest.raises(Missing):
            await yard.exporting.checked(yard.house.tenant, wanted)
    with pytest.raises(Missing):
        await yard.exporting.checked("another tenant", Wanted(devices=(device.id,)))


def test_a_wish_that_cannot_be_is_told_by_field() -> None:
    for fields, at_fault in (
        ({}, "series"),
        ({"devices": ("a",), "start": moment(AT), "end": moment(AT)}, "to"),
        ({"devices": ("a",), "timezone": "Mars/Olympus"}, "timezone"),
        ({"devices": ("a",), "timezone": "Europe/Helsinki", "format": "parquet"}, "timezone"),
    ):
        with pytest.raises(Invalid) as refused:
            Wanted(**fields)
        assert [fault.field for fault in refused.value.faults] == [at_fault]


async def test_a_file_goes_after_its_time(yard: Yard) -> None:
    device = await yard.house.add()
    await yard.measure(device, "t", [AT], [1.0])
    await yard.export(devices=(device.id,))
    made = (yard.folder / "job").stat().st_mtime
    for hours, left in ((23, ["job"]), (25, [])):
        yard.house.clock.at = round(made * SECOND) + hours * HOUR
        await yard.exporting.purge()
        assert [path.name for path in yard.folder.iterdir()] == left


def within(exporting: Exporting, folder: ExportFolder) -> Exporting:
    return Exporting(exporting.showing, exporting.places, exporting.history, folder, exporting.clock, exporting.hours)

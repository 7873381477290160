"""Importing: tried without effect, kept once, and told line by line what was wrong."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import pytest_asyncio

from tests.flows.conftest import House
from verger.base.clock import DAY, HOUR, SECOND, moment
from verger.base.errors import Busy, Invalid, Missing, Refused, TooLarge
from verger.domain.devices.model import Device
from verger.domain.errands.errands import CalledOff, Doing
from verger.domain.errands.model import Errand
from verger.domain.exports.model import Label
from verger.domain.exports.tables import CsvTable
from verger.domain.history.history import History
from verger.domain.imports.folder import ImportFolder
from verger.domain.imports.model import FileForm
from verger.flows import importing
from verger.flows.importing import Importing, Order
from verger.flows.settling import Settling

NOW = 1_780_000_000 * SECOND


@dataclass
class Desk:
    """A house with a history and a folder for imports."""

    house: House
    history: History
    importing: Importing
    device: Device
    told: list[Doing] = field(default_factory=list)

    async def bring(self, text: str | bytes) -> str:
        async def pieces() -> AsyncIterator[bytes]:
            yield text if isinstance(text, bytes) else text.encode()

        return (await self.importing.folder.keep(self.house.tenant, pieces()))[0]

    async def imports(self, text: str | bytes, *, trial: bool = False, **how: Any) -> dict[str, Any]:
        return await self.runs(Order(await self.bring(text), FileForm(**how), trial))

    async def runs(self, order: Order) -> dict[str, Any]:
        errand = Errand(id="job", kind="import", asked_by="user:aino", created_at=moment(0))
        given = await self.importing.checked(self.house.tenant, order)
        self.told.append(Doing(self.house.tenant, errand, given))
        return await self.importing.run(self.told[-1])

    async def kept(self, metric: str) -> list[tuple[int, float]]:
        """Return what the history has of a metric of the device, as (seconds, value)."""
        found = await self.house.kept.series.of(self.house.tenant, [self.device.id])
        [series] = [each for each in found if each.metric == metric]
        readings = await self.history.raw(series.number, 0, 1 << 53)
        return list(zip((readings.at / SECOND).tolist(), readings.value.tolist(), strict=True))


@pytest_asyncio.fixture
async def desk(house: House, tmp_path: Path) -> AsyncIterator[Desk]:
    house.clock.at = NOW
    history = await History.open(tmp_path / "history", clock=house.clock)
    folder = ImportFolder(tmp_path / "imports", 1 << 20)
    settling = Settling(house.kept, history, limit=4, full=lambda: False)
    flow = Importing(settling, folder, house.clock)
    yield Desk(house, history, flow, await house.add("Hall sensor"))
    await history.close()


def lines_of(device: str, *rows: str) -> str:
    return "\n".join(["device,metric,time,value", *(f"{device},{row}" for row in rows)])


async def test_a_trial_tells_what_would_be_kept_and_keeps_nothing(desk: Desk) -> None:
    text = lines_of(
        "Hall sensor", "t,2026-01-01T00:00:00Z,1.5", "t,2026-01-01T00:00:01Z,2", "h,2026-01-01T00:00:00Z,60"
    )
    report = await desk.imports(text, trial=True)
    assert (report["trial"], report["lines"], report["readings"], report["kept"]) == (True, 4, 3, 3)
    assert (report["first"], report["last"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
    assert list(report["series"]) == [
        {"device": desk.device.id, "metric": "h", "new": True},
        {"device": desk.device.id, "metric": "t", "new": True},
    ]
    assert await desk.house.kept.series.of(desk.house.tenant, [desk.device.id]) == []


async def test_the_same_file_twice_is_kept_once_and_the_first_stands(desk: Desk) -> None:
    rows = ["t,2026-01-01T00:00:01Z,1", "t,2026-01-01T00:00:00Z,2", "t,2026-01-01T00:00:01Z,3"]
    once = await desk.imports(lines_of(desk.device.id, *rows))
    assert (once["kept"], once["duplicates"]) == (2, 1)
    assert [value for _, value in await desk.kept("t")] == [2.0, 1.0]
    again = await desk.imports(
        lines_of(desk.device.id, "t,2026-01-01T00:00:01Z,9", "t,2026-01-01T00:00:02Z,4"), trial=True
    )
    assert (again["kept"], again["duplicates"], again["series"][0]["new"]) == (1, 1, False)
    await desk.imports(lines_of(desk.device.id, "t,2026-01-01T00:00:01Z,9"))
    assert [value for _, value in await desk.kept("t")] == [2.0, 1.0]


async def test_what_was_exported_comes_back_to_the_last_bit(desk: Desk, tmp_path: Path) -> None:
    at = np.arange(5, dtype=np.int64) * 1_000_001 + NOW - DAY
    value = np.array([0.1, -0.0, 5e-324, 1.7976931348623157e308, -1 / 3])
    with (tmp_path / "out").open("wb") as file:
        table = CsvTable(file, ZoneInfo("Asia/Manila"))
        table.add(Label(desk.device.id, "=Hall, “x”", "Cottage", "@t", "Cel"), at, value)
        table.close()
    report = await desk.imports(gzip.decompress((tmp_path / "out").read_bytes()))
    assert (report["kept"], report["faulty"]) == (5, 0)
    [series] = await desk.house.kept.series.of(desk.house.tenant, [desk.device.id])
    readings = await desk.history.raw(series.number, 0, 1 << 53)
    assert (series.metric, series.unit) == ("@t", "Cel")
    assert readings.at.tolist() == at.tolist()
    assert [each.hex() for each in readings.value.tolist()] == [each.hex() for each in value.tolist()]


async def test_a_wide_file_with_commas_and_local_times(desk: Desk) -> None:
    rows = ["Zeit;Temp.;Feuchte;Notiz", "12:00:00;1.234,5;60;warm", "12:00:10;;61;", "12:00:20;1.5;;"]
    text = "\n2026-07-01 ".join(rows)
    how: dict[str, Any] = {
        "form": "wide",
        "device": desk.device.id,
        "time_column": "Zeit",
        "metrics": {"Temp.": "temperature", "Feuchte": "humidity"},
        "timezone": "Europe/Berlin",
        "separator": ";",
        "decimal": ",",
    }
    report = await desk.imports(text, **how)
    assert (report["kept"], report["faulty"]) == (0, 4), "July lies ahead of the clock"
    desk.house.clock.at = NOW + 60 * DAY
    assert (await desk.imports(text, **how))["kept"] == 3
    assert await desk.kept("temperature") == [(1782900000.0, 1234.5)]
    assert [value for _, value in await desk.kept("humidity")] == [60.0, 61.0]


@pytest.mark.parametrize(("time", "text"), [("s", "1700000000.25"), ("ms", "1700000000250")])
async def test_times_as_numbers(desk: Desk, time: str, text: str) -> None:
    await desk.imports(f"time,t\n{text},7\n", form="wide", device=desk.device.id, time=time)
    assert await desk.kept("t") == [(1_700_000_000.25, 7.0)]


async def test_each_faulty_line_is_told_and_the_others_are_kept(desk: Desk) -> None:
    text = (
        lines_of(
            "Hall sensor",
            "t,2026-01-01T00:00:00Z,1",
            "t,yesterday,1",
            "t,2026-01-01T00:00:02Z,much",
            "t,2026-01-01T00:00:03Z,nan",
            "t",
            ",2026-01-01T00:00:05Z,1",
            "t,1999-01-01T00:00:00Z,1",
        )
        + "\nAttic,t,2026-01-01T00:00:00Z,1\n"
    )
    report = await desk.imports(text)
    assert (report["kept"], report["faulty"]) == (1, 7)
    assert [fault["line"] for fault in report["faults"]] == [3, 4, 5, 6, 7, 8, 9]
    said = " ".join(fault["message"] for fault in report["faults"])
    for word in (
        "“yesterday” is no time",
        "“much” is no number",
        "“nan”",
        "It names no metric",
        "before 2000",
        "“Attic” is not here",
    ):
        assert word in said


async def test_the_first_faults_are_told_and_all_are_counted(desk: Desk) -> None:
    report = await desk.imports(lines_of("Attic", *["t,2026-01-01T00:00:00Z,1"] * 120), trial=True)
    assert (report["faulty"], len(report["faults"])) == (120, 50)


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00\x01\n", b"a,b\n1,2\n", b'device,"metric\n', b"\x00\n"])
async def test_what_is_no_such_file_is_refused_before_the_job_begins(desk: Desk, junk: bytes) -> None:
    with pytest.raises(Invalid):
        await desk.imports(junk)


async def test_bytes_that_are_no_text_are_a_fault_of_their_line(desk: Desk) -> None:
    report = await desk.imports(
        lines_of(desk.device.id, "t,2026-01-01T00:00:00Z,1").encode() + b"\n\xff\xfe,\xff,2026-01-01T00:00:00Z,1"
    )
    assert (report["kept"], report["faulty"]) == (1, 1)


async def test_a_name_that_two_devices_have_is_not_guessed(desk: Desk) -> None:
    await desk.house.add("Hall sensor")
    report = await desk.imports(lines_of("Hall sensor", "t,2026-01-01T00:00:00Z,1"))
    assert report["kept"] == 0
    assert "several devices" in report["faults"][0]["message"]


async def test_more_metrics_than_a_device_may_have_end_it(desk: Desk) -> None:
    rows = [f"m{n},2026-01-01T00:00:00Z,1" for n in range(5)]
    with pytest.raises(Refused, match="VERGER_SERIES_PER_DEVICE"):
        await desk.imports(lines_of(desk.device.id, *rows))


async def test_many_batches_and_turns_are_one_import(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    monkeypatch.setattr(importing, "_TURN", 3)
    rows = [f"{'th'[n % 2]},{1_700_000_000 + n},{n}" for n in range(95)]
    report = await desk.imports(lines_of(desk.device.id, *rows), time="s")
    assert (report["kept"], len(await desk.kept("t")), len(await desk.kept("h"))) == (95, 48, 47)
    assert desk.told[-1].errand.done == desk.told[-1].errand.total


async def test_begun_anew_after_it_was_cut_short_it_keeps_each_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    monkeypatch.setattr(importing, "_TURN", 10)
    order = Order(
        await desk.bring(lines_of(desk.device.id, *(f"t,{1_700_000_000 + n},{n}" for n in range(40)))),
        FileForm(time="s"),
        trial=False,
    )
    reached, turns = Doing.reached, iter(range(100))

    def cut(doing: Doing, done: int, total: int | None = None) -> None:
        if next(turns) == 3:
            raise CalledOff
        reached(doing, done, total)

    with monkeypatch.context() as patched:
        patched.setattr(Doing, "reached", cut)
        with pytest.raises(CalledOff):
            await desk.runs(order)
    there = len(await desk.kept("t"))
    assert 0 < there < 40
    assert (await desk.runs(order))["kept"] == 40 - there
    assert [value for _, value in await desk.kept("t")] == [float(n) for n in range(40)]
    with pytest.raises(Missing):
        desk.importing.folder.find(desk.house.tenant, order.file)


async def test_hours_of_which_only_summaries_are_left_take_nothing_and_are_told_as_faults(desk: Desk) -> None:
    await desk.imports(lines_of(desk.device.id, "t,2026-01-01T10:00:00Z,1", "t,2026-01-01T10:30:00Z,2"))
    [series] = await desk.house.kept.series.of(desk.house.tenant, [desk.device.id])
    await desk.history.thin([series.number], NOW - DAY)
    times = (("t", "10:00"), ("t", "10:45"), ("t", "11:00"), ("u", "10:00"))
    rows = [f"{metric},2026-01-01T{at}:00Z,4" for metric, at in times]
    for trial in (True, False):
        report = await desk.imports(lines_of(desk.device.id, *rows), trial=trial)
        assert (report["readings"], report["kept"], report["duplicates"], report["faulty"]) == (2, 2, 0, 2)
        assert [fault["line"] for fault in report["faults"]] == [2, 3]
        assert "Only the summary" in report["faults"][0]["message"]
    assert await desk.kept("t") == [(1_767_265_200.0, 4.0)]


async def test_a_file_is_its_tenants_alone_and_goes_after_a_day(desk: Desk) -> None:
    file = await desk.bring("time,t\n")
    folder = desk.importing.folder
    for tenant, name in (("another", file), (desk.house.tenant, "../../verger.db"), (desk.house.tenant, "x" * 36)):
        with pytest.raises(Missing):
            folder.find(tenant, name)
    made = folder.find(desk.house.tenant, file).stat().st_mtime
    desk.house.clock.at = round(made * SECOND) + 25 * HOUR
    await desk.importing.purge()
    with pytest.raises(Missing):
        folder.find(desk.house.tenant, file)


async def test_a_file_that_is_too_large_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        await desk.bring(b"x" * ((1 << 20) + 1))
    assert list((tmp_path / "imports").iterdir()) == []
    for _ in range(10):
        await desk.bring(b"x" * (1 << 20))
    with pytest.raises(Busy):
        await desk.bring(b"x")


async def test_while_the_disk_is_nearly_full_nothing_is_imported_and_a_trial_still_is(desk: Desk) -> None:
    text = lines_of(desk.device.id, "temperature,2026-01-01T00:00:00Z,1.5")
    order = Order(await desk.bring(text), trial=False)
    desk.importing = replace(desk.importing, settling=replace(desk.importing.settling, full=lambda: True))
    with pytest.raises(Refused, match="nearly full"):
        await desk.runs(order)
    with pytest.raises(Busy, match="nearly full"):
        await desk.importing.bring(desk.house.tenant, nothing())
    assert (await desk.runs(Order(order.file, trial=True)))["kept"] == 1
    desk.importing = replace(desk.importing, settling=replace(desk.importing.settling, full=lambda: False))
    assert (await desk.runs(order))["kept"] == 1


async def nothing() -> AsyncIterator[bytes]:
    for piece in (b"",):
        yield piece

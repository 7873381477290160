"""Importing: readings from a file into the history; the same work without its effect is the trial.

They go straight into chunks, which are on disk before the job says that it is done. A job cut short begins anew after
a restart: a (series, time) is kept once and the first stands, so what was kept already changes nothing.
"""

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct, field, structs
from numpy.typing import NDArray

from verger.base.clock import DAY, HOUR, Clock, moment
from verger.base.errors import Busy, Refused
from verger.base.plural import counted
from verger.domain.devices.kept import Kept
from verger.domain.errands.errands import Doing
from verger.domain.history.history import History
from verger.domain.imports.dates import Guess
from verger.domain.imports.folder import ImportFolder
from verger.domain.imports.lines import Found, Lines
from verger.domain.imports.model import MOST_FAULTS, MOST_SERIES, FileForm, LineFault, Report, SeriesFound
from verger.flows.inbound import EARLIEST, FURTHEST_AHEAD

KIND = "import"
BATCH = 100_000  # readings that go into chunks together
_TURN = 2_000  # lines that are read at a time: some milliseconds, then whoever waits has a turn
_PAGE = 50_000
_LONGEST, _LONGEST_UNIT = 200, 40
_SUMMED = "Only the summary of this hour is kept any more (see Settings, Retention), so no reading is added to it."
_FULL = "The disk is nearly full, so nothing is imported: free some space on it, then import this file again."

Name = tuple[str, str]
_Columns = tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.float64]]


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """Which file to import, how to understand it, and whether only to try."""

    file: str
    reading: FileForm = field(default_factory=FileForm)
    trial: bool = True


@dataclass(frozen=True)
class Importing:
    """Reads files for `limit` series a device at most; while the disk is `full` nothing is kept."""

    kept: Kept
    history: History
    folder: ImportFolder
    clock: Clock
    limit: int
    full: Callable[[], bool]
    _reader: ThreadPoolExecutor = dataclasses.field(default_factory=lambda: ThreadPoolExecutor(1, "import"))

    async def bring(self, tenant: str, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep a file to be imported within a day; return its id and size. Raise TooLarge, or Busy for now."""
        if self.full():
            raise Busy(_FULL, retry_s=60)
        return await self.folder.keep(tenant, pieces)

    async def checked(self, tenant: str, order: Order) -> dict[str, Any]:
        """Return what a job is given for an order; raise Missing, or Invalid when the header does not fit."""
        with (await self._aside(self.folder.find, tenant, order.file)).open("rb") as file:
            await self._aside(Lines, file, order.reading)
        given: dict[str, Any] = msgspec.to_builtins(order)
        return given

    async def run(self, doing: Doing) -> dict[str, Any]:
        """Import a file; return its report."""
        order = msgspec.convert(doing.given, Order)
        devices = await self.kept.devices.at(doing.tenant)
        path = await self._aside(self.folder.find, doing.tenant, order.file)
        tally = _Tally(self.clock.now(), order.trial, _by_name((device.id, device.name) for device in devices))
        doing.reached(0, path.stat().st_size)
        reading = await self._meant(doing, path, order.reading)
        with path.open("rb") as file:
            lines = await self._aside(Lines, file, reading)
            more = True
            while more:
                found, faults, more = await self._aside(lines.take, _TURN)
                tally.take(found, faults, lines.line)
                if len(tally.batch) >= BATCH or not more:
                    await self._settle(doing, tally)
                doing.reached(lines.position)
        if not order.trial:
            await self._aside(self.folder.drop, doing.tenant, order.file)
        report: dict[str, Any] = msgspec.to_builtins(tally.report())
        return report

    async def _meant(self, doing: Doing, path: Path, reading: FileForm) -> FileForm:
        """Return how a file is to be understood, with the order of its dates; raise Invalid to ask for that."""
        if reading.time != "rfc3339":
            return reading
        guess = Guess()
        with path.open("rb") as file:
            lines = await self._aside(Lines, file, reading)
            while await self._aside(lines.look, guess, _TURN):
                doing.reached(0)  # it may be called off
        return structs.replace(reading, time=guess.order()) if guess.seen else reading

    async def purge(self) -> None:
        """Remove files that nobody imported for a day."""
        await self._aside(self.folder.purge, (self.clock.now() - DAY) / 1e6)

    async def _settle(self, doing: Doing, tally: "_Tally") -> None:
        """Keep a batch, or find out what would be kept of it."""
        by_series: dict[Name, list[Found]] = defaultdict(list)
        for found in tally.batch:
            by_series[found.device, found.metric].append(found)
        tally.batch = []
        numbers = await self._numbers(doing, tally, {name: rows[0].unit for name, rows in by_series.items()})
        columns = [await self._fresh(tally, rows, numbers.get(name)) for name, rows in by_series.items()]
        if columns and not tally.trial:
            if self.full():
                raise Refused(f"{_FULL} What was kept of it stays.")
            await self.history.load(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    async def _fresh(self, tally: "_Tally", rows: Sequence[Found], number: int | None) -> _Columns:
        """Return and count what is not there yet of a series; None has nothing."""
        if number is not None:
            rows = await self._takeable(tally, rows, number)
        at, first = np.unique(np.array([row.at for row in rows], np.int64), return_index=True)
        if number is not None and rows:
            stays = ~np.isin(at, await self._times(number, int(at[0]), int(at[-1])))
            at, first = at[stays], first[stays]
        tally.readings += len(rows)
        tally.kept += len(at)
        value = np.array([row.value for row in rows], np.float64)[first]
        return np.full(len(at), number or 0, np.uint32), at, value

    async def _takeable(self, tally: "_Tally", rows: Sequence[Found], number: int) -> Sequence[Found]:
        """Return what the history would take; the rest are faults, for nothing is added to an hour known in sum."""
        start, end = min(row.at for row in rows), max(row.at for row in rows) + 1
        summed = set((await self.history.summed(number, start, end)).tolist())
        for row in rows if summed else ():
            if row.at // HOUR * HOUR in summed:
                tally.fault(row.line, _SUMMED)
        return [row for row in rows if row.at // HOUR * HOUR not in summed] if summed else rows

    async def _numbers(self, doing: Doing, tally: "_Tally", units: dict[Name, str]) -> dict[Name, int]:
        """Return the number of each series that has one; unless it is a trial, new ones get theirs."""
        known = await self.kept.series.of(doing.tenant, sorted({device for device, _ in units}))
        numbers = {(each.device, each.metric): each.number for each in known}
        tally.names |= dict.fromkeys(units)
        fresh: dict[str, list[str]] = defaultdict(list)
        for device, metric in units.keys() - numbers.keys() - tally.new:
            fresh[device].append(metric)
        tally.new |= {(device, metric) for device, metrics in fresh.items() for metric in metrics}
        for device, metrics in fresh.items():
            if len({metric for owner, metric in {*numbers, *tally.new} if owner == device}) > self.limit:
                raise Refused(
                    f"A device would have more than {counted(self.limit, 'metric')} (VERGER_SERIES_PER_DEVICE): is the "
                    "metric's the right column?"
                )
            if not tally.trial:
                numbers |= await self._create(
                    doing.tenant, device, {metric: units[device, metric] for metric in metrics}
                )
        return numbers

    async def _create(self, tenant: str, device: str, units: dict[str, str]) -> dict[Name, int]:
        """Make series with their units; return their numbers."""
        made = await self.kept.series.create({(tenant, device): sorted(units)})
        self.kept.registry.learn(device, {each.metric: each.number for each in made})
        await self.kept.series.name(tenant, device, {metric: {"unit": unit} for metric, unit in units.items() if unit})
        return {(each.device, each.metric): each.number for each in made}

    async def _times(self, number: int, first: int, last: int) -> Any:
        """Return when a series has readings from a first to a last time."""
        parts, start = [np.empty(0, np.int64)], first
        while True:
            page = await self.history.raw(number, start, last + 1, _PAGE)
            parts.append(page.at)
            if len(page) < _PAGE:
                return np.concatenate(parts)
            start = int(page.at[-1]) + 1

    async def _aside(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, *given)


@dataclass
class _Tally:
    """What was found so far; `batch` waits to be settled."""

    now: int
    trial: bool
    devices: dict[str, str | None]
    batch: list[Found] = dataclasses.field(default_factory=list)
    new: set[Name] = dataclasses.field(default_factory=set)
    names: dict[Name, None] = dataclasses.field(default_factory=dict)
    lines: int = 0
    readings: int = 0
    kept: int = 0
    faulty: int = 0
    faults: list[LineFault] = dataclasses.field(default_factory=list)
    first: int | None = None
    last: int | None = None

    def take(self, found: Iterable[Found], faults: Sequence[LineFault], line: int) -> None:
        """Put readings of known devices into the batch, and count the rest as faults."""
        self.lines = line
        for fault in faults:
            self.fault(fault.line, fault.message)
        for each in found:
            device = self.devices.get(each.device)
            if why := self._wrong(each, device):
                self.fault(each.line, why)
            else:
                self.batch.append(each if device == each.device else structs.replace(each, device=device))
                self.first = each.at if self.first is None else min(self.first, each.at)
                self.last = each.at if self.last is None else max(self.last, each.at)

    def _wrong(self, found: Found, device: str | None) -> str | None:
        if device is None:
            several = found.device in self.devices
            why = "is the name of several devices; give an id" if several else "is not here"
            return f"The device “{found.device[:80]}” {why}."
        if not EARLIEST <= found.at <= self.now + FURTHEST_AHEAD:
            return "Its time lies before 2000 or in the future."
        if len(found.metric) > _LONGEST or not found.metric.isprintable():
            return f"A metric has {_LONGEST} characters at most, all of them printable."
        if len(found.unit) > _LONGEST_UNIT or not found.unit.isprintable():
            return f"A unit has {_LONGEST_UNIT} characters at most, all of them printable."
        return None

    def report(self) -> Report:
        """Return the whole of it."""
        series = [SeriesFound(device, metric, (device, metric) in self.new) for device, metric in sorted(self.names)]
        return Report(
            trial=self.trial,
            lines=self.lines,
            readings=self.readings,
            kept=self.kept,
            duplicates=self.readings - self.kept,
            faulty=self.faulty,
            faults=tuple(self.faults),
            series=tuple(series[:MOST_SERIES]),
            series_count=len(series),
            first=None if self.first is None else msgspec.to_builtins(moment(self.first)),
            last=None if self.last is None else msgspec.to_builtins(moment(self.last)),
        )

    def fault(self, line: int, message: str) -> None:
        """Count a line of which nothing is kept."""
        self.faulty += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(LineFault(line, message))


def _by_name(devices: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return devices by id and by name, None where several have it."""
    known: dict[str, str | None] = {}
    ids = []
    for device, name in devices:
        known[name] = None if name in known else device
        ids.append(device)
    return known | dict(zip(ids, ids, strict=True))

"""Settling: readings of before go into the history, each once; the same without its effect is the trial.

They go straight into chunks, which are on disk when it returns. A (series, time) is kept once and the first stands.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import HOUR
from verger.base.errors import Refused
from verger.base.plural import counted
from verger.domain.devices.kept import Kept
from verger.domain.history.history import History
from verger.domain.imports.lines import Found
from verger.domain.imports.model import MOST_FAULTS, LineFault
from verger.flows.inbound import EARLIEST, FURTHEST_AHEAD

BATCH = 100_000  # readings that go into chunks together
FULL = "The disk is nearly full, so nothing is imported: free some space on it, then import this again."
_PAGE = 50_000
_LONGEST, _LONGEST_UNIT = 200, 40
_SUMMED = "Only the summary of this hour is kept any more (see Settings, Retention), so no reading is added to it."

Name = tuple[str, str]
_Columns = tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.float64]]


@dataclass
class Tally:
    """What was found so far; `batch` waits to be settled."""

    now: int
    trial: bool
    batch: list[Found] = dataclasses.field(default_factory=list)
    new: set[Name] = dataclasses.field(default_factory=set)
    names: dict[Name, None] = dataclasses.field(default_factory=dict)
    readings: int = 0
    kept: int = 0
    faulty: int = 0
    faults: list[LineFault] = dataclasses.field(default_factory=list)
    first: int | None = None
    last: int | None = None

    def put(self, found: Found) -> None:
        """Put a reading that makes sense into the batch."""
        self.batch.append(found)
        self.first = found.at if self.first is None else min(self.first, found.at)
        self.last = found.at if self.last is None else max(self.last, found.at)

    def fault(self, line: int, message: str, _table: str = "") -> None:
        """Count a line, of a table where there are several, of which nothing is kept."""
        self.faulty += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(LineFault(line, message))

    def is_timely(self, at: int) -> bool:
        """Whether something can have happened at a time."""
        return EARLIEST <= at <= self.now + FURTHEST_AHEAD

    def wrong(self, found: Found) -> str | None:
        """Return what is wrong with a reading, None where nothing is."""
        if not self.is_timely(found.at):
            return "Its time lies before 2000 or in the future."
        if len(found.metric) > _LONGEST or not found.metric.isprintable():
            return f"A metric has {_LONGEST} characters at most, all of them printable."
        if len(found.unit) > _LONGEST_UNIT or not found.unit.isprintable():
            return f"A unit has {_LONGEST_UNIT} characters at most, all of them printable."
        return None


@dataclass(frozen=True)
class Settling:
    """Keeps readings for `limit` series a device at most; while the disk is `full` nothing is kept."""

    kept: Kept
    history: History
    limit: int
    full: Callable[[], bool]

    async def settle(self, tenant: str, tally: Tally) -> None:
        """Keep a batch, or find out what would be kept of it; raise Refused while there is no room."""
        by_series: dict[Name, list[Found]] = defaultdict(list)
        for found in tally.batch:
            by_series[found.device, found.metric].append(found)
        tally.batch = []
        numbers = await self._numbers(tenant, tally, {name: rows[0].unit for name, rows in by_series.items()})
        columns = [await self._fresh(tally, rows, numbers.get(name)) for name, rows in by_series.items()]
        if columns and not tally.trial:
            if self.full():
                raise Refused(f"{FULL} What was kept of it stays.")
            await self.history.load(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    async def _fresh(self, tally: Tally, rows: Sequence[Found], number: int | None) -> _Columns:
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

    async def _takeable(self, tally: Tally, rows: Sequence[Found], number: int) -> Sequence[Found]:
        """Return what the history would take; the rest are faults, for nothing is added to an hour known in sum."""
        start, end = min(row.at for row in rows), max(row.at for row in rows) + 1
        summed = set((await self.history.summed(number, start, end)).tolist())
        for row in rows if summed else ():
            if row.at // HOUR * HOUR in summed:
                tally.fault(row.line, _SUMMED, row.table)
        return [row for row in rows if row.at // HOUR * HOUR not in summed] if summed else rows

    async def _numbers(self, tenant: str, tally: Tally, units: dict[Name, str]) -> dict[Name, int]:
        """Return the number of each series that has one; unless it is a trial, new ones get theirs."""
        known = await self.kept.series.of(tenant, sorted({device for device, _ in units}))
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
                numbers |= await self._create(tenant, device, {metric: units[device, metric] for metric in metrics})
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

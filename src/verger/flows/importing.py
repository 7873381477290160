"""Importing: readings from a file into the history; the same work without its effect is the trial.

They go straight into chunks, which are on disk before the job says that it is done. A job cut short begins anew after
a restart: a (series, time) is kept once and the first stands, so what was kept already changes nothing.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field, structs

from verger.base.clock import DAY, Clock, moment
from verger.base.errors import Busy
from verger.domain.errands.errands import Doing
from verger.domain.imports.dates import Guess
from verger.domain.imports.folder import ImportFolder
from verger.domain.imports.lines import Found, Lines
from verger.domain.imports.model import MOST_SERIES, FileForm, LineFault, Report, SeriesFound
from verger.flows.settling import BATCH, FULL, Settling, Tally

KIND = "import"
_TURN = 2_000  # lines that are read at a time: some milliseconds, then whoever waits has a turn


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """Which file to import, how to understand it, and whether only to try."""

    file: str
    reading: FileForm = field(default_factory=FileForm)
    trial: bool = True


@dataclass(frozen=True)
class Importing:
    """Reads files that people brought."""

    settling: Settling
    folder: ImportFolder
    clock: Clock
    _reader: ThreadPoolExecutor = dataclasses.field(default_factory=lambda: ThreadPoolExecutor(1, "import"))

    async def bring(self, tenant: str, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep a file to be imported within a day; return its id and size. Raise TooLarge, or Busy for now."""
        if self.settling.full():
            raise Busy(FULL, retry_s=60)
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
        devices = await self.settling.kept.devices.at(doing.tenant)
        path = await self._aside(self.folder.find, doing.tenant, order.file)
        by_name = _by_name((device.id, device.name) for device in devices)
        tally = _Lines(self.clock.now(), order.trial, devices=by_name)
        doing.reached(0, path.stat().st_size)
        reading = await self._meant(doing, path, order.reading)
        with path.open("rb") as file:
            lines = await self._aside(Lines, file, reading)
            more = True
            while more:
                found, faults, more = await self._aside(lines.take, _TURN)
                tally.take(found, faults, lines.line)
                if len(tally.batch) >= BATCH or not more:
                    await self.settling.settle(doing.tenant, tally)
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

    async def _aside(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, *given)


@dataclass
class _Lines(Tally):
    """What was found in a file so far."""

    devices: dict[str, str | None] = dataclasses.field(default_factory=dict)
    lines: int = 0

    def take(self, found: Iterable[Found], faults: Sequence[LineFault], line: int) -> None:
        """Put readings of known devices into the batch, and count the rest as faults."""
        self.lines = line
        for fault in faults:
            self.fault(fault.line, fault.message)
        for each in found:
            device = self.devices.get(each.device)
            if device is None:
                several = each.device in self.devices
                why = "is the name of several devices; give an id" if several else "is not here"
                self.fault(each.line, f"The device “{each.device[:80]}” {why}.")
            elif (wrong := self.wrong(each)) is not None:
                self.fault(each.line, wrong)
            else:
                self.put(each if device == each.device else structs.replace(each, device=device))

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


def _by_name(devices: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return devices by id and by name, None where several have it."""
    known: dict[str, str | None] = {}
    ids = []
    for device, name in devices:
        known[name] = None if name in known else device
        ids.append(device)
    return known | dict(zip(ids, ids, strict=True))

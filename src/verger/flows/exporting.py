"""Exporting: series over a span, read page by page from the history into a file that is fetched later."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct, structs

from verger.base.clock import HOUR, Clock, microseconds, moment
from verger.base.errors import Missing, Refused
from verger.base.zones import zone_of
from verger.domain.devices.model import Device
from verger.domain.devices.series import Series
from verger.domain.errands.errands import Doing
from verger.domain.exports.folder import ExportFolder
from verger.domain.exports.model import Label, Wanted
from verger.domain.exports.tables import CsvTable, ParquetTable, Table
from verger.domain.history.history import History
from verger.domain.places.store import PlaceStore
from verger.flows.inbound import EARLIEST
from verger.flows.showing import Showing

KIND = "export"
PAGE = 16_384  # readings that are read at a time
_TURN = 4_096  # of them that are written at a time: some milliseconds, then whoever waits has a turn
_EVER = EARLIEST, 1 << 53


class Piece(Struct, frozen=True):
    """What one series measured from `start` to `end`, in microseconds, under one label."""

    label: Label
    number: int
    start: int
    end: int


@dataclass(frozen=True)
class Exporting:
    """Writes what was measured under the names that people know, bounded in memory and last in line."""

    showing: Showing
    places: PlaceStore
    history: History
    folder: ExportFolder
    clock: Clock
    hours: int
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "export"))

    async def checked(self, tenant: str, wanted: Wanted) -> dict[str, Any]:
        """Return what a job is given for a wish; raise Missing when something of it is not there, or no series is."""
        ended = wanted if wanted.end else structs.replace(wanted, end=moment(self.clock.now()))
        if not await self._pieces(tenant, ended):
            raise Missing("Nothing has been measured there by that name; look at the metrics of the device.")
        given: dict[str, Any] = msgspec.to_builtins(ended)
        return given

    async def run(self, doing: Doing) -> dict[str, Any]:
        """Write the file of a job; return where it is fetched, and until when."""
        wanted = msgspec.convert(doing.given, Wanted)
        pieces = await self._pieces(doing.tenant, wanted)
        doing.reached(0, await self._count(doing, pieces))
        job = doing.errand.id
        try:
            rows = await self._write(doing, pieces, wanted)
        except OSError as error:
            raise Refused(
                f"The file could not be written ({error.strerror}); free some space, then try again."
            ) from None
        finally:
            await self._aside(self.folder.drop, job)
        size = (await self._aside(self.folder.find, job)).stat().st_size
        expires = moment(self.clock.now()) + timedelta(hours=self.hours)
        return {
            "url": f"/api/v1/exports/{job}/file",
            "name": _name(pieces, wanted),
            "rows": rows,
            "bytes": size,
            "expires_at": msgspec.to_builtins(expires),
        }

    async def purge(self) -> None:
        """Remove the files that have expired."""
        await self._aside(self.folder.purge, (self.clock.now() - self.hours * HOUR) / 1e6)

    async def _write(self, doing: Doing, pieces: Iterable[Piece], wanted: Wanted) -> int:
        rows, job = 0, doing.errand.id
        with self.folder.part(job).open("wb") as file:
            table = await self._aside(_table, file, wanted)
            for piece in pieces:
                start = piece.start
                while start < piece.end:
                    page = await self.history.raw(piece.number, start, piece.end, PAGE)
                    if not len(page):
                        break
                    for turn in range(0, len(page), _TURN):
                        some = slice(turn, turn + _TURN)
                        await self._aside(table.add, piece.label, page.at[some], page.value[some])
                    await self._aside(self.folder.check)
                    rows, start = rows + len(page), int(page.at[-1]) + 1
                    doing.reached(rows)
            await self._aside(table.close)
        await self._aside(self.folder.keep, job)
        return rows

    async def _count(self, doing: Doing, pieces: Iterable[Piece]) -> int:
        """Return how many readings there are, from summaries."""
        total = 0
        for piece in pieces:
            doing.reached(0)
            found = await self.history.buckets(piece.number, piece.start, piece.end, 1)
            total += len(found.at) if found.raw else int(found.count.sum())
        return total

    async def _pieces(self, tenant: str, wanted: Wanted) -> list[Piece]:
        """Return what is wanted by name of device and metric; raise Missing when a device or place is not there."""
        start = _EVER[0] if wanted.start is None else microseconds(wanted.start)
        end = _EVER[1] if wanted.end is None else microseconds(wanted.end)
        names = {place.id: place.name for place in (await self.places.tree(tenant)).places.values()}
        spans = await self._spans(tenant, wanted)
        devices = {each.id: each for each in await self.showing.kept.devices.these(tenant, spans)}
        if missing := set(spans) - set(devices):
            raise Missing(f"There is no device {min(missing)}.")
        pieces = [
            Piece(_label(devices[each.device], names.get(place, ""), each), each.number, max(a, start), min(b, end))
            for each in await self.showing.series(tenant, sorted(devices.values(), key=lambda device: device.name))
            if _meant(wanted, each)
            for place, a, b in spans[each.device]
        ]
        return sorted((piece for piece in pieces if piece.start < piece.end), key=_order)

    async def _spans(self, tenant: str, wanted: Wanted) -> dict[str, list[tuple[str, int, int]]]:
        """Return by device where it was, from when to when; all of its life when it is named itself."""
        spans: dict[str, list[tuple[str, int, int]]] = {}
        named = {*wanted.devices, *(each.device for each in wanted.series)}
        for place in wanted.places:
            await self.places.get(tenant, place)
            below = (await self.places.tree(tenant)).below(place)
            for stay, first in await self.showing.kept.devices.stays_at(tenant, below):
                if stay.device not in named:
                    since = _EVER[0] if first else microseconds(stay.since)
                    until = _EVER[1] if stay.until is None else microseconds(stay.until)
                    spans.setdefault(stay.device, []).append((stay.place, since, until))
        for device in named:
            stays = (await self.showing.kept.devices.stays(tenant, device))[::-1]
            begins = [_EVER[0], *(microseconds(stay.since) for stay in stays[1:]), _EVER[1]]
            spans[device] = [(stay.place, a, b) for stay, (a, b) in zip(stays, pairwise(begins), strict=False)]
        return {device: sorted(set(of), key=lambda span: span[1]) for device, of in spans.items()}

    async def _aside(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *given)


def _table(file: BinaryIO, wanted: Wanted) -> Table:
    if wanted.format == "parquet":
        return ParquetTable(file)
    zone = zone_of(wanted.timezone)
    if zone is None:
        raise Refused(f"There is no time zone {wanted.timezone} on this machine.")
    return CsvTable(file, zone)


def _meant(wanted: Wanted, series: Series) -> bool:
    if wanted.metrics and series.metric not in wanted.metrics:
        return False
    named = [each.metric for each in wanted.series if each.device == series.device]
    return not named or series.device in wanted.devices or series.metric in named


def _label(device: Device, place: str, series: Series) -> Label:
    return Label(device.id, device.name, place, series.metric, series.unit)


def _order(piece: Piece) -> tuple[str, str, str, int]:
    return piece.label.device_name, piece.label.device, piece.label.metric, piece.start


def _name(pieces: list[Piece], wanted: Wanted) -> str:
    """Return what the file is called where it is saved."""
    devices = {piece.label.device_name for piece in pieces}
    about = next(iter(devices)) if len(devices) == 1 else "verger"
    safe = "".join(letter if letter.isalnum() else "-" for letter in about).strip("-") or "verger"
    return f"{safe[:60]}-{wanted.end:%Y-%m-%d}.{wanted.format}"

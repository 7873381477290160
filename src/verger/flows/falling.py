"""Falling: who falls silent or speaks again, kept with the alert of it and then told."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import HOUR, MINUTE, SECOND, Clock, moment
from verger.domain.alerts.model import Alert, Opened, Opening, Severity
from verger.domain.devices.hearing import NEVER, Hearing, Judged
from verger.domain.devices.kept import Kept
from verger.domain.devices.registry import Known
from verger.flows.ports import Screens

RULE = "silence"  # of the alert
_AT_ONCE = 20  # devices a transaction, with their alerts

Rows = NDArray[np.intp]


class Alerts(Protocol):
    """What opens and clears alerts within the caller's transaction."""

    async def open(self, connection: AsyncConnection, tenant: str, opening: Opening) -> Opened:
        """Open an alert, or count once more the one that is open."""
        ...

    async def clear(
        self, connection: AsyncConnection, tenant: str, rule: str, device: str | None, at: int
    ) -> list[Alert]:
        """End what is open for a rule and a device."""
        ...


class Falling:
    """Turns devices silent and back; `turned` are told of it, in microseconds, and `open` have their alert open.

    `keeping` is held while that is written.
    """

    def __init__(self, kept: Kept, alerts: Alerts, screens: Screens, clock: Clock, hearing: Hearing) -> None:
        """Know of no open alert."""
        self.turned: list[Callable[[str, bool, int], None]] = []
        self.open: dict[int, Known] = {}
        self.keeping = asyncio.Lock()
        self._kept, self._alerts, self._screens, self._clock, self._hearing = kept, alerts, screens, clock, hearing

    async def turn(self, judged: Judged, taken: Callable[[], int]) -> None:
        """Let devices be what they were judged to be; they said all they did up to a record."""
        hearing, rows = self._hearing, judged.rows
        kept = (judged.silent[rows] != (hearing.fell[rows] > NEVER)) | (judged.alerted[rows] != hearing.alerted[rows])
        self._settle(judged, rows[~kept], self._clock.now())
        for some in portions(rows[kept], _AT_ONCE):
            async with self.keeping:
                await self._keep(judged, hearing.stands(judged, some), taken())

    async def _keep(self, judged: Judged, rows: Rows, taken: int) -> None:
        """Keep who fell silent or speaks again, with their alerts; then tell."""
        now, turned = self._clock.now(), []
        for row in rows.tolist():
            known = self._kept.registry.at_slot(row)
            if known is not None:
                turned.append((row, known, self._hearing.as_judged(judged, row, known.device, taken, now)))
        names = await self._names([known for row, known, seen in turned if seen.alerted and row not in self.open])
        async with self._kept.db.writing() as connection:
            await self._kept.presence.keep(connection, [seen for _, _, seen in turned])
            for row, known, seen in turned:
                if seen.alerted and row not in self.open:
                    opening = self._opening(row, known, names.get(known.device, known.device), now)
                    await self._alerts.open(connection, known.tenant, opening)
                elif row in self.open and not seen.alerted:
                    await self._alerts.clear(connection, known.tenant, RULE, known.device, now)
        for row, known, seen in turned:
            self._hearing.kept[row] = seen.last_seen or 0
            if seen.alerted:
                self.open[row] = known
            else:
                self.open.pop(row, None)
        self._settle(judged, rows, now)

    def _settle(self, judged: Judged, rows: Rows, now: int) -> None:
        """Let rows be as they were judged, which is kept, and tell who sees it."""
        hearing, silent = self._hearing, judged.silent
        turned = rows[silent[rows] != (hearing.fell[rows] > NEVER)]
        shown = np.union1d(turned, rows[judged.online[rows] != hearing.online[rows]])
        hearing.settle(judged, rows, now)
        for row in shown.tolist():
            if known := self._kept.registry.at_slot(row):
                since = moment(int(hearing.since[row])) if hearing.since[row] else None
                online = bool(hearing.online[row])
                word = {"type": "device", "id": known.device, "online": online, "silent_since": since}
                self._screens.tell(known.device, word)
        for row in turned.tolist():
            if known := self._kept.registry.at_slot(row):
                for tell in self.turned:
                    tell(known.device, bool(silent[row]), now)

    async def _names(self, asked: Sequence[Known]) -> dict[str, str]:
        names: dict[str, str] = {}
        for tenant in {known.tenant for known in asked}:
            mine = [known.device for known in asked if known.tenant == tenant]
            names |= {device.id: device.name for device in await self._kept.devices.these(tenant, mine)}
        return names

    def _opening(self, row: int, known: Known, name: str, now: int) -> Opening:
        message = f"{name} is silent: it was not heard for {_told(int(self._hearing.limit[row]))}."
        return Opening(
            rule=RULE, device=known.device, place=known.place, severity=Severity.warning, message=message, at=now
        )

    async def let_go(self) -> None:
        """End the alerts of devices that have retired."""
        at_slot = self._kept.registry.at_slot
        for row in [row for row, known in self.open.items() if at_slot(row) is not known]:
            known = self.open[row]
            async with self._kept.db.writing() as connection:
                await self._alerts.clear(connection, known.tenant, RULE, known.device, self._clock.now())
            self._hearing.leave(row)
            del self.open[row]


def portions(rows: Rows, size: int) -> Iterator[Rows]:
    """Give rows in portions of a size."""
    yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _told(limit: int) -> str:
    if limit < 2 * MINUTE:
        return f"{limit // SECOND} s"
    return f"{limit // MINUTE} min" if limit < 2 * HOUR else f"{limit // HOUR} h"

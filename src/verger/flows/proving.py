"""Proving: what devices said to their commands, from the log into the command's life."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds
from verger.domain.commands.model import UNANSWERED, Command, acknowledged, answered, shown
from verger.domain.commands.store import CommandStore
from verger.domain.devices.kept import Kept
from verger.domain.telemetry.model import Ack, Attributes, Batch, Told

_AT_ONCE = 200  # answers a transaction
_UNKNOWN = "It answered a command that is not known here, or that it was never sent."


@dataclass
class _Watched:
    """A command whose reports are waited for: whose it is, until when they prove it, and what of them was seen."""

    tenant: str
    shows: frozenset[str]
    until: int
    seen: dict[str, Any] = field(default_factory=dict)


class Proving:
    """A follower of the log: takes acknowledgements and answers, and reports that show that something was done."""

    name = "proving"

    def __init__(self, kept: Kept, store: CommandStore, sending: asyncio.Lock) -> None:
        """Wait for `sending`, so that what was sent is noted before its answer is."""
        self._kept, self._store, self._sending = kept, store, sending
        self._watched: dict[str, dict[str, _Watched]] = {}  # by device and command
        store.told.append(self._told)

    async def fill(self) -> None:
        """Remember, at start, what reports are waited for."""
        for tenant, command in await self._store.unanswered():
            self._told(tenant, command)

    def _told(self, tenant: str, command: Command) -> None:
        """Watch for the reports that show a command done, until it has ended."""
        if not command.shows:
            return
        if command.stage in UNANSWERED:
            known = self._watched.setdefault(command.device, {})
            until = microseconds(command.expires_at)
            known.setdefault(command.id, _Watched(tenant, frozenset(command.shows), until))
        else:
            self._let_go(command.device, command.id)

    def _let_go(self, device: str, command: str) -> None:
        known = self._watched.get(device, {})
        known.pop(command, None)
        if not known:
            self._watched.pop(device, None)

    async def take(self, batch: Batch) -> None:
        """Take one record's answers and reports; what was taken before has no effect."""
        acks = [told for told in batch.told if isinstance(told.said, Ack)]
        reports = list(self._reports(batch)) if self._watched else []
        if not acks and not reports:
            return
        async with self._sending:
            for start in range(0, len(acks), _AT_ONCE):
                await self._answers(acks[start : start + _AT_ONCE], batch.received_at)
            for device, values, at in reports:
                await self._shown(device, values, at)

    def settled(self) -> int | None:
        """Return None: what was taken is on disk."""
        return None

    async def _answers(self, acks: Iterable[Told], received_at: int) -> None:
        """Take answers; those that change nothing, such as what a device says again, write nothing."""
        news = []
        async with self._kept.db.reading() as connection:
            for told in acks:
                if isinstance(told.said, Ack):
                    at = received_at if told.said.at is None else told.said.at
                    if await self._after(connection, told, told.said, at) is not None:
                        news.append((told, told.said, at))
        if news:
            async with self._kept.db.writing() as connection:
                for told, ack, at in news:
                    if (after := await self._after(connection, told, ack, at)) is not None:
                        await self._store.change(connection, told.tenant, after)

    async def _after(self, connection: AsyncConnection, told: Told, ack: Ack, at: int) -> Command | None:
        """Return what a command is after an answer to it, None where it stays as it is, or is none."""
        found = await self._store.numbered(connection, told.tenant, ack.behind or told.device, ack.number)
        if found is None:
            self._kept.remarks.note(told.tenant, told.device, "command", _UNKNOWN)
            return None
        after = answered(found, ack.result, at, ack.proof) if ack.answered else acknowledged(found, at, ack.proof)
        return None if after is found else after

    def _reports(self, batch: Batch) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Give what watched devices reported, each with its time."""
        for told in batch.told:
            if isinstance(told.said, Attributes) and told.device in self._watched:
                at = batch.received_at if told.said.at is None else told.said.at
                yield told.device, told.said.values, at
        registry = self._kept.registry
        slots = [known.slot for device in self._watched if (known := registry.known(device))]
        of = registry.slots_of(batch.series)
        for row in np.flatnonzero(np.isin(of, slots)).tolist():
            known, metric = registry.at_slot(int(of[row])), registry.metric(int(batch.series[row]))
            if known is not None and metric is not None:
                yield known.device, {metric: float(batch.value[row])}, int(batch.at[row])

    async def _shown(self, device: str, values: dict[str, Any], at: int) -> None:
        """See whether all that shows a command done has been reported since it was sent."""
        for command, watched in list(self._watched.get(device, {}).items()):
            if at > watched.until:  # one that never answers stays acknowledged: somebody else may have done this
                self._let_go(device, command)
                continue
            seen = {key: value for key, value in values.items() if key in watched.shows}
            if not seen:
                continue
            async with self._kept.db.writing() as connection:
                found = await self._store.there(connection, watched.tenant, command)
                if found is None or found.sent_at is None or at < microseconds(found.sent_at):
                    continue
                watched.seen |= seen
                after = shown(found, watched.seen, at)
                if after is not found:
                    await self._store.change(connection, watched.tenant, after)

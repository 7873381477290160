"""Recording: what devices told besides numbers, from the log into the database, and then to the screens."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from msgspec.structs import asdict, replace
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Busy
from verger.domain.devices.attributes import AttributeStore
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Attributes, Batch, Event, Told
from verger.flows.ports import Screens

_EVENTS_AT_ONCE = 500  # events a transaction, or as much work, which keeps it under 50 ms
_ATTRIBUTE = 10  # as much work as so many events
_ATTRIBUTES_AT_ONCE = _EVENTS_AT_ONCE // _ATTRIBUTE
_PASSING = (Busy, OSError, OperationalError)  # the fault of the disk or the database: all of it is tried again


@dataclass(frozen=True)
class Recording:
    """A follower of the log; what it has recorded already it records again without effect."""

    db: Database
    events: EventStore
    attributes: AttributeStore
    screens: Screens
    name: ClassVar[str] = "recording"

    async def take(self, batch: Batch) -> None:
        """Record what one batch told, some at a time; what cannot be recorded is raised once all else is."""
        wrong: Exception | None = None
        for some in _portions(batch.told):
            try:
                await self._keep(some, batch.received_at)
            except _PASSING:
                raise
            except Exception as error:  # noqa: BLE001  one bad message never stops a batch
                wrong = await self._keep_apart(some, batch.received_at) or error
        if wrong is not None:
            raise wrong

    def settled(self) -> int | None:
        """Return None: what was taken is on disk."""
        return None

    async def _keep(self, some: Sequence[Told], received_at: int) -> None:
        """Keep some together; screens hear of it after the commit."""
        async with self.db.writing() as connection:
            words = await self._record(connection, some, received_at)
        for device, word in words:
            self.screens.tell(device, word)

    async def _keep_apart(self, some: Sequence[Told], received_at: int) -> Exception | None:
        """Keep each for itself; return what was wrong with the last one that could not be."""
        wrong: Exception | None = None
        for told in some:
            try:
                await self._keep([told], received_at)
            except _PASSING:
                raise
            except Exception as error:  # noqa: BLE001  as above
                wrong = error
        return wrong

    async def _record(
        self, connection: AsyncConnection, some: Sequence[Told], received_at: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return what the screens of each device are to be told."""
        events = [(told.tenant, told.device, told.said) for told in some if isinstance(told.said, Event)]
        kept = await self.events.add(connection, events, received_at)
        words: list[tuple[str, dict[str, Any]]] = [
            (device, {"type": "event", "device": device, **asdict(happened)})
            for (_, device, _), happened in zip(events, kept, strict=True)
            if happened is not None
        ]
        for told in some:
            if isinstance(told.said, Attributes):
                at = moment(received_at if told.said.at is None else told.said.at)
                await self.attributes.report(connection, told.tenant, told.device, told.said.values, at)
                word = {"type": "attributes", "device": told.device, "reported": told.said.values}
                words.append((told.device, word))
        return words


def _portions(every: Iterable[Told]) -> Iterator[list[Told]]:
    """Give what was told in portions of about as much work as one transaction may take."""
    some: list[Told] = []
    work = 0
    for told in every:
        for part in _cut(told):
            some.append(part)
            work += len(part.said.values) * _ATTRIBUTE if isinstance(part.said, Attributes) else 1
            if work >= _EVENTS_AT_ONCE:
                yield some
                some, work = [], 0
    if some:
        yield some


def _cut(told: Told) -> Iterator[Told]:
    """Give what was told, attributes not too many at a time."""
    if not isinstance(told.said, Attributes) or len(told.said.values) <= _ATTRIBUTES_AT_ONCE:
        yield told
        return
    values = iter(told.said.values.items())
    while part := dict(islice(values, _ATTRIBUTES_AT_ONCE)):
        yield replace(told, said=replace(told.said, values=part))

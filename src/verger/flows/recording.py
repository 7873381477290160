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

_AT_ONCE = 50  # rows a transaction, which keeps it under 50 ms
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
            words = [await self._record(connection, told, received_at) for told in some]
        for told, word in zip(some, words, strict=True):
            if word is not None:
                self.screens.tell(told.device, word)

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

    async def _record(self, connection: AsyncConnection, told: Told, received_at: int) -> dict[str, Any] | None:
        said = told.said
        if isinstance(said, Event):
            happened = await self.events.add(connection, told.tenant, told.device, said, received_at)
            return None if happened is None else {"type": "event", "device": told.device, **asdict(happened)}
        at = moment(received_at if said.at is None else said.at)
        await self.attributes.report(connection, told.tenant, told.device, said.values, at)
        return {"type": "attributes", "device": told.device, "reported": said.values}


def _portions(every: Iterable[Told]) -> Iterator[list[Told]]:
    """Give what was told in portions of about as many rows as one transaction may take."""
    some: list[Told] = []
    rows = 0
    for told in every:
        for part in _cut(told):
            some.append(part)
            rows += len(part.said.values) if isinstance(part.said, Attributes) else 1
            if rows >= _AT_ONCE:
                yield some
                some, rows = [], 0
    if some:
        yield some


def _cut(told: Told) -> Iterator[Told]:
    """Give what was told, attributes not too many at a time."""
    if not isinstance(told.said, Attributes) or len(told.said.values) <= _AT_ONCE:
        yield told
        return
    values = iter(told.said.values.items())
    while part := dict(islice(values, _AT_ONCE)):
        yield replace(told, said=replace(told.said, values=part))

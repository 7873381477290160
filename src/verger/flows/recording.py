"""Recording: what devices told besides numbers, from the log into the database, and then to the screens."""

from dataclasses import dataclass
from typing import Any, ClassVar

from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import moment
from verger.base.db import Database
from verger.domain.devices.attributes import AttributeStore
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Batch, Event, Told
from verger.flows.ports import Screens


@dataclass(frozen=True)
class Recording:
    """A follower of the log; what it has recorded already it records again without effect."""

    db: Database
    events: EventStore
    attributes: AttributeStore
    screens: Screens
    name: ClassVar[str] = "recording"

    async def take(self, batch: Batch) -> None:
        """Record what one batch told; screens hear of it after the commit."""
        if not batch.told:
            return
        async with self.db.writing() as connection:
            words = [await self._record(connection, told, batch.received_at) for told in batch.told]
        for told, word in zip(batch.told, words, strict=True):
            if word is not None:
                self.screens.tell(told.device, word)

    def settled(self) -> int | None:
        """Return None: what was taken is on disk."""
        return None

    async def _record(self, connection: AsyncConnection, told: Told, received_at: int) -> dict[str, Any] | None:
        said = told.said
        if isinstance(said, Event):
            happened = await self.events.add(connection, told.tenant, told.device, said, received_at)
            return None if happened is None else {"type": "event", "device": told.device, **asdict(happened)}
        at = moment(received_at if said.at is None else said.at)
        await self.attributes.report(connection, told.tenant, told.device, said.values, at)
        return {"type": "attributes", "device": told.device, "reported": said.values}

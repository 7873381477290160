"""Keeping: what was measured, from the log into the history."""

from dataclasses import dataclass
from typing import ClassVar

from verger.domain.history.history import History
from verger.domain.telemetry.model import Batch


@dataclass
class Keeping:
    """A follower of the log; what is in the history already it gives again without effect. `readings` only grows."""

    history: History
    readings: int = 0
    name: ClassVar[str] = "history"

    async def take(self, batch: Batch) -> None:
        """Give one batch to the history; wait while that has no room."""
        await self.history.wait_for_room()
        self.history.take(batch.sequence, batch.series, batch.at, batch.value)
        self.readings += len(batch.series)

    def settled(self) -> int | None:
        """Return the record up to which all readings are in chunks on disk."""
        return self.history.position

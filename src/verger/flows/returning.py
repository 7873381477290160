"""Returning: the first start after a restore, on which nothing that was done before is done over again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from msgspec import structs

from verger.base.clock import Clock, moment
from verger.domain.backups import mark
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.store import FollowerStore
from verger.flows.ports import Returns

log = structlog.get_logger()


@dataclass(frozen=True)
class Returning:
    """Lets every part that acts, or that waits to act, see to it; to be done before any follower starts."""

    data: Path
    log: Log
    clock: Clock
    parts: Sequence[Returns]

    async def honour(self) -> None:
        """Do nothing, unless the folder was restored and not started since. Cut short, the next start does it again."""
        found = mark.read(self.data)
        if found is None or found.honoured_at is not None:
            return
        said = tuple([sentence for part in self.parts for sentence in await part.returned(found, self.log.last)])
        for sentence in said:
            log.warning("after the restore", told=sentence)
        mark.write(self.data, structs.replace(found, honoured_at=moment(self.clock.now()), said=said))


@dataclass(frozen=True)
class Acting:
    """Followers that act, by name: after a restore they begin at the end of the log."""

    store: FollowerStore
    names: Sequence[str]

    async def returned(self, _mark: mark.Mark, last: int) -> list[str]:
        """Pass over what the log holds."""
        if not self.names:
            return []
        await self.store.save(dict.fromkeys(self.names, last))
        return [f"What was heard before the restore is not acted on again by: {', '.join(self.names)}."]

"""Forgetting: a deletion is remembered, and what it is about is hidden for good, also after a restore."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from msgspec import structs
from sqlalchemy.exc import SQLAlchemyError

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Busy
from verger.base.plural import counted
from verger.domain.backups.mark import Mark
from verger.domain.deletions.ledger import Ledger
from verger.domain.deletions.model import Erasure
from verger.domain.deletions.store import DeletionStore
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.places.store import PlaceStore
from verger.domain.tenancy.users import Users
from verger.flows.ports import Forgets

log = structlog.get_logger()


@dataclass(frozen=True)
class Forgetting:
    """Hides what is to go: no way leads to it any more, though it is still on the disk.

    `ledger` lies beside the backups, `brought` is the one that a restore laid in the data folder. `unsure` are
    deletions that may yet be taken back.
    """

    deletions: DeletionStore
    ledger: Ledger
    brought: Ledger
    kept: Kept
    places: PlaceStore
    users: Users
    messages: Forgets
    clock: Clock
    unsure: set[str] = field(default_factory=set)

    async def remember(self, erasure: Erasure) -> None:
        """Remember a deletion, then hide what it is about; on return nobody can read it.

        Raise Busy, and leave all as it is, where it cannot be written down beside the backups.
        """
        deletion = erasure.deletion.id
        self.unsure.add(deletion)
        try:
            await self.deletions.add(erasure)
            try:
                await asyncio.to_thread(self.ledger.add, erasure)
            except Busy:
                await self.deletions.take_back(deletion)
                raise
        finally:
            self.unsure.discard(deletion)
        await self.hide(erasure)

    async def hide(self, erasure: Erasure) -> None:
        """Hide what a deletion is about; what is hidden already stays so."""
        for part in erasure.parts:
            if part.whole:
                await self.kept.retire(erasure.tenant, part.device, moment(self.clock.now()))
                await self.kept.series.delete(erasure.tenant, part.device)
        if gone := {part.device for part in erasure.parts if part.whole}:
            await self.messages.forget(erasure.tenant, gone)
        if erasure.deletion.what == "place":
            await self._close(erasure)
        if erasure.deletion.what == "person":
            await self.users.erase(erasure.deletion.subject)

    async def go_on(self) -> None:
        """Hide what a crash left half hidden; to be done at start, before anybody can read it."""
        for erasure in await self.deletions.undone():
            await self.hide(erasure)

    async def _close(self, erasure: Erasure) -> None:
        """Take away a place and all below it, and end the devices that were there when it was deleted."""
        tenant, place = erasure.tenant, erasure.deletion.subject
        tree = await self.places.tree(tenant)
        if place not in tree.places:
            return
        below = tree.below(place)
        # A restore may bring devices back to where they no longer were: those move on.
        left = {part.device for part in erasure.parts if part.end is not None}
        left -= {part.device for part in erasure.parts if part.end is None}
        elsewhere = [each for each in (*tree.above(place), *tree.places) if each not in below]
        for device in await self.kept.devices.at(tenant, below):
            if device.id in left and elsewhere:
                await self._move(tenant, device, elsewhere[0])
            else:
                await self.kept.retire(tenant, device.id, moment(self.clock.now()))
        await self.messages.forget(tenant, set(below))
        for each in reversed(below):
            await self.kept.devices.leave_place(tenant, each)
        await self.places.delete(tenant, reversed(below))

    async def _move(self, tenant: str, device: Device, place: str) -> None:
        await self.kept.devices.change(tenant, structs.replace(device, place=place), moment(self.clock.now()))
        self.kept.registry.move(device.id, place)

    async def returned(self, mark: Mark, last: int) -> list[str]:
        """Do again what was deleted since the backup, and leave taking it off the disk to the sweep."""
        since = await self._in_what_was(mark)
        replaced = (Ledger(Path(mark.replaced)),) if mark.replaced else ()
        for ledger in (self.ledger, self.brought, *replaced):
            since += await asyncio.to_thread(ledger.since, mark.begun_at)
        # One that was done while the backup was taken came too late for what was copied before.
        own = [*await self.deletions.undone(), *await self.deletions.since(mark.begun_at)]
        found = {erasure.deletion.id: erasure for erasure in (*own, *since)}
        for erasure in found.values():
            if await self.deletions.add(await self._as_known(erasure)):
                await self.deletions.again(erasure.deletion.id, last + 1)
                await self.hide(erasure)
        return [f"Done again: {counted(len(found), 'deletion')} that came after the backup."] if found else []

    async def _as_known(self, erasure: Erasure) -> Erasure:
        """Return it with the series that its devices have here: any other number will be another device's."""
        series: dict[str, list[int]] = {}
        for each in await self.kept.series.of(erasure.tenant, [part.device for part in erasure.parts]):
            series.setdefault(each.device, []).append(each.number)
        parts = [structs.replace(part, series=series.get(part.device, [])) for part in erasure.parts]
        return structs.replace(erasure, parts=parts)

    async def _in_what_was(self, mark: Mark) -> list[Erasure]:
        """Return the deletions since the backup that the folder before the restore knows."""
        path = Path(mark.replaced or "") / "verger.db"
        if mark.replaced is None or not await asyncio.to_thread(path.exists):
            return []
        old = Database.open(f"sqlite+aiosqlite:///{path}")
        try:
            return await DeletionStore(old).since(mark.begun_at)
        except SQLAlchemyError as error:
            log.warning("the deletions of the replaced folder could not be read", folder=mark.replaced, why=str(error))
            return []
        finally:
            await old.close()

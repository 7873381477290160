"""All that is kept of enrolments, in one hand, with what is in memory of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import partial
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.bell import Bell
from verger.base.db import Database, after_commit
from verger.base.secrets import ServerSecret
from verger.base.zones import zone_of
from verger.domain.devices.families import identity
from verger.domain.devices.kept import Kept
from verger.domain.enrolments.model import Admitted
from verger.domain.enrolments.pairing import Key, Pairings
from verger.domain.enrolments.passes import Turns
from verger.domain.enrolments.roll import Roll
from verger.domain.enrolments.store import EnrolmentStore
from verger.domain.enrolments.strangers import StrangerStore
from verger.domain.places.store import PlaceStore


@dataclass(frozen=True)
class Enrolled:
    """Stores, and what is filled from them; `waiting` are the ids of strangers."""

    enrolments: EnrolmentStore
    strangers: StrangerStore
    pairings: Pairings
    turns: Turns
    kept: Kept
    places: PlaceStore
    roll: Roll = field(default_factory=Roll)
    waiting: dict[Key, str] = field(default_factory=dict)
    zones: dict[str, tzinfo] = field(default_factory=dict)  # by place
    moved: Bell = field(default_factory=Bell)  # rung when places or devices are others

    @classmethod
    async def over(
        cls, db: Database, secret: ServerSecret, kept: Kept, places: PlaceStore, most: Callable[[str], int]
    ) -> Self:
        """Know what is kept; of a stranger of a tenant at most so many readings."""
        enrolled = cls(EnrolmentStore(db), StrangerStore(db, most), Pairings(db, secret), Turns(db), kept, places)
        await enrolled.pairings.fill()
        await enrolled.turns.fill()
        for tenant, key_hash, enrolment in await enrolled.enrolments.everything():
            enrolled.roll.put(tenant, key_hash, enrolment)
        for tenant, name, stranger in await enrolled.strangers.everything():
            dialect, _, rest = name.partition(" ")
            enrolled.waiting[tenant, dialect, rest] = stranger
        await enrolled.look()
        return enrolled

    def changed(self, _tenant: str) -> None:
        """Look anew at the time zones of places."""
        self.moved.ring()

    async def look(self) -> None:
        """Know the time zones of places, where anybody speaks who tells local times; to be done as they change."""
        if self.roll.empty and not self.kept.addresses.any:
            return
        found = {place: zone_of(name) or UTC for place, name in await self.places.zones()}
        self.zones.clear()
        self.zones.update(found)

    def zone(self, door: Admitted) -> tzinfo:
        """Return the time zone of the place where devices begin that a door lets in, or of the one it lets in."""
        if door.device is not None:
            known = self.kept.registry.known(door.device)
            return self.zones.get(known.place, UTC) if known else UTC
        return next((self.zones[each.place] for each in door.enrolments if each.place in self.zones), UTC)

    def forget(self, tenant: str, stranger: str) -> Key | None:
        """Know a stranger no longer; return what it was known by."""
        mine = (key for key, each in self.waiting.items() if key[0] == tenant and each == stranger)
        key = next(mine, None)
        if key is not None:
            del self.waiting[key]
        return key

    async def device_left(self, connection: AsyncConnection, tenant: str, device: str) -> None:
        """Forget the secret of a device that retires, within its transaction."""
        known = self.kept.addresses.of(device)
        if known is not None:
            key = (tenant, known.dialect, identity(known.dialect, known.address))
            await self.pairings.leave(connection, key)
            after_commit(connection, lambda: self.pairings.left(key))

    async def place_left(self, connection: AsyncConnection, tenant: str, place: str) -> None:
        """End the enrolments of a place that is deleted; their rows go with it."""
        ended = [each.id for owner, each in self.roll.everything() if owner == tenant and each.place == place]
        for enrolment in ended:
            await self.end(connection, tenant, enrolment)

    async def end(self, connection: AsyncConnection, tenant: str, enrolment: str) -> None:
        """Forget an enrolment and its strangers with their codes, within the transaction in which their rows went."""
        there = await self.strangers.there(connection, tenant)
        keys = [key for key, each in self.waiting.items() if key[0] == tenant and each not in there]
        for key in keys:
            await self.pairings.leave(connection, key)
        after_commit(connection, partial(self._ended, enrolment, keys))

    def _ended(self, enrolment: str, keys: list[Key]) -> None:
        """Know an enrolment and its strangers no longer."""
        self.roll.forget(enrolment)
        for key in keys:
            self.waiting.pop(key, None)
            self.pairings.left(key)

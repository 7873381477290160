"""Growing: what people tell of a growing cycle, and what its place says of it from then on."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import structs, to_builtins
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, microseconds, moment
from verger.base.db import Database, after_commit
from verger.base.errors import Fault, Invalid, Missing
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.base.patch import meant_for
from verger.domain.cycles.model import CROP, STAGE, Cycle, CycleStage, Happening, Kind, Outcome, begun, ended, moved
from verger.domain.cycles.store import CycleStore, WantedCycles
from verger.domain.places.store import PlaceStore
from verger.domain.telemetry.model import Event
from verger.flows.overhearing import Overhearing
from verger.flows.ports import Screens


@dataclass(frozen=True)
class Growing:
    """Keeps cycles; the stage of the one that runs is an attribute of its place, by which rules may judge.

    Rules hear of harvests and contaminations, and screens of every change.
    """

    db: Database
    store: CycleStore
    places: PlaceStore
    screens: Screens
    rules: Overhearing
    clock: Clock

    async def page(self, tenant: str, asked: Asked, place: str | None, wanted: WantedCycles) -> Page[Cycle]:
        """Return a page of cycles, all or those at a place and below it; raise Missing."""
        if place is not None:
            wanted = structs.replace(wanted, places=await self.places.below(tenant, place))
        return await self.store.page(tenant, asked, wanted)

    async def begin(self, tenant: str, wanted: dict[str, Any]) -> Cycle:
        """Begin a cycle, now unless it began before; raise Invalid, or Conflict while another one runs there."""
        now = moment(self.clock.now())
        started = self._at(wanted.pop("started_at", None))
        cycle = begun(Cycle(id=new_id(), created_at=now, started_at=started, **wanted))
        try:
            await self.places.get(tenant, cycle.place)
        except Missing:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")]) from None
        async with self.db.writing() as connection:
            await self.store.add(connection, tenant, cycle)
            await self._say(connection, tenant, cycle)
        self.screens.changed(tenant)
        return cycle

    async def change(self, tenant: str, cycle: str, changes: dict[str, Any], expected: int | None) -> Cycle:
        """Change what grows, its notes or when its harvest is expected; raise Missing, Stale or Invalid."""
        return await self._do(tenant, cycle, lambda before: structs.replace(before, **changes), expected)

    async def move(self, tenant: str, cycle: str, stage: CycleStage, at: datetime | None) -> Cycle:
        """Let a cycle be in another stage, now or since a time; raise Missing, Conflict or Invalid."""
        return await self._do(tenant, cycle, lambda before: moved(before, stage, self._at(at)))

    async def end(self, tenant: str, cycle: str, outcome: Outcome, at: datetime | None) -> Cycle:
        """End a cycle; raise Missing, Conflict or Invalid."""
        return await self._do(tenant, cycle, lambda before: ended(before, self._at(at), outcome))

    async def remove(self, tenant: str, cycle: str, expected: int | None) -> None:
        """Take a cycle away as if it had never been; raise Missing or Stale."""
        async with self.db.writing() as connection:
            before = await self.store.find(connection, tenant, cycle)
            meant_for(before.version, expected)
            await self.store.remove(connection, tenant, cycle)
            if before.runs:
                await self.places.note(connection, tenant, before.place, {STAGE: None, CROP: None})
            self._show(connection, tenant, before, gone=True)
        self.screens.changed(tenant)

    async def stand(self, tenant: str, place: str, stage: str) -> None:
        """Let the cycle that runs at a place be in a stage that somebody told of the place, if it is one."""
        async with self.db.writing() as connection:
            running = await self.store.running(connection, tenant, place)
            if running is not None and stage in list(CycleStage) and stage != running.stage:
                after = moved(running, CycleStage(stage), self._at(None))
                self._show(connection, tenant, await self.store.change(connection, tenant, after))

    # what happened

    async def happenings(self, tenant: str, cycle: str, asked: Asked) -> Page[Happening]:
        """Return a page of what happened in a cycle, the newest first; raise Missing."""
        await self.store.get(tenant, cycle)
        return await self.store.happenings(tenant, cycle, asked)

    async def happen(self, tenant: str, cycle: str, by: str, told: dict[str, Any]) -> Happening:
        """Keep a harvest or a contamination, which rules hear of too; raise Missing or Invalid."""
        kind: Kind = told.pop("kind")
        happening = Happening(id=new_id(), cycle=cycle, by=by, kind=kind, at=self._at(told.pop("at", None)), **told)
        event = Event(kind, at=microseconds(happening.at), id=happening.id)
        tree = await self.places.tree(tenant)
        async with self.db.writing() as connection:
            place = (await self.store.find(connection, tenant, cycle)).place
            await self.store.happen(connection, tenant, happening)
            await self.rules.at_place(connection, tenant, tree, place, event, self.clock.now())
            self._show(connection, tenant, await self.store.find(connection, tenant, cycle))
        return happening

    async def undo(self, tenant: str, cycle: str, happening: str) -> None:
        """Take away what did not happen; raise Missing."""
        async with self.db.writing() as connection:
            await self.store.undo(connection, tenant, cycle, happening)
            self._show(connection, tenant, await self.store.find(connection, tenant, cycle))

    def _at(self, told: datetime | None) -> datetime:
        """Return when something was, now where nothing was said; raise Invalid for what has not been yet."""
        now = moment(self.clock.now())
        if told is not None and told > now:
            raise Invalid("This has not been yet.", [Fault("at", "Give a time that has been.")])
        return told or now

    async def _do(self, tenant: str, cycle: str, change: Any, expected: int | None = None) -> Cycle:
        async with self.db.writing() as connection:
            before = await self.store.find(connection, tenant, cycle)
            meant_for(before.version, expected)
            after: Cycle = change(before)
            if after == before:
                return before
            kept = await self.store.change(connection, tenant, after)
            await self._say(connection, tenant, kept)
        self.screens.changed(tenant)
        return kept

    async def _say(self, connection: AsyncConnection, tenant: str, cycle: Cycle) -> None:
        """Let the place of a cycle say what stage it is in, and what grows; without one that runs, nothing."""
        stage = str(cycle.stage) if cycle.runs else None
        crop = (cycle.crop or None) if cycle.runs else None
        if cycle.runs or await self.store.running(connection, tenant, cycle.place) is None:
            await self.places.note(connection, tenant, cycle.place, {STAGE: stage, CROP: crop})
        self._show(connection, tenant, cycle)

    def _show(self, connection: AsyncConnection, tenant: str, cycle: Cycle, *, gone: bool = False) -> None:
        """Let screens know, once it is kept, how a cycle stands."""
        word = {"type": "cycle", **to_builtins(cycle), **({"gone": True} if gone else {})}
        after_commit(connection, partial(self.screens.announce, tenant, word, place=cycle.place))

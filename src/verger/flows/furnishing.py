"""Furnishing: a place gets what a blueprint brings, each part once, all of it or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, convert, structs, to_builtins
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Conflict
from verger.base.ids import new_id
from verger.domain.blueprints.model import Kind, Laid, Mark, Waiting
from verger.domain.blueprints.store import BlueprintStore
from verger.domain.derived.model import Derived
from verger.domain.devices import plants
from verger.domain.devices.model import DeviceType
from verger.domain.devices.types import DeviceTypeStore
from verger.domain.places.store import PlaceStore
from verger.domain.rules.accepted import KeptRule
from verger.domain.tasks.model import Priority, Task
from verger.domain.tasks.store import TaskStore
from verger.flows.deriving import Deriving
from verger.flows.plans import Plan, plan
from verger.flows.ruling import Ruling
from verger.flows.tending import Tending

Thing = DeviceType | Derived | KeptRule | Task
_BEFORE = "It was laid before, and stays as people left it."
_AROUND = "It acts here already, from a place around this one."
_THERE = "There is one of this key already, which stays as it is."


class Part(Struct, frozen=True, kw_only=True):
    """One part of a blueprint; `id` is what it became, None where nothing was made, and `why` says why it was kept."""

    kind: Kind
    key: str
    name: str
    id: str | None = None
    why: str = ""


class Furnished(Struct, frozen=True, kw_only=True):
    """What a blueprint brought to a place just now, what is kept as it is, and what waits for something else."""

    name: str
    place: str
    at: datetime
    by: str
    made: tuple[Part, ...]
    kept: tuple[Part, ...]
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True)
class Furnishing:
    """Lays blueprints on places; `by` names a caller, such as `user:<id>`."""

    db: Database
    store: BlueprintStore
    places: PlaceStore
    types: DeviceTypeStore
    ruling: Ruling
    deriving: Deriving
    tasks: TaskStore
    clock: Clock

    async def at(self, tenant: str, place: str) -> list[Laid]:
        """Return what was laid on a place and on those that it lies in, the nearest first; raise Missing."""
        await self.places.get(tenant, place)
        return await self.store.at(tenant, [place, *(await self.places.tree(tenant)).above(place)])

    async def furnish(self, tenant: str, place: str, name: str, by: str) -> Furnished:
        """Lay what was not laid on a place yet; raise Missing or Invalid.

        What people changed or removed since stays as they left it. What acts there already, from a place around it on
        which the same blueprint lies, is not laid twice. Planters that have a profile of their own are left alone.
        """
        wanted, laid = plan(name), Laid(name=name, place=place, at=moment(self.clock.now()), by=by)
        spared = await Tending(self.ruling).tended(tenant) if name == plants.NAME else ()
        around = any(each.name == name and each.place != place for each in await self.at(tenant, place))
        things = dict(_things(wanted, laid, spared))
        for thing in things.values():
            if isinstance(thing, KeptRule):
                # planters that have a profile may stand elsewhere now, and come here later
                await self.ruling.vetting.check(tenant, structs.replace(thing, not_for=()))
        try:
            async with self.ruling.judge.still():
                async with self.db.writing() as connection:
                    done = await self._lay(connection, tenant, laid, things, around=around)
                self._heed(tenant, done.made)
        except IntegrityError:
            raise Conflict("This place was changed meanwhile; look again, then repeat it.") from None
        return structs.replace(done, waiting=wanted.waiting)

    async def _lay(
        self,
        connection: AsyncConnection,
        tenant: str,
        laid: Laid,
        things: dict[tuple[Kind, str], Thing],
        *,
        around: bool,
    ) -> Furnished:
        first = await self.store.begin(connection, tenant, laid)
        marks = await self.store.marks(connection, tenant, laid.place, laid.name)
        made, kept = list[Part](), list[Part]()
        for (kind, key), thing in things.items():
            part = Part(kind=kind, key=key, name=_called(thing))
            if mark := marks.get((kind, key)):
                kept.append(structs.replace(part, id=mark.made, why=_BEFORE))
            elif around and not isinstance(thing, DeviceType):
                kept.append(structs.replace(part, why=_AROUND))
            else:
                fresh = await self._make(connection, tenant, thing)
                mark = Mark(kind=kind, key=key, made=fresh)
                await self.store.mark(connection, tenant, laid, mark)
                told = structs.replace(part, id=fresh, why="" if fresh else _THERE)
                (made if fresh else kept).append(told)
        return Furnished(**structs.asdict(first), made=tuple(made), kept=tuple(kept), waiting=())

    async def _make(self, connection: AsyncConnection, tenant: str, thing: Thing) -> str | None:
        """Keep a part as what it is; return its id, None where there is one of its key already."""
        match thing:
            case DeviceType():
                return thing.key if await self.types.put(connection, tenant, thing) else None
            case Derived():
                return thing.id if await self.deriving.store.put(connection, tenant, thing) else None
            case KeptRule():
                await self.ruling.kept.rules.add(connection, tenant, thing)
            case Task():
                await self.tasks.add(connection, tenant, thing)
        return thing.id

    def _heed(self, tenant: str, made: tuple[Part, ...]) -> None:
        """Judge by new rules and reckon new metrics from now on."""
        for part in made:
            if part.id is not None and part.kind == "rule":
                self.ruling.judge.renewed(tenant, part.id, forget=True)
            elif part.id is not None and part.kind == "derived":
                self.deriving.reckoning.forget(part.id)


def _things(wanted: Plan, laid: Laid, spared: tuple[str, ...]) -> Iterator[tuple[tuple[Kind, str], Thing]]:
    """Give each part of a blueprint as it would be kept."""
    for kind in wanted.device_types:
        yield ("device_type", kind.key), convert(to_builtins(kind) | {"created_at": laid.at}, DeviceType)
    about: dict[str, Any] = {"place": laid.place, "created_at": laid.at}
    for key, derived in wanted.derived.items():
        yield ("derived", key), Derived(id=new_id(), **about, **structs.asdict(derived))
    for key, rule in wanted.rules.items():
        yield ("rule", key), KeptRule(id=new_id(), not_for=spared, **about, **structs.asdict(rule))
    for key, chore in wanted.tasks.items():
        due = None if chore.due_in_s is None else laid.at + timedelta(seconds=chore.due_in_s)
        told = about | {"title": chore.title, "notes": chore.notes, "priority": Priority(chore.priority)}
        yield ("task", key), Task(id=new_id(), made_by=laid.by, due=due, **told)


def _called(thing: Thing) -> str:
    return thing.title if isinstance(thing, Task) else thing.name

"""Moving in: what another system's installation holds becomes places, devices, history and events, each once.

What is here already is known again: a place by its kind and name, a device by its address, a reading by its time, an
event by its row. So an installation can be moved in again, and only what is new is added.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec import structs

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Conflict, Invalid
from verger.base.ids import new_id
from verger.domain.devices.families import identity
from verger.domain.devices.model import Device
from verger.domain.imports.installation import Bad, Installation, OldDevice, OldEvent, OldPlace, Source, Word
from verger.domain.imports.lines import Found
from verger.domain.imports.moved import MOST_FAULTS, Chosen, Moved, Part, RowFault
from verger.domain.places.model import Place, Tree
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Event
from verger.flows.adopting import Adopting
from verger.flows.inbound import EARLIEST
from verger.flows.settling import BATCH, Settling, Tally

_TURN = 2_000  # words that are read at a time: some milliseconds, then whoever waits has a turn
_EVENTS = 500  # events a transaction
_LONGEST, _SHOWN = 200, 80

Reached = Callable[[int, int | None], None]


class Wish(Source, frozen=True, kw_only=True):
    """What to move in, below which place: all, or `only` the places there of one name and what lies in them."""

    place: str
    only: str = ""
    trial: bool = True


@dataclass(frozen=True)
class MovingIn:
    """Moves installations in; `open` reads one, in whichever thread it is called."""

    settling: Settling
    adopting: Adopting
    events: EventStore
    db: Database
    clock: Clock
    open: Callable[[Source], Installation]
    _reader: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "moving"))

    async def run(self, wish: Wish, reached: Reached) -> Moved:
        """Move an installation in, or find out what would come of it; raise Refused."""
        tenant, place = await self.adopting.provisioning.places.owner(wish.place)
        installation = await self._aside(self.open, wish)
        chosen = Chosen(installation, wish.only)
        since = await self._aside(chosen.look, lambda: reached(0, None), EARLIEST)
        tally = _Moving(self.clock.now(), wish.trial, chosen=chosen, family=wish.family)
        for bad in installation.bad:
            tally.fault(bad.line, bad.message, bad.table)
        await self._places(tenant, place, tally)
        await self._devices(tenant, place, tally, since)
        words = installation.words()
        while some := await self._aside(lambda: list(islice(words, _TURN))):
            tally.take(some)
            if len(tally.batch) >= BATCH:
                await self.settling.settle(tenant, tally)
            while len(tally.happened) >= _EVENTS:
                await self._keep(tenant, tally)
            reached(tally.rows, max(chosen.rows, tally.rows))
        await self.settling.settle(tenant, tally)
        while tally.happened:
            await self._keep(tenant, tally)
        return tally.moved(installation.left)

    async def _places(self, tenant: str, root: str, tally: "_Moving") -> None:
        """Find the places that are here already, and make the others."""
        stories = self.adopting.provisioning
        tree = await stories.places.tree(tenant)
        for old in tally.chosen.places:
            parent = tally.places.get(old.within or "", root)
            known = _same(tree, parent, old)
            if known is None:
                known = new_id()
                tally.new_places += 1
                if not tally.trial:
                    await stories.places.add(tenant, _place(known, old, parent, tree.places[root], self.clock.now()))
            tally.places[old.key] = known
        if tally.new_places and not tally.trial:
            stories.screens.changed(tenant)

    async def _devices(self, tenant: str, root: str, tally: "_Moving", since: dict[str, int]) -> None:
        """Find the devices that are here already, and make the others; all stand there from their first word on."""
        addresses, stories = self.adopting.provisioning.kept.addresses, self.adopting.provisioning
        for old in sorted(tally.chosen.devices, key=lambda each: each.gateway is not None):
            began = moment(since.get(old.key, self.clock.now()))
            known = addresses.find(tenant, tally.family, identity(tally.family, old.address))
            if known is None:
                await self._device(tenant, root, tally, old, began)
                continue
            tally.devices[old.key] = known.device
            if not tally.trial:
                await stories.kept.devices.stood(tenant, known.device, began)

    async def _device(self, tenant: str, root: str, tally: "_Moving", old: OldDevice, began: datetime) -> None:
        """Make a device that is not here yet; one that cannot be is told, and so is what it said."""
        try:
            device = Device(
                id=new_id(),
                name=_named(old) or old.address[:_LONGEST],
                place=tally.places.get(old.place or "", root),
                dialect=tally.family,
                address=old.address,
                gateway=tally.devices.get(old.gateway or ""),
                channels=old.channels,
                created_at=began,
            )
            if not tally.trial:
                await self.adopting.add(tenant, device)
        except (Invalid, Conflict) as wrong:
            tally.fault(0, f"{old.address[:_SHOWN]}: {wrong}", "devices")
            return
        tally.devices[old.key] = device.id
        tally.new_devices += 1
        tally.fresh.add(device.id)

    async def _keep(self, tenant: str, tally: "_Moving") -> None:
        """Keep some events, or find out which are new."""
        some, tally.happened = tally.happened[:_EVENTS], tally.happened[_EVENTS:]
        if tally.trial:
            old = [pair for pair in some if pair[0] not in tally.fresh]
            tally.new_events += len(some) - await self.events.count_of(old)
            return
        told = [(tenant, device, event) for device, event in some]
        async with self.db.writing() as connection:
            kept = await self.events.add(connection, told, self.clock.now())
        tally.new_events += sum(each is not None for each in kept)

    async def _aside(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, *given)


@dataclass
class _Moving(Tally):
    """What was found so far, and what is here of it; `happened` waits to be kept."""

    chosen: Chosen = dataclasses.field(kw_only=True)
    family: str = dataclasses.field(kw_only=True)
    places: dict[str, str] = dataclasses.field(default_factory=dict)
    devices: dict[str, str] = dataclasses.field(default_factory=dict)
    fresh: set[str] = dataclasses.field(default_factory=set)
    happened: list[tuple[str, Event]] = dataclasses.field(default_factory=list)
    passed: list[RowFault] = dataclasses.field(default_factory=list)
    new_places: int = 0
    new_devices: int = 0
    events: int = 0
    new_events: int = 0
    elsewhere: int = 0
    rows: int = 0

    def take(self, words: Sequence[Word]) -> None:
        """Put what makes sense aside, to be kept, and count the rest."""
        self.rows += len(words)
        for word in words:
            if isinstance(word, Bad):
                self.fault(word.line, word.message, word.table)
            elif word.device not in self.devices:
                self._stray(word)
            elif isinstance(word, OldEvent):
                self._happen(word)
            elif (why := self.wrong(word)) is not None:
                self.fault(word.line, why, word.table)
            else:
                self.put(structs.replace(word, device=self.devices[word.device]))

    def fault(self, line: int, message: str, table: str = "") -> None:
        """Count a row of which nothing is kept."""
        self.faulty += 1
        if len(self.passed) < MOST_FAULTS:
            self.passed.append(RowFault(table, line, message))

    def _stray(self, word: Found | OldEvent) -> None:
        if word.device in self.chosen.others:
            self.elsewhere += 1
        else:
            self.fault(word.line, f"The device “{word.device[:80]}” is not there.", word.table)

    def _happen(self, word: OldEvent) -> None:
        if not self.is_timely(word.at):
            self.fault(word.line, "Its time lies before 2000 or in the future.", word.table)
            return
        self.events += 1
        event = Event(word.kind, word.data, word.at, f"{self.family}-{word.row}")
        self.happened.append((self.devices[word.device], event))

    def moved(self, left: Mapping[str, int]) -> Moved:
        """Return the whole of it."""
        first, last = (None if at is None else moment(at).isoformat() for at in (self.first, self.last))
        return Moved(
            trial=self.trial,
            places=Part(len(self.places), self.new_places),
            devices=Part(len(self.devices), self.new_devices),
            readings=Part(self.readings, self.kept),
            events=Part(self.events, self.new_events),
            faulty=self.faulty,
            faults=tuple(self.passed),
            elsewhere=self.elsewhere,
            left=dict(left),
            first=first,
            last=last,
        )


def _same(tree: Tree, parent: str, old: OldPlace) -> str | None:
    """Return the place that is here already, by its kind and name."""
    places = tree.places.values()
    named = (old.kind, _named(old))
    return next((each.id for each in places if each.parent == parent and (each.kind, each.name) == named), None)


def _named(old: OldPlace | OldDevice) -> str:
    return old.name.strip()[:_LONGEST]


def _place(place: str, old: OldPlace, parent: str, root: Place, now: int) -> Place:
    return Place(
        id=place,
        name=_named(old),
        kind=old.kind,
        parent=parent,
        timezone=root.timezone,
        address=old.address[:500],
        attributes=old.about,
        created_at=moment(now),
    )

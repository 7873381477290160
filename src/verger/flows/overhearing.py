"""Overhearing: what rules have to hear and stands in no log, kept for them in the transaction of its cause."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds
from verger.domain.commands.model import Command
from verger.domain.places.model import Tree
from verger.domain.rules.facts import Happened, Moved
from verger.domain.rules.kept import RulesKept
from verger.domain.telemetry.events import identity
from verger.domain.telemetry.model import Event
from verger.flows.court import Court
from verger.flows.ports import Screens
from verger.flows.rulebook import kinds


class Informed:
    """Screens and others hear together that places or devices came, went or moved."""

    def __init__(self, screens: Screens, listeners: Sequence[Callable[[str], None]]) -> None:
        """Tell the screens everything, and the listeners whose places or devices are others now."""
        self._screens, self._listeners = screens, listeners

    def tell(self, device: str, word: dict[str, Any]) -> None:
        """Tell what happened to a device."""
        self._screens.tell(device, word)

    def announce(self, tenant: str, word: dict[str, Any], *, place: str | None, device: str | None = None) -> None:
        """Tell every screen that shows the place or the device."""
        self._screens.announce(tenant, word, place=place, device=device)

    def changed(self, tenant: str) -> None:
        """Show a tenant's screens anew, and let others look anew too."""
        self._screens.changed(tenant)
        for heard in self._listeners:
            heard(tenant)


@dataclass(frozen=True)
class Overhearing:
    """Hears of commands and of what is booked: what rules wait for is kept for them.

    What became of their own commands is noted in their runs.
    """

    court: Court
    kept: RulesKept

    async def booked(self, connection: AsyncConnection, tenant: str, device: str, event: Event, now: int) -> None:
        """Hear of an event that was booked for a device."""
        book = self.court.book
        known = book.registry.known(device)
        if known is not None and book.of_device(known, "event", *kinds(event.kind)):
            at = now if event.at is None else event.at
            fact = Happened(device, event.kind, identity(event), at, now)
            await self.kept.facts.add(connection, tenant, fact)
            self.court.expect()

    async def at_place(
        self, connection: AsyncConnection, tenant: str, tree: Tree, place: str, event: Event, now: int
    ) -> None:
        """Hear of an event that people told of a place: it counts as one of the first device there of which rules hear.

        Without one there, that is a device below the place, or else the nearest around it.
        """
        book = self.court.book
        way = {each: at for at, each in enumerate((*tree.below(place), *tree.above(place)))}
        mine = (known for known in book.registry.everyone() if known.tenant == tenant and known.place in way)
        found = sorted(mine, key=lambda each: way[each.place])
        heard = (known for known in found if book.of_device(known, "event", *kinds(event.kind)))
        known = next(heard, found[0] if found else None)  # a rule that was just made is not in the book yet
        if known is not None:
            at = now if event.at is None else event.at
            fact = Happened(known.device, event.kind, identity(event), at, now)
            await self.kept.facts.add(connection, tenant, fact)
            self.court.expect()

    async def commanded(self, connection: AsyncConnection, tenant: str, command: Command) -> None:
        """Hear of a step of a command."""
        book = self.court.book
        known = book.registry.known(command.device)
        if known is not None and not command.noted and book.of_device(known, "command", command.method):
            fact = Moved(command.device, command.method, command.stage, microseconds(command.steps[-1].at))
            await self.kept.facts.add(connection, tenant, fact, command.asked_by)
            self.court.expect()
        if command.asked_by.startswith("rule:") and command.batch is not None:
            await self.kept.runs.ended(connection, tenant, command.batch, command.id, command.stage, command.error)

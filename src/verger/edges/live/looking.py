"""Looking: what many screens ask for at once is read once."""

import asyncio
from typing import Any, Protocol

from verger.edges.live.hub import Hub


class Subject(Protocol):
    """A place or a device as a screen shows it."""

    @property
    def below(self) -> list[str]:
        """Return the ids of a place and all below it."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Return how it stands this very moment."""
        ...


class Subjects(Protocol):
    """Finds what a screen may show."""

    async def subject(self, tenant: str, kind: str, subject: str) -> Subject:
        """Return a "place" or a "device"; raise Missing."""
        ...


class Looking:
    """Shares each look among all who ask for the same while it goes on: a place of a thousand devices costs much."""

    def __init__(self, subjects: Subjects, hub: Hub) -> None:
        """Look for `subjects`; `hub` counts the changes that make a look outdated."""
        self._subjects, self._hub = subjects, hub
        self._looks: dict[tuple[str, str, str], asyncio.Task[tuple[Subject, int]]] = {}

    async def find(self, tenant: str, kind: str, subject: str) -> tuple[Subject, int]:
        """Return a "place" or a "device", and how many changes there had been when the look began; raise Missing."""
        key = (tenant, kind, subject)
        look = self._looks.get(key)
        if look is None:
            look = self._looks[key] = asyncio.create_task(self._look(*key))
            look.add_done_callback(lambda done: self._over(key, done))
        return await asyncio.shield(look)

    async def _look(self, tenant: str, kind: str, subject: str) -> tuple[Subject, int]:
        changes = self._hub.changes
        return await self._subjects.subject(tenant, kind, subject), changes

    def _over(self, key: tuple[str, str, str], look: asyncio.Task[tuple[Subject, int]]) -> None:
        del self._looks[key]
        if not look.cancelled():
            look.exception()  # whoever asked may have gone: then nobody else looks at it

"""Voices: a physical device that speaks, as the stories of families need it."""

from typing import Protocol

from verger.base.errors import Fault
from verger.domain.telemetry.model import Said


class Speaks(Protocol):
    """A physical device that speaks, as its dialect read it; see `edges/wire/dialects/family.py`."""

    @property
    def address(self) -> str:
        """Return what its family calls it."""
        ...

    @property
    def said(self) -> tuple[Said, ...]:
        """Return what it said."""
        ...

    @property
    def secret(self) -> str | None:
        """Return what it brought along: None where the family brings nothing, "" where it asks for one."""
        ...

    @property
    def channels(self) -> dict[str, str]:
        """Return its own ids of its metrics, by metric."""
        ...

    @property
    def path(self) -> tuple[tuple[str, str], ...]:
        """Return the places it says it stands in."""
        ...

    @property
    def gateway(self) -> str:
        """Return the address of what speaks for it."""
        ...

    @property
    def refused(self) -> tuple[Fault, ...]:
        """Return what of it could not be taken."""
        ...

    @property
    def lie(self) -> str:
        """Return how it contradicts itself, "" where it does not."""
        ...

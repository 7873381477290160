"""What the stories need of the outside, named here and done by the edges."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from verger.domain.backups.mark import Mark
from verger.domain.commands.model import Command
from verger.domain.devices.model import Device


class Screens(Protocol):
    """The open screens of people."""

    def tell(self, device: str, word: dict[str, Any]) -> None:
        """Tell every screen that shows the device something that is kept already."""
        ...

    def announce(self, tenant: str, word: dict[str, Any], *, place: str | None, device: str | None = None) -> None:
        """Tell every screen that shows the place or the device; without either every screen of the tenant."""
        ...

    def changed(self, tenant: str) -> None:
        """Show a tenant's screens anew: places or devices came, went or moved."""
        ...


class Wire(Protocol):
    """The connections of devices."""

    def drop(self, device: str) -> None:
        """End a device's connections: what it proved itself by no longer holds."""
        ...

    def desire(self, device: Device, values: Mapping[str, Any], gone: Sequence[str]) -> None:
        """Tell a device, or its gateway, which attributes it should have from now on and which to forget."""
        ...

    def ask(self, device: Device, command: Command) -> str | None:
        """Send a command to a device, or its gateway; return which way it went, None when nobody listens."""
        ...

    async def kept(self) -> None:
        """Return once what waits for devices that are away is on disk."""
        ...


class Forgets(Protocol):
    """What waits for programs and devices that are away, and what is retained."""

    async def forget(self, tenant: str, ids: Collection[str]) -> None:
        """Drop all of it that is of some devices and places, for good; off the disk's tables on return."""
        ...


class Returns(Protocol):
    """A part that acts, or waits to, and has to be told that the data folder is a restored one."""

    async def returned(self, mark: Mark, last: int) -> list[str]:
        """See to it that nothing is done over again; the log ends at `last`.

        Return a sentence for each thing that a person should know. After a crash it is asked again.
        """
        ...

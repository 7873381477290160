"""The desk: what the house does for a family's handler."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Protocol

from verger.domain.commands.model import Command
from verger.domain.devices.addresses import Addressed
from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import KEPT, Heard
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.family import Voice
from verger.edges.wire.dialects.native import Ask
from verger.edges.wire.families.rounds import Rounds
from verger.edges.wire.house import House
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.switchboard import Switchboard
from verger.flows.meeting import Met
from verger.flows.passing import Passed

if TYPE_CHECKING:
    from verger.edges.wire.families.people import People


class Meetings(Protocol):
    """What tells devices that are known from strangers, and keeps what strangers say."""

    def by_key(self, key: str) -> Admitted | None:
        """Return whom an enrolment key lets in."""
        ...

    def by_certificate(self, fingerprint: str) -> Admitted | None:
        """Return whom a certificate lets in that an enrolment names."""
        ...

    def by_enrolment(self, enrolment: str) -> Admitted | None:
        """Return whom an enrolment lets in, for a port that was opened for it."""
        ...

    def by_port(self, port: int) -> Admitted | None:
        """Return whom a port of a family's own lets in, by the enrolments that name it."""
        ...

    def by_address(self, address: str) -> Admitted | None:
        """Return whom a TCP peer address lets in."""
        ...

    def by_secret(self, dialect: str, address: str, secret: str, door: Admitted | None = None) -> Admitted | None:
        """Return the door of the one device that has this address and proves it, of the tenant of a door or of any."""
        ...

    def by_device(self, device: str) -> Admitted | None:
        """Return the door of a device of a family that proved itself by a credential of its own."""
        ...

    def addressed(self, device: str) -> Addressed | None:
        """Return what a device's family calls it."""
        ...

    def secret(self, door: Admitted, dialect: str, address: str) -> str | None:
        """Return the secret that a tenant's device has, adopted or not, for a family that tells it again."""
        ...

    def find(self, door: Admitted, dialect: str, address: str) -> str | None:
        """Return the id of the device that a tenant has under a family's address."""
        ...

    def members(self, door: Admitted, dialect: str) -> list[Addressed]:
        """Return all devices of a family that a tenant has, the newest first."""
        ...

    def speak(self, door: Admitted, dialect: str, voice: Voice) -> Heard | None:
        """Return what a known device said, ready for the inlet; None for anybody who has to be met first."""
        ...

    async def meet(self, door: Admitted, dialect: str, voice: Voice) -> Met:
        """Keep what a stranger says, on disk on return, or see to a secret; raise Busy."""
        ...

    async def prove(self, door: Admitted, dialect: str, address: str, secret: str) -> None:
        """Know that a device spoke with the secret that it was told, on disk on return."""
        ...

    def impostor(self, dialect: str, address: str, secret: str) -> None:
        """Count it as a lie where somebody, who was refused, brought the secret of another device than it named."""
        ...

    def lied(self, door: Admitted, dialect: str, voice: Voice) -> None:
        """Count a lie that was told without a message, such as by listening for another device."""
        ...

    def zone(self, door: Admitted) -> tzinfo:
        """Return the time zone of the place where an enrolment's devices begin."""
        ...

    def zone_of(self, door: Admitted, dialect: str, address: str) -> tzinfo:
        """Return the time zone of the place where a device is; that of the door where it, or its place, is too new."""
        ...


class Passes(Protocol):
    """What knows devices that sign in with a secret and speak with what they got for it."""

    async def sign_in(self, dialect: str, address: str, secret: str, door: Admitted | None = None) -> Passed:
        """Give a device, of the tenant of a door or of any, its first passes; raise Unknown."""
        ...

    def admitted(self, token: str) -> Admitted | None:
        """Return the door of the device that a pass belongs to, None for one that holds no longer."""
        ...

    async def exchange(self, token: str) -> Passed:
        """Return new passes for one that was not exchanged yet; raise Unknown, Missing or Invalid."""
        ...


class Fetches(Protocol):
    """What gives commands to devices that poll."""

    async def fetch(self, device: str) -> Sequence[Command]:
        """Return what waits for a device, the oldest first, each noted as sent by poll."""
        ...

    async def asked(self, tenant: str, device: str, command: str) -> Command | None:
        """Return a command of a device that knows it by its id, None where it is none of its own."""
        ...

    def next_of(self, devices: Sequence[str], looked_at: Sequence[str], besides: Sequence[str] = ()) -> str | None:
        """Return which device is to be polled next: with commands, else looked at or about to prove one, in turns.

        `besides` are to be told something that is no command.
        """
        ...

    def has(self, device: str, number: int) -> None:
        """Learn that a device has a command, which is on its way into the log."""
        ...


@dataclass
class Pages:
    """How many pages may listen over Socket.IO, and how many packets may wait for one.

    Its figures: how many are `open`, were `refused` as too many, and `ended` as they did not read.
    """

    most: int = 1_000
    most_unread: int = 1_000
    open: Callable[[], int] = int
    refused: int = 0
    ended: int = 0


@dataclass
class Desk:
    """Given to each handler with its call; `people` is there once everything is."""

    house: House
    inlet: Inlet
    meetings: Meetings
    switchboard: Switchboard
    orders: Fetches
    passes: Passes
    pages: Pages = field(default_factory=Pages)
    rounds: Rounds = field(default_factory=Rounds)
    people: "People" = field(init=False)

    async def hear(self, door: Admitted, dialect: str, voice: Voice) -> Met:
        """Return what became of what a device said, once it is on disk: in its history, or kept until it is adopted.

        Raise Busy when it cannot be kept.
        """
        heard = self.meetings.speak(door, dialect, voice)
        if heard is None:
            met = await self.meetings.meet(door, dialect, voice)
            heard = self.meetings.speak(door, dialect, voice) if met.known else None
            if heard is None:
                return met
        if not heard.said and not heard.refused:
            return Met(answer=KEPT, device=heard.device, known=True)
        return Met(answer=await self.inlet.put(heard), device=heard.device, known=True)

    async def commands(self, device: str) -> Sequence[Ask]:
        """Return the commands that wait for a device which polls; call `fetched` once it was told them."""
        return [Ask(each.number, each.method, each.params) for each in await self.orders.fetch(device)]

    async def fetched(self, device: str, asks: Sequence[Ask]) -> None:
        """Note that a device has its commands: a poll that fetched them is the proof."""
        for ask in asks:
            self.orders.has(device, ask.number)
            await self.inlet.put(native.has(device, ask, "poll"))

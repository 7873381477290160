"""Bridging: other people's brokers that are listened at, and whose the devices are that they name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct, structs

from verger.base.clock import SECOND, Clock, moment
from verger.base.errors import Fault, Invalid
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.base.patch import meant_for
from verger.domain.bridges.model import Bridge, Secrets, TopicRule
from verger.domain.bridges.store import BridgeStore
from verger.domain.devices.kept import Kept
from verger.domain.enrolments.model import Enrolment

_FRESH = SECOND


class Standing(Struct):
    """How a bridge stands: connected or not since when, why not, and what went over it since it was opened.

    `told` counts what was sent to devices.
    """

    since: datetime
    connected: bool = False
    error: str | None = None
    messages: int = 0
    refused: int = 0
    last_refused: str | None = None
    told: int = 0


class ShownBridge(Bridge, frozen=True, kw_only=True):
    """A bridge and how it stands: since when, why not, and what went over it since it was opened."""

    since: datetime
    connected: bool
    error: str | None
    messages: int
    refused: int
    last_refused: str | None
    told: int


class Lines(Protocol):
    """The lines to the brokers."""

    async def begin(self, tenant: str, bridge: Bridge) -> None:
        """Open a bridge that is new or was changed."""
        ...

    async def end(self, bridge: str) -> None:
        """Close a bridge."""
        ...

    def standing(self, bridge: str) -> Standing:
        """Return how a bridge stands."""
        ...

    async def check(self) -> str:
        """Tell whether all bridges are connected."""
        ...


@dataclass(frozen=True)
class Bridging:
    """Keeps bridges and their lines abreast; `enrolment` returns whose one is, and what it is now."""

    store: BridgeStore
    lines: Lines
    enrolment: Callable[[str], tuple[str, Enrolment] | None]
    clock: Clock

    async def page(self, tenant: str, asked: Asked) -> Page[ShownBridge]:
        """Return a page of bridges, each with how it stands."""
        page = await self.store.page(tenant, asked)
        return Page([self._shown(bridge) for bridge in page.items], page.next)

    async def get(self, tenant: str, bridge: str) -> ShownBridge:
        """Return one bridge and how it stands; raise Missing."""
        return self._shown(await self.store.get(tenant, bridge))

    async def add(self, tenant: str, wanted: dict[str, Any], secrets: Secrets) -> ShownBridge:
        """Begin to listen at a broker; without a client id of its own it gets one. Raise Invalid."""
        fresh = new_id()
        named = wanted | {"client_id": wanted["client_id"] or f"verger-{fresh[-12:]}"}
        bridge = Bridge(id=fresh, created_at=moment(self.clock.now()), **named)
        self._check(tenant, bridge.rules)
        await self.store.add(tenant, bridge, secrets)
        await self.lines.begin(tenant, bridge)
        return self._shown(bridge)

    async def change(
        self, tenant: str, bridge: str, changes: dict[str, Any], secrets: dict[str, Any], expected: int | None
    ) -> ShownBridge:
        """Change some of a bridge and of its secrets, and connect it anew; raise Missing, Stale or Invalid."""
        before = await self.store.get(tenant, bridge)
        meant_for(before.version, expected)
        proof = structs.replace(await self.store.secrets(tenant, bridge), **secrets) if secrets else None
        wanted = structs.replace(before, **changes)
        if "rules" in changes:
            self._check(tenant, wanted.rules)
        after = await self.store.change(tenant, wanted, proof)
        await self.lines.begin(tenant, after)
        return self._shown(after)

    async def remove(self, tenant: str, bridge: str, expected: int | None) -> None:
        """Listen there no longer; what came over it stays."""
        meant_for((await self.store.get(tenant, bridge)).version, expected)
        await self.store.remove(tenant, bridge)
        await self.lines.end(bridge)

    def _check(self, tenant: str, rules: Sequence[TopicRule]) -> None:
        """Raise Invalid for rules that name enrolments of nobody, of others, or of another dialect."""
        faults = []
        for at, rule in enumerate(rules):
            found = None if rule.enrolment is None else self.enrolment(rule.enrolment)
            if rule.enrolment is not None and (found is None or found[0] != tenant):
                faults.append(Fault(f"rules[{at}].enrolment", "There is no such enrolment; choose one of yours."))
            elif found is not None and found[1].dialect != rule.says:
                sentence = f"This enrolment is for {found[1].dialect}; choose one for {rule.says}."
                faults.append(Fault(f"rules[{at}].enrolment", sentence))
        if faults:
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    async def check(self) -> str:
        """Tell whether all bridges are connected, in a sentence for `/ready`."""
        return await self.lines.check()

    def _shown(self, bridge: Bridge) -> ShownBridge:
        return ShownBridge(**structs.asdict(bridge), **structs.asdict(self.lines.standing(bridge.id)))


@dataclass
class Roster:
    """The devices of one tenant by id and by name; an id is known at once, a name once it was looked up."""

    kept: Kept
    tenant: str
    clock: Clock
    _names: dict[str, str | None] = field(default_factory=dict)
    _looked: int = 0

    def find(self, name: str) -> str | None:
        """Return the device of an id, or of a name that one device has."""
        known = self.kept.registry.known(name)
        if known is not None:
            return name if known.tenant == self.tenant else None
        return self._names.get(name)

    async def look(self) -> None:
        """Learn the names that hold now, unless that was done a moment ago."""
        now = self.clock.now()
        if self._looked and 0 <= now - self._looked < _FRESH:
            return
        names: dict[str, str | None] = {}
        for device in await self.kept.devices.at(self.tenant):
            names[device.name] = None if device.name in names else device.id
        self._names, self._looked = names, now

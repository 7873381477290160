"""All bridges: each a task that calls its broker, hears, and calls again later when the line breaks."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import structlog
from msgspec import Struct

from verger.base.clock import SECOND, Clock, moment
from verger.base.errors import Refused
from verger.base.lookups import on_behalf_of
from verger.base.outgoing import Outgoing
from verger.base.plural import counted
from verger.domain.bridges.model import Bridge
from verger.domain.bridges.store import BridgeStore
from verger.domain.bridges.ways import WayStore
from verger.edges.wire.bridge.abroad import Abroad
from verger.edges.wire.bridge.calling import call
from verger.edges.wire.bridge.line import Line
from verger.edges.wire.bridge.reading import Acquainted, Reader
from verger.edges.wire.bridge.sending import Sending
from verger.edges.wire.dialects.native import Ask, Order
from verger.edges.wire.families.desk import Desk
from verger.flows.bridging import Standing
from verger.flows.oversight import Figure
from verger.flows.watching import Trouble

_LONGEST_S = 60.0
_HELD = 10 * SECOND  # a line that held so long begins anew with the shortest wait
_UNWELL = 120 * SECOND

log = structlog.get_logger()


class _Open(Struct):
    tenant: str
    bridge: Bridge
    standing: Standing
    abroad: Abroad
    task: asyncio.Task[None] | None = None
    line: Line | None = None


def _trouble(down: _Open) -> Trouble:
    why = down.standing.error or "Its broker does not answer."
    return Trouble(f"bridge:{down.bridge.id}", f"The bridge {down.bridge.name} is down. {why}", tenant=down.tenant)


class Bridges:
    """Keeps every enabled bridge connected; a way of the dispatch.

    `acquainted` tells who knows the devices of a tenant, `desk` serves those of families.
    """

    def __init__(
        self,
        store: BridgeStore,
        ways: WayStore,
        desk: Desk,
        outgoing: Outgoing,
        acquainted: Callable[[str], Acquainted],
        clock: Clock,
    ) -> None:
        """Open nothing yet."""
        self._store, self._ways, self._desk, self._outgoing = store, ways, desk, outgoing
        self._acquainted, self._clock = acquainted, clock
        self._open: dict[str, _Open] = {}

    async def start(self) -> None:
        """Open every bridge there is."""
        for tenant, bridge in await self._store.everything():
            await self.begin(tenant, bridge)

    async def begin(self, tenant: str, bridge: Bridge) -> None:
        """Open a bridge that is new or was changed."""
        await self.end(bridge.id)
        ways, standing = await self._ways.of(tenant, bridge.id), Standing(self._now())
        while bridge.id in self._open:  # another change came meanwhile
            await self.end(bridge.id)
        abroad = Abroad(self._desk, tenant, bridge, ways, standing, self._clock)
        opened = self._open[bridge.id] = _Open(tenant, bridge, standing, abroad)
        if bridge.enabled:
            opened.task = asyncio.create_task(self._keep(opened), name=f"bridge {bridge.id}")

    async def end(self, bridge: str) -> None:
        """Close a bridge."""
        if (opened := self._open.pop(bridge, None)) and opened.task:
            opened.task.cancel()
            await asyncio.wait([opened.task])

    async def stop(self) -> None:
        """Close every bridge; what was not acknowledged is sent again after the next start."""
        await asyncio.gather(*(self.end(bridge) for bridge in list(self._open)))

    def standing(self, bridge: str) -> Standing:
        """Return how a bridge stands."""
        opened = self._open.get(bridge)
        return opened.standing if opened else Standing(self._now())

    # as a way of the dispatch

    def drop(self, device: str) -> None:
        """Do nothing: what proves itself to a broker is the bridge, and no device."""

    def deliver(self, device: str, order: Order, qos: int = 1) -> bool:
        """Send a command to a device that was heard over a bridge; whether one of those took it."""
        if not isinstance(order, Ask):
            return False
        return any(each.abroad.ask(device, order) for each in list(self._open.values()))

    async def kept(self) -> None:
        """Return: nothing waits here for devices that are away."""

    # how they stand

    async def check(self) -> str:
        """Tell how many bridges have been down for two minutes, without naming anybody's broker."""
        down = self._down()
        if not down:
            return "ok"
        of, are = counted(len(self._open), "bridge"), "is" if len(down) == 1 else "are"
        return f"{len(down)} of {of} {are} not connected; Settings says why."

    def troubles(self) -> list[Trouble]:
        """Return what is wrong with bridges, each told to whom it belongs."""
        return [_trouble(each) for each in self._down()]

    def _down(self) -> list[_Open]:
        unwell = moment(self._clock.now() - _UNWELL)
        wanted = (each for each in self._open.values() if each.bridge.enabled)
        return [each for each in wanted if not each.standing.connected and each.standing.since < unwell]

    def figures(self) -> Iterator[Figure]:
        """Tell the figures of all bridges, by id."""
        for each in self._open.values():
            labels = {"bridge": each.bridge.id}
            yield Figure("bridge_connected", "Whether a bridge is connected", each.standing.connected, labels=labels)
            waiting = each.line.waiting if each.line is not None else 0
            yield Figure("bridge_waiting", "Messages of a bridge that came too soon and wait", waiting, labels=labels)
            messages, refused = float(each.standing.messages), float(each.standing.refused)
            yield Figure("bridge_messages", "Messages kept from a bridge", messages, grows=True, labels=labels)
            yield Figure("bridge_refused", "Messages of a bridge refused", refused, grows=True, labels=labels)
            told = float(each.standing.told)
            yield Figure("bridge_told", "Messages to devices over a bridge", told, grows=True, labels=labels)

    async def _keep(self, opened: _Open) -> None:
        attempt = 0
        while True:
            began = self._clock.now()
            why = await self._until_broken(opened)
            standing = opened.standing
            if standing.connected or standing.error is None:
                log.warning("a bridge is down", bridge=opened.bridge.id, why=why)
            held = standing.connected and self._clock.now() - began > _HELD
            if standing.connected:
                standing.since = self._now()
            standing.connected, standing.error = False, why
            attempt = 0 if held else attempt + 1
            # Spread out, so that a broker that comes back is not called by all at once.
            await asyncio.sleep(min(_LONGEST_S, 0.5 * 2 ** min(attempt, 8)) * random.uniform(0.5, 1))  # noqa: S311

    async def _until_broken(self, opened: _Open) -> str:
        try:
            await self._hear(opened)
        except Refused as refused:
            return str(refused)
        except Exception:
            log.exception("a bridge failed", bridge=opened.bridge.id)
            return "Something went wrong here; it was logged."
        return "The line ended."

    async def _hear(self, opened: _Open) -> None:
        """Call, and hear until the line breaks; raise Refused with the reason."""
        bridge, tenant, standing, abroad = opened.bridge, opened.tenant, opened.standing, opened.abroad
        acquainted = self._acquainted(tenant)
        await acquainted.look()
        secrets = await self._store.secrets(tenant, bridge.id)
        with on_behalf_of(tenant):
            streams = await call(self._outgoing, bridge, secrets)
        sending = Sending(bridge.protocol, streams[1])
        reader = Reader(bridge.rules, acquainted, standing, abroad, partial(self._ways.keep, tenant, bridge.id))
        line = Line(bridge, streams, reader, sending, self._desk.inlet)
        opened.line = line
        try:
            await line.open(secrets)
            standing.since, standing.connected, standing.error = self._now(), True, None
            log.info("a bridge is connected", bridge=bridge.id)
            abroad.listen(sending.publish)
            await line.run()
        finally:
            opened.line = abroad.publish = None
            await line.close()
            await abroad.settle()
            await reader.save()

    def _now(self) -> datetime:
        return moment(self._clock.now())

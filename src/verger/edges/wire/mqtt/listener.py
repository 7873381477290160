"""The MQTT listener: the socket that devices connect to."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from verger.base.clock import Clock, SystemClock
from verger.base.errors import Busy
from verger.base.patience import Patience
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.model import KEY
from verger.domain.telemetry.model import Heard
from verger.edges.wire.dialects.native import Order, Wanted
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.house import House, Members
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.connection import Connection
from verger.edges.wire.mqtt.device import DeviceSpeaker, leave
from verger.edges.wire.mqtt.executor import Executor
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.member import MemberSpeaker
from verger.edges.wire.mqtt.pipe import Pipe
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.sessions import Sessions
from verger.edges.wire.mqtt.wiring import Counts, Wiring
from verger.edges.wire.strangers import Strangers

log = structlog.get_logger()

BACKLOG = 1_024


class Listener:
    """Lets devices in over MQTT 3.1.1 and 5; `lines` are the open sockets, `stopping`: no more are to come."""

    def __init__(  # noqa: PLR0913  each is a part of the house
        self,
        house: House,
        inlet: Inlet,
        exchange: Exchange,
        members: Members,
        patience: Patience | None = None,
        limits: Limits | None = None,
        member_limits: Limits | None = None,
        *,
        clock: Clock | None = None,
        busy_s: float = 2.0,
        newcomer_s: float = 60.0,
        will_grace_s: float = 30.0,
        desk: Desk | None = None,
    ) -> None:
        """Hand what devices say to the inlet, and what programs say to the exchange.

        A device whose message was not kept stays `busy_s` seconds longer, one that asks for a credential `newcomer_s`;
        after a start a client may come back within `will_grace_s` before its will is heard. Families are at the `desk`.
        """
        clock = clock or SystemClock()
        self.executor = Executor(house, inlet, exchange, members, clock, will_grace_s)
        self.sessions = Sessions(house, exchange, self.executor, clock, (limits or Limits()).away)
        self._wiring = Wiring(
            house,
            inlet,
            self.sessions,
            Strangers(patience or Patience()),
            exchange,
            members,
            clock,
            limits or Limits(),
            member_limits or replace(limits or Limits(), subscriptions=1_000, sessions=1_000),
            busy_s=busy_s,
            newcomer_s=newcomer_s,
            desk=desk,
        )
        self.lines: set[Pipe] = set()
        self.stopping, self._servers = False, list[asyncio.Server]()

    @property
    def counts(self) -> Counts:
        """Figures for the metrics page."""
        return self._wiring.counts

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None, bound: str = "") -> int:
        """Open a port, 0 for any free one; return which. Over TLS greeting may take as long as CONNECT after it.

        Who brings no credential comes as the API key `bound`, or through that enrolment, if one is named.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            partial(self.line, bound),
            host,
            port,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=None if tls is None else self._wiring.limits.connect_s,
        )
        self._servers.append(server)
        self.executor.start()
        opened: int = server.sockets[0].getsockname()[1]
        return opened

    def line(self, bound: str = "") -> Connection:
        """Return a fresh connection, for whoever brings it a transport."""
        return Connection(self._wiring, self.lines, bound)

    def drop(self, device: str) -> None:
        """End a device's connections: what it proved itself by no longer holds."""
        self.sessions.drop(device)

    def deliver(self, device: str, order: Order, qos: int = 1) -> bool:
        """Send an order to a device; whether one of its connections took it.

        What a device should have from now on also waits in the inbox of a session that is away; a command never does.
        """
        speakers = [line.speaker for line in self.sessions.of(device) if isinstance(line, Connection)]
        sent = [speaker.deliver(order, qos) for speaker in speakers if isinstance(speaker, DeviceSpeaker)]
        if isinstance(order, Wanted):
            for standing in self.sessions.standings(device):
                if standing.line is None:
                    leave(standing, order, qos)
        return any(sent)

    async def kept(self) -> None:
        """Return once all that waits in inboxes is on disk."""
        await self._wiring.exchange.keeper.kept()

    async def review(self) -> None:
        """Let programs go whose API keys have ended, and let the others do what theirs allow now."""
        for owner in [owner for owner in self.sessions.owners if owner.startswith(KEY)]:
            guest = await self._wiring.members.bound(owner.removeprefix(KEY))
            if guest is None:
                await self.executor.settle(owner)
                self.sessions.drop(owner)
                continue
            self.executor.know(guest)
            for line in self.sessions.of(owner):
                if isinstance(line, Connection) and isinstance(line.speaker, MemberSpeaker):
                    line.speaker.guest = guest

    async def stop(self, grace_s: float = 1.0) -> None:
        """Take no more, acknowledge what is kept, tell everybody, and close; wills are heard after the next start.

        The inlet must still run.
        """
        self.stopping = True
        for server in self._servers:
            server.close()
        for line in self.lines:
            line.halt()
        await self._settle(grace_s)
        self.executor.hush()
        lines = list(self.lines)
        for line in lines:
            if isinstance(line, Connection):
                line.end(Reason.SERVER_SHUTTING_DOWN, "Verger is stopping; connect again in a moment.")
        await self._settle(grace_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await asyncio.gather(*(line.gone.wait() for line in lines))
        for line in list(self.lines):
            line.abort()

    async def _settle(self, grace_s: float) -> None:
        """Wait until all that was said is kept and answered, but not for ever."""
        with suppress(TimeoutError, Busy):
            async with asyncio.timeout(grace_s):
                # answers come in the order of joining, so that with this one all others are there
                await self._wiring.inlet.put(Heard("", ()))
                await self._wiring.exchange.keeper.kept()

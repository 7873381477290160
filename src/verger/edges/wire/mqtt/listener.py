"""The MQTT listener: the socket that devices connect to."""

import asyncio
import ssl
from contextlib import suppress

import structlog

from verger.base.errors import Busy
from verger.base.patience import Patience
from verger.domain.telemetry.model import Heard
from verger.edges.wire.dialects.native import Order
from verger.edges.wire.house import House
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.connection import Connection
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.pipe import Pipe
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.sessions import Sessions
from verger.edges.wire.mqtt.wiring import Counts, Wiring
from verger.edges.wire.strangers import Strangers

log = structlog.get_logger()

BACKLOG = 1_024


class Listener:
    """Lets devices in over MQTT 3.1.1 and 5; `lines` are the open sockets, `stopping`: no more are to come."""

    def __init__(
        self,
        house: House,
        inlet: Inlet,
        patience: Patience | None = None,
        limits: Limits | None = None,
        *,
        busy_s: float = 2.0,
        newcomer_s: float = 60.0,
    ) -> None:
        """Hand what is heard to the inlet; a device whose message was not kept stays `busy_s` seconds longer.

        One that asks for a credential stays `newcomer_s`.
        """
        self._sessions = Sessions(house)
        strangers, limits = Strangers(patience or Patience()), limits or Limits()
        self._wiring = Wiring(house, inlet, self._sessions, strangers, limits, busy_s=busy_s, newcomer_s=newcomer_s)
        self.lines: set[Pipe] = set()
        self.stopping = False
        self._servers: list[asyncio.Server] = []

    @property
    def counts(self) -> Counts:
        """Figures for the metrics page."""
        return self._wiring.counts

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open a port, 0 for any free one; return which. Over TLS greeting may take as long as CONNECT after it."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            self.line,
            host,
            port,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=None if tls is None else self._wiring.limits.connect_s,
        )
        self._servers.append(server)
        opened: int = server.sockets[0].getsockname()[1]
        return opened

    def line(self) -> Connection:
        """Return a fresh connection, for whoever brings it a transport."""
        return Connection(self._wiring, self.lines)

    def drop(self, device: str) -> None:
        """End a device's connections: what it proved itself by no longer holds."""
        self._sessions.drop(device)

    def deliver(self, device: str, order: Order, qos: int = 1) -> bool:
        """Send an order to a device; whether one of its connections took it."""
        sent = [line.deliver(order, qos) for line in self._sessions.of(device) if isinstance(line, Connection)]
        return any(sent)

    async def stop(self, grace_s: float = 1.0) -> None:
        """Take no more, acknowledge what is kept, tell every device, and close. The inlet must still run."""
        self.stopping = True
        for server in self._servers:
            server.close()
        for line in self.lines:
            line.halt()
        with suppress(TimeoutError, Busy):
            async with asyncio.timeout(grace_s):
                # answers come in the order of joining, so that with this one all others are there
                await self._wiring.inlet.put(Heard("", ()))
        lines = list(self.lines)
        for line in lines:
            if isinstance(line, Connection):
                line.end(Reason.SERVER_SHUTTING_DOWN, "Verger is stopping; connect again in a moment.")
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await asyncio.gather(*(line.gone.wait() for line in lines))
        for line in list(self.lines):
            line.abort()

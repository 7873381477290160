"""The HTTP server."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from verger.base.settings import Settings, taken
from verger.base.tls import Tls
from verger.edges.api.line import Line, SocketLine

_STOP_S = 2
_MOST_MESSAGE = 1 << 20  # bytes of one message on a WebSocket; libraries put many MQTT packets into one


class Web(uvicorn.Server):
    """The HTTP server: leaves signals to us, and tells when it is `ready`."""

    def __init__(self, config: uvicorn.Config) -> None:
        """Serve by a configuration."""
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(host: str, port: int, name: str = "http_port") -> socket.socket:
    """Return a socket that listens; raise BadSetting when the port of that setting is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=False)
    except OSError as error:
        raise taken(name, host, port, error) from None


@dataclass(frozen=True)
class HttpPorts:
    """Where HTTP is answered; None where that is not spoken."""

    plain: int
    tls: int | None = None


@asynccontextmanager
async def served(
    app: Any, settings: Settings, tls: Tls | None, families: Callable[[str, str], Any] | None = None
) -> AsyncIterator[HttpPorts]:
    """Answer HTTP with an app; give where. Raise BadSetting when a port is taken.

    `families` is the app of a dialect within an enrolment, for ports of their own.
    """
    most = max(_MOST_MESSAGE, settings.packet_bytes)
    async with AsyncExitStack() as stack:
        plain = listen(settings.http_host, settings.http_port)
        await stack.enter_async_context(_serving(app, plain, None, most))
        ports = HttpPorts(plain.getsockname()[1])
        if tls is not None and settings.http_tls_port is not None:
            encrypted = listen(settings.http_host, settings.http_tls_port, "http_tls_port")
            await stack.enter_async_context(_serving(app, encrypted, tls.context(), most))
            ports = HttpPorts(ports.plain, encrypted.getsockname()[1])
        for dialect, port, enrolment in settings.compat_ports:
            spoken = families(dialect, enrolment) if families else app
            own = listen(settings.http_host, port, "compat_ports")
            await stack.enter_async_context(_serving(spoken, own, None, most))
        yield ports


@asynccontextmanager
async def _serving(app: Any, listening: socket.socket, tls: ssl.SSLContext | None, most: int) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        http=Line,
        ws=SocketLine,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_max_size=most,
        timeout_graceful_shutdown=_STOP_S,
        ssl_context_factory=None if tls is None else lambda *_: tls,
    )
    web = Web(config)
    serving = asyncio.create_task(web.serve([listening]), name="http")
    try:
        await web.ready.wait()
        yield
    finally:
        web.should_exit = True
        await serving
        listening.close()

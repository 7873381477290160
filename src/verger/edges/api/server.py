"""The HTTP server."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from verger.base.settings import taken


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


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise BadSetting when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=False)
    except OSError as error:
        raise taken("http_port", host, port, error) from None

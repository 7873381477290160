"""MQTT over WebSockets: a bare ASGI endpoint whose socket looks to a connection like any other transport."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from verger.base.proxies import Proxies
from verger.edges.wire.asgi import Receive, Scope, Send
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.pipe import Pipe

SUBPROTOCOLS = ("mqtt", "mqttv3.1")
_FINE, _NOT_BYTES, _POLICY = 1000, 1003, 1008


class SocketTransport(asyncio.Transport):
    """What a pipe needs of a transport, over a WebSocket; its messages carry bytes, wherever they are cut."""

    def __init__(self, pipe: Pipe, address: str, send: Send) -> None:
        """Write with `send` for a peer at an address."""
        super().__init__({"peername": (address, 0)})
        self.code = _FINE
        self.ended = asyncio.Event()
        self._pipe, self._send = pipe, send
        self._out: list[bytes] = []
        self._unsent = self._most = 0
        self._wrote, self._readable = asyncio.Event(), asyncio.Event()
        self._readable.set()
        self._blocked = self._closing = False

    def is_closing(self) -> bool:
        """Tell whether nothing more is written."""
        return self._closing

    def can_write_eof(self) -> bool:
        """Tell that a WebSocket closes both ways at once, after its last message."""
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Let so many bytes wait before the pipe hears of it, and half of them before it may go on."""
        self._most = high or 0

    def write(self, data: Any) -> None:
        """Send bytes in their turn, those that wait together in one message."""
        self._out.append(data)
        self._unsent += len(data)
        self._wrote.set()
        if self._unsent > self._most and not self._blocked:
            self._blocked = True
            self._pipe.pause_writing()

    def pause_reading(self) -> None:
        """Take nothing more from the socket, which then is not read."""
        self._readable.clear()

    def resume_reading(self) -> None:
        """Take messages again."""
        self._readable.set()

    def close(self) -> None:
        """End once all that was written is sent."""
        self._closing = True
        self._wrote.set()

    def abort(self) -> None:
        """End now."""
        self._closing = True
        self.ended.set()

    async def read(self, receive: Receive) -> None:
        """Let the pipe hear, while it wants to, until the peer is gone or says what is no bytes."""
        while True:
            await self._readable.wait()
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            raw = message.get("bytes")
            if raw is None:
                self.code = _NOT_BYTES
                return
            await self._readable.wait()
            self._pipe.data_received(bytes(raw))

    async def drain(self) -> None:
        """Send what is written until closed."""
        while not (self._closing and not self._out):
            await self._wrote.wait()
            self._wrote.clear()
            if self._out:
                raw, self._out = b"".join(self._out), []
                await self._send({"type": "websocket.send", "bytes": raw})
                self._unsent -= len(raw)
            if self._blocked and self._unsent <= self._most // 2:
                self._blocked = False
                self._pipe.resume_writing()


@dataclass(frozen=True)
class MqttSocket:
    """Lets devices in over WebSockets; the session behind is the one of every other device."""

    listener: Listener
    proxies: Proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one device until it goes."""
        await receive()
        spoken = next((word for word in scope.get("subprotocols", ()) if word in SUBPROTOCOLS), None)
        if spoken is None or self.listener.stopping:
            await send({"type": "websocket.close", "code": _POLICY})
            return
        await send({"type": "websocket.accept", "subprotocol": spoken})
        peer = (scope.get("client") or ("", 0))[0]
        pipe = self.listener.line()
        address = self.proxies.whence(peer, scope.get("scheme", "ws"), scope["headers"]).address
        transport = SocketTransport(pipe, address, send)
        pipe.connection_made(transport)
        try:
            await _first_of(lambda: transport.read(receive), transport.drain, transport.ended.wait)
        finally:
            transport.abort()
            pipe.connection_lost(None)
        await send({"type": "websocket.close", "code": transport.code})


async def _first_of(*acts: Callable[[], Awaitable[Any]]) -> None:
    """Do things at the same time until one of them ends."""
    tasks = [asyncio.ensure_future(act()) for act in acts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()

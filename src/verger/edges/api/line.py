"""Connections that do not wait for ever: for a request and its head, or for a WebSocket to read."""

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

REQUEST_S = 60.0
"""How soon a request has to be there with its body, from its first byte, or the connection's beginning."""
MOST_HEAD = 65_536
SLOW_S = 30.0
"""How long a WebSocket may leave unread what it is sent."""


class Line(HttpToolsProtocol):
    """Hangs up on whoever is too slow or says too much before the body."""

    request_s = REQUEST_S
    _head = 0
    _in_body = False
    _since: float | None = None  # since when a request is waited for
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request only so long."""
        # uvloop's transports are none of asyncio's by class
        super().connection_made(cast("asyncio.Transport", transport))
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Hear, unless the head has no end."""
        if not self._in_body:
            if self._head > MOST_HEAD:
                self.transport.abort()
                return
            self._head += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Wait for the rest of a request only so long."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Let the application bound the body."""
        self._head, self._in_body = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let the application take its time."""
        self._in_body = False
        self._rest()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave a socket to itself."""
        self._rest()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything go."""
        self._rest()
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        # One timer for many requests: to begin and to cancel one for each would be a good part of what each costs.
        self._since = self.loop.time()
        if self._late is None:
            self._late = self.loop.call_later(self.request_s, self._look)

    def _rest(self) -> None:
        self._since = None

    def _look(self) -> None:
        """Hang up if a request is late, look again when it would be, or not until the next one begins."""
        self._late = None
        if self._since is None:
            return
        left = self._since + self.request_s - self.loop.time()
        if left <= 0:
            self.transport.abort()
        else:
            self._late = self.loop.call_later(left, self._look)


class SocketLine(WebSocketsSansIOProtocol):
    """Gives up a WebSocket whose other side does not read what it is sent."""

    slow_s = SLOW_S
    _slow: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Wait only so long for the other side to read."""
        super().pause_writing()
        self._slow = self.loop.call_later(self.slow_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on with a side that reads again."""
        self._cease()
        super().resume_writing()

    def keepalive_timeout(self) -> None:
        """Do not take for gone a side that answered while nobody listened."""
        if self.read_paused:
            self.pong_timer = self.pending_ping_payload = None
            self.schedule_ping()
        else:
            super().keepalive_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything go."""
        self._cease()
        super().connection_lost(exc)

    def _cease(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

"""A conversation on a WebSocket of a family."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from verger.edges.wire.asgi import Gone, Receive, Send
from verger.edges.wire.families.call import Call, Talk
from verger.edges.wire.families.desk import Desk

log = structlog.get_logger()

_MOST_UNHEARD = 100
_NORMAL, _NOT_ALLOWED, _BROKEN = 1000, 1008, 1011


class Conversation:
    """What is said on a socket that was taken; it ends when either side leaves, or its caller may hear no more."""

    def __init__(self, receive: Receive, send: Send, tenant: str, may: Callable[[], Awaitable[str | None]]) -> None:
        """Speak over ASGI, for as long as `may` tells the tenant whose words are spoken."""
        self._receive, self._send, self._tenant, self._may = receive, send, tenant, may
        self._code = _NORMAL
        self._heard: asyncio.Queue[str] = asyncio.Queue(_MOST_UNHEARD)

    async def send(self, text: str) -> None:
        """Send text; raise Gone once the other side has left, or may not hear it any more."""
        if await self._may() != self._tenant:
            self._code = _NOT_ALLOWED
            raise Gone
        try:
            await self._send({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError):
            raise Gone from None

    async def heard(self) -> str:
        """Return what comes next."""
        return await self._heard.get()

    async def with_(self, talk: Talk, desk: Desk, call: Call) -> None:
        """Speak until the talk is over or the other side has left."""
        talking = asyncio.ensure_future(talk(desk, call, self))
        hearing = asyncio.ensure_future(self._hear())
        try:
            await asyncio.wait({talking, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talking.cancel()
            hearing.cancel()
        with suppress(asyncio.CancelledError, Gone):
            try:
                await talking
            except Gone:
                raise
            except Exception:
                log.exception("a family's socket failed", path=call.path)
                self._code = _BROKEN
        if not hearing.done() or hearing.cancelled():
            with suppress(OSError, RuntimeError):
                await self._send({"type": "websocket.close", "code": self._code})

    async def _hear(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if text is None:
                text = (message.get("bytes") or b"").decode("utf-8", "replace")
            await self._heard.put(text)

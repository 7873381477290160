"""A conversation on a WebSocket of a family."""

import asyncio
from contextlib import suppress

import structlog

from verger.edges.wire.asgi import Gone, Receive, Send
from verger.edges.wire.families.call import Call, Talk
from verger.edges.wire.families.desk import Desk

log = structlog.get_logger()

_MOST_UNHEARD = 100
_NORMAL, _BROKEN = 1000, 1011


class Conversation:
    """What is said on a socket that was taken; it ends when either side leaves."""

    def __init__(self, receive: Receive, send: Send) -> None:
        """Speak over ASGI."""
        self._receive, self._send = receive, send
        self._heard: asyncio.Queue[str] = asyncio.Queue(_MOST_UNHEARD)

    async def send(self, text: str) -> None:
        """Send text; raise Gone once the other side has left."""
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
        code = _NORMAL
        with suppress(asyncio.CancelledError, Gone):
            try:
                await talking
            except Gone:
                raise
            except Exception:
                log.exception("a family's socket failed", path=call.path)
                code = _BROKEN
        if not hearing.done() or hearing.cancelled():
            with suppress(OSError, RuntimeError):
                await self._send({"type": "websocket.close", "code": code})

    async def _hear(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if text is None:
                text = (message.get("bytes") or b"").decode("utf-8", "replace")
            await self._heard.put(text)

"""The one WebSocket of the app: subscribe to a place or a device, see a snapshot, then what happens."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct

from verger.base.errors import Busy, Refused
from verger.edges.live.hub import Hub, encoded
from verger.edges.live.looking import Looking
from verger.edges.live.screen import Screen

log = structlog.get_logger()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LONGEST = 4096
_MOST_SUBJECTS = 100
_ABREAST_S = 1.0  # how long a snapshot waits for a history that is behind
_LOOK_S = 15.0  # how soon a screen whose caller may see it no longer is closed
_WORDS = 'Say {"type":"subscribe","place":…}, "device":… or "tenant":…, "unsubscribe", or {"type":"ping"}.'
_POLICY = 1008
_TOO_BIG = 1009


class Ask(Struct, frozen=True):
    """What a screen may say."""

    type: str
    place: str | None = None
    device: str | None = None
    tenant: str | None = None


class Visitors(Protocol):
    """Knows who opens a socket."""

    async def enter(self, scope: Scope) -> tuple[str, str | None]:
        """Return the tenant whose devices may be shown, and the person who looks, if it is one; raise Refused."""
        ...

    async def still(self, scope: Scope, tenant: str) -> None:
        """Raise Refused when whoever opened it may see the tenant's devices no longer."""
        ...


@dataclass(frozen=True)
class LiveSocket:
    """A bare ASGI WebSocket endpoint; `visitors` say whose screen it is, and whether it still is.

    `abreast` returns once a snapshot holds all that the hub has told already.
    """

    hub: Hub
    looking: Looking
    visitors: Visitors
    abreast: Callable[[], Awaitable[None]]
    look_s: float = _LOOK_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one screen until it goes."""
        await receive()
        try:
            tenant, user = await self.visitors.enter(scope)
        except Refused:
            await send({"type": "websocket.close", "code": _POLICY})
            return
        protocol = "bearer" if "bearer" in scope.get("subprotocols", []) else None
        await send({"type": "websocket.accept", "subprotocol": protocol})
        if await self._serve(Screen(tenant, user), scope, receive, send):
            await send({"type": "websocket.close", "code": _POLICY})

    async def _serve(self, screen: Screen, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serve a screen until it goes, or its caller may see it no longer: then return True."""

        async def say(frame: str) -> None:
            await send({"type": "websocket.send", "text": frame})

        async def fresh(kind: str, subject: str) -> str:
            return await self._snapshot(screen, kind, subject)

        self.hub.open(screen)
        drain = asyncio.create_task(screen.drain(say, fresh))
        listen = asyncio.create_task(self._listen(screen, receive, send))
        over = asyncio.create_task(self._over(screen, scope))
        try:
            done, _ = await asyncio.wait({drain, listen, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.close(screen)
            for task in (drain, listen, over):
                task.cancel()
            await asyncio.gather(drain, listen, over, return_exceptions=True)
        return done == {over}

    async def _over(self, screen: Screen, scope: Scope) -> None:
        """Return once the caller has signed out, lost the key, or is a member no longer."""
        while True:
            await asyncio.sleep(self.look_s)
            try:
                await self.visitors.still(scope, screen.tenant)
            except Busy:
                continue
            except Refused:
                return
            except Exception:
                log.exception("a screen's caller could not be looked up")

    async def _listen(self, screen: Screen, receive: Receive, send: Send) -> None:
        while (heard := await receive())["type"] == "websocket.receive":
            text = heard.get("text") or ""
            if len(text) > _LONGEST:
                await send({"type": "websocket.close", "code": _TOO_BIG})
                return
            try:
                await self._hear(screen, msgspec.json.decode(text, type=Ask))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                await screen.answer(_trouble(_WORDS))
            except Refused as refused:
                await screen.answer(_trouble(str(refused)))

    async def _hear(self, screen: Screen, ask: Ask) -> None:
        if ask.type == "ping":
            await screen.answer(encoded({"type": "pong"}))
            return
        named = {"place": ask.place, "device": ask.device, "tenant": ask.tenant}
        subjects = [(kind, subject) for kind, subject in named.items() if subject is not None]
        if ask.type not in ("subscribe", "unsubscribe") or len(subjects) != 1:
            raise Refused(_WORDS)
        [(kind, subject)] = subjects
        if ask.type == "unsubscribe":
            screen.hide(kind, subject)
            self.hub.watch()
            return
        if len(screen.subjects) >= _MOST_SUBJECTS and (kind, subject) not in screen.subjects:
            raise Refused(f"One screen shows at most {_MOST_SUBJECTS} places and devices; unsubscribe from some.")
        await self._show(screen, kind, subject)

    async def _show(self, screen: Screen, kind: str, subject: str) -> None:
        frame = await self._snapshot(screen, kind, subject)
        if (kind, subject) not in screen.subjects:
            await screen.answer(frame)
        elif (kind, subject) not in screen.stale:  # else a fresh one is on its way
            screen.put(frame)

    async def _snapshot(self, screen: Screen, kind: str, subject: str) -> str:
        try:
            found, changes = await self.looking.find(screen.tenant, kind, subject)
        except Refused as refused:
            screen.hide(kind, subject)
            return _trouble(str(refused))
        with suppress(TimeoutError):
            async with asyncio.timeout(_ABREAST_S):
                await self.abreast()
        # No await between these: what happens from here on is told after the snapshot.
        screen.show(kind, subject, found.below)
        self.hub.watch()
        if changes != self.hub.changes:
            screen.renew()
        return encoded(found.snapshot())


def _trouble(sentence: str) -> str:
    return encoded({"type": "error", "detail": sentence})

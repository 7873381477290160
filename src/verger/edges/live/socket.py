"""The one WebSocket of the app: subscribe to a place or a device, see a snapshot, then what happens."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from verger.base.errors import Refused
from verger.edges.live.hub import Hub, encoded
from verger.edges.live.screen import Screen

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LONGEST = 4096
_MOST_SUBJECTS = 100
_POLICY = 1008
_TOO_BIG = 1009


class Ask(Struct, frozen=True):
    """What a screen may say."""

    type: str
    place: str | None = None
    device: str | None = None


class Subject(Protocol):
    """A place or a device as a screen shows it."""

    @property
    def below(self) -> list[str]:
        """Return the ids of a place and all below it."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Return how it stands this very moment."""
        ...


class Subjects(Protocol):
    """Finds what a screen may show."""

    async def subject(self, tenant: str, kind: str, subject: str) -> Subject:
        """Return a "place" or a "device"; raise Missing."""
        ...


@dataclass(frozen=True)
class LiveSocket:
    """A bare ASGI WebSocket endpoint; `tenant_of` says whose screen it is, or raises Refused."""

    hub: Hub
    subjects: Subjects
    tenant_of: Callable[[Scope], Awaitable[str]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one screen until it goes."""
        await receive()
        try:
            tenant = await self.tenant_of(scope)
        except Refused:
            await send({"type": "websocket.close", "code": _POLICY})
            return
        protocol = "bearer" if "bearer" in scope.get("subprotocols", []) else None
        await send({"type": "websocket.accept", "subprotocol": protocol})
        await self._serve(Screen(tenant), receive, send)

    async def _serve(self, screen: Screen, receive: Receive, send: Send) -> None:
        async def say(frame: str) -> None:
            await send({"type": "websocket.send", "text": frame})

        async def fresh(kind: str, subject: str) -> str:
            return await self._snapshot(screen, kind, subject)

        self.hub.open(screen)
        drain = asyncio.create_task(screen.drain(say, fresh))
        listen = asyncio.create_task(self._listen(screen, receive, send))
        try:
            await asyncio.wait({drain, listen}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.close(screen)
            for task in (drain, listen):
                task.cancel()
            await asyncio.gather(drain, listen, return_exceptions=True)

    async def _listen(self, screen: Screen, receive: Receive, send: Send) -> None:
        while (heard := await receive())["type"] == "websocket.receive":
            text = heard.get("text") or ""
            if len(text) > _LONGEST:
                await send({"type": "websocket.close", "code": _TOO_BIG})
                return
            try:
                await self._hear(screen, msgspec.json.decode(text, type=Ask))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                screen.answer(_trouble('Say {"type":"subscribe","place":…}, "device":…, "unsubscribe" or "ping".'))
            except Refused as refused:
                screen.answer(_trouble(str(refused)))

    async def _hear(self, screen: Screen, ask: Ask) -> None:
        if ask.type == "ping":
            screen.answer(encoded({"type": "pong"}))
            return
        if ask.type not in ("subscribe", "unsubscribe") or (ask.place is None) == (ask.device is None):
            raise Refused('Say {"type":"subscribe","place":…} or "device":…, "unsubscribe", or {"type":"ping"}.')
        kind, subject = ("place", ask.place) if ask.place is not None else ("device", str(ask.device))
        if ask.type == "unsubscribe":
            screen.hide(kind, str(subject))
            self.hub.watch()
            return
        if len(screen.subjects) >= _MOST_SUBJECTS:
            raise Refused(f"One screen shows at most {_MOST_SUBJECTS} places and devices; unsubscribe from some.")
        screen.answer(await self._snapshot(screen, kind, str(subject)))

    async def _snapshot(self, screen: Screen, kind: str, subject: str) -> str:
        try:
            found = await self.subjects.subject(screen.tenant, kind, subject)
        except Refused as refused:
            screen.hide(kind, subject)
            return _trouble(str(refused))
        # No await between these: what happens from here on is told after the snapshot.
        screen.show(kind, subject, found.below)
        self.hub.watch()
        return encoded(found.snapshot())


def _trouble(sentence: str) -> str:
    return encoded({"type": "error", "detail": sentence})

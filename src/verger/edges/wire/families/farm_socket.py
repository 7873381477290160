"""The Socket.IO of mushroom farms: everybody hears of their own organisation, or only of the farms they joined."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import socketio
import structlog

from verger.base.errors import Busy, Missing, Refused, Unknown
from verger.domain.tenancy.model import Caller, Permission
from verger.edges.wire.asgi import Receive, Scope, Send, give
from verger.edges.wire.families.call import Call, Wait
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_events import Event, Events

log = structlog.get_logger()

NEEDS: Permission = "history:read"
_CALL = "verger.call"
_LOOK_S = 15.0  # how soon somebody who may see it no longer hears nothing any more
_AGAIN_S = 1.0
_LARGEST = 16_384
_SILENT_S = 30.0
_LATER = 1013
_NOBODY = "Missing or invalid authorization header"


@dataclass
class Guest:
    """Somebody who listens: all of their tenant, or the farms and rooms that they `joined`."""

    call: Call
    token: str
    tenant: str
    joined: set[str] = field(default_factory=set)
    attending: "asyncio.Task[None] | None" = None

    def hears(self, event: Event) -> bool:
        """Whether an event is for this one."""
        return not self.joined or event.where is None or bool(self.joined & event.where)


class FarmSocket:
    """Serves Socket.IO by a library, which knows nothing of who may see what."""

    def __init__(self, desk: Desk, wait: Wait) -> None:
        """Have no guests yet; whoever may not come in has to `wait` first."""
        self._desk, self._wait = desk, wait
        self._guests: dict[str, Guest] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}  # by tenant
        self._seeing: dict[str, asyncio.Event] = {}  # set once nothing is missed any more
        # Origins are looked at where a cookie says who it is; a token may come from any page.
        self._server = socketio.AsyncServer(
            async_mode="asgi",
            async_handlers=False,
            cors_allowed_origins=[],
            max_http_buffer_size=_LARGEST,
            http_compression=False,
        )
        desk.pages.open = lambda: len(self._server.eio.sockets)
        self._nameless: dict[str, float] = {}  # connections that did not say who they are, since when
        self._server.on("connect", self._enter)
        self._server.on("disconnect", self._leave)
        for kind in ("farm", "room"):
            self._server.on(f"join_{kind}", self._joining(kind, joins=True))
            self._server.on(f"leave_{kind}", self._joining(kind, joins=False))

    async def serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or speak on one socket."""
        pages = self._desk.pages
        if "sid" not in call.query:
            await self._let_go()
            if len(self._server.eio.sockets) >= pages.most:
                pages.refused += 1
                if scope["type"] == "websocket":
                    await receive()
                    await send({"type": "websocket.close", "code": _LATER})
                else:
                    await give(send, 503, headers={b"retry-after": b"60"})
                return
        scope[_CALL] = call
        await self._server.handle_request(scope, receive, send)

    async def _let_go(self) -> None:
        """Let those go that came a while ago and did not say who they are."""
        lines, now = self._server.eio.sockets, asyncio.get_running_loop().time()
        known = {self._server.manager.eio_sid_from_sid(sid, "/") for sid in self._guests}
        self._nameless = {each: self._nameless.get(each, now) for each in lines if each not in known}
        for each in [each for each, since in self._nameless.items() if now - since > _SILENT_S]:
            await lines[each].close(wait=False)
            lines.pop(each, None)

    async def close(self) -> None:
        """Tell nobody any more."""
        tasks = [*self._watching.values(), *(each.attending for each in self._guests.values() if each.attending)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.shutdown()

    # who comes and goes

    async def _enter(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        call: Call = environ["asgi.scope"][_CALL]
        token = str(auth.get("token") or "") if isinstance(auth, dict) else ""
        guest = Guest(call, token or call.bearer(), "")
        try:
            guest.tenant = (await self._caller(guest)).tenant
        except Refused as refused:
            with suppress(Refused):
                await self._wait(call.address)
            raise socketio.exceptions.ConnectionRefusedError(str(refused)) from None
        self._guests[sid] = guest
        if guest.tenant not in self._watching:
            self._seeing[guest.tenant] = asyncio.Event()
            self._watching[guest.tenant] = asyncio.create_task(self._watch(guest.tenant))
        guest.attending = asyncio.create_task(self._attend(sid, guest))

    async def _caller(self, guest: Guest) -> Caller:
        """Return who listens; raise Refused where they may not, or no longer."""
        people = self._desk.people
        if guest.token:
            tenancy, token = people.tenancy, guest.token
            known = await (tenancy.look(token, guest.tenant) if guest.tenant else tenancy.caller(token))
            return known.needs(NEEDS)
        caller = await people.by_cookie(guest.call, NEEDS)
        if caller is None or (guest.tenant and caller.tenant != guest.tenant):
            raise Unknown(_NOBODY)
        return caller

    async def _attend(self, sid: str, guest: Guest) -> None:
        """Greet somebody who misses nothing from then on, and see now and then whether they may still listen."""
        await self._seeing[guest.tenant].wait()
        await self._tell(sid, Event("connected", {"status": "Connected to Smart Farm"}))
        await self._tell(sid, Event("mqtt_status", {"connected": True}))
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self._caller(guest)
            except Busy:
                continue
            except Refused:
                break
        guest.attending = None
        await self._server.disconnect(sid)

    async def _leave(self, sid: str, *_why: Any) -> None:
        guest = self._guests.pop(sid, None)
        if guest is None:
            return
        if guest.attending is not None:
            guest.attending.cancel()
        if all(each.tenant != guest.tenant for each in self._guests.values()):
            self._watching.pop(guest.tenant).cancel()
            self._seeing.pop(guest.tenant)

    def _joining(self, kind: str, *, joins: bool) -> Callable[[str, Any], Awaitable[None]]:
        """Return what joins or leaves a farm or a room."""
        key = f"{kind}_id"

        async def answer(sid: str, told: Any = None) -> None:
            guest, name = self._guests.get(sid), told.get(key) if isinstance(told, dict) else None
            if guest is None:
                return
            try:
                if joins:
                    there = await Events(self._desk, guest.tenant).farms()
                    guest.joined.add((there.farm if kind == "farm" else there.room)(str(name)).id)
                else:
                    guest.joined.discard(str(name))
            except Missing:
                await self._tell(sid, Event("error", {"message": f"Failed to join {kind}"}))
                return
            await self._tell(sid, Event(f"{'joined' if joins else 'left'}_{kind}", {key: name}))

        return answer

    # what they are told

    async def _watch(self, tenant: str) -> None:
        """Tell the guests of a tenant what happens there."""
        while True:
            try:
                events = Events(self._desk, tenant)
                await events.farms()
                self._seeing[tenant].set()  # it is heard from the next turn of the loop on
                async for word in self._desk.people.watch(tenant, events.devices):
                    for event in await events.of(word):
                        await self._spread(tenant, event)
            except Exception:
                log.exception("what happens on farms could not be told", tenant=tenant)
            await asyncio.sleep(_AGAIN_S)

    async def _spread(self, tenant: str, event: Event) -> None:
        for sid, guest in list(self._guests.items()):
            if guest.tenant == tenant and guest.hears(event):
                await self._tell(sid, event)

    async def _tell(self, sid: str, event: Event) -> None:
        """Tell one guest; one that does not read is let go, and comes again."""
        server = self._server
        line = server.eio.sockets.get(server.manager.eio_sid_from_sid(sid, "/"))
        if line is None:
            return
        if line.queue.qsize() >= self._desk.pages.most_unread:
            self._desk.pages.ended += 1
            await line.close(wait=False, abort=True)
            return
        with suppress(socketio.exceptions.SocketIOError):
            await server.emit(event.name, event.data, to=sid)

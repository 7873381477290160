"""Where families are found over HTTP: below /compat/<name>/ and /t/<key>/, at the root, and on ports of their own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qsl

import structlog
from msgspec import Struct

from verger.base.errors import Busy, Refused, TooLarge, TooMany, Unknown
from verger.base.patience import Patience
from verger.base.proxies import Proxies, Whence
from verger.base.secrets import masked
from verger.base.settings import BadSetting
from verger.domain.enrolments.model import Admitted
from verger.edges.wire.asgi import Gone, Receive, Scope, Send, body_of, for_a_page, give, give_problem
from verger.edges.wire.families.call import Branch, Call, HttpFamily, Reply, Route, matched, status_of
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.origins import Origins
from verger.edges.wire.families.people import Unproven
from verger.edges.wire.families.refusals import show
from verger.edges.wire.families.sockets import Conversation
from verger.edges.wire.strangers import Strangers

log = structlog.get_logger()

KEYED, NAMED = "/t/", "/compat/"
_OWN = frozenset({"/", "/health", "/ready", "/metrics"})
_NO_KEY = "This enrolment is not known here."
_NO_DOOR = "Nobody is let in here without a credential; make an enrolment, and use its address."


class Found(Struct, frozen=True):
    """Which family a request is for, what of its path is the family's, what stands before, and its door."""

    family: HttpFamily
    path: str
    base: str
    door: Admitted | None


@dataclass
class FamilyHttp:
    """Answers devices of families, and their people; `requests` and `refused` are figures for the metrics page."""

    desk: Desk
    families: Mapping[str, HttpFamily]
    root: str = ""
    patience: Patience = field(default_factory=Patience)
    proxies: Proxies = field(default_factory=Proxies)
    body_bytes: int = 1 << 20
    origins: Origins = field(default_factory=Origins)
    requests: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        """Let strangers wait."""
        self.strangers = Strangers(self.patience)
        self._branches: dict[tuple[str, str], Branch] = {}

    def owns(self, scope: Scope) -> bool:
        """Whether a request is a family's: not at the root, where a browser asks for a page of Verger's own."""
        path: str = scope["path"]
        if path.startswith((KEYED, NAMED)):
            return True
        family = self.families.get(self.root)
        if family is None or path.startswith("/api/v1/") or path in _OWN:
            return False
        if for_a_page(scope):
            return path in family.pages
        if path in family.branches or family.find("", path)[2]:
            return True
        return any(matched(each.path, path) is not None for each in family.sockets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or speak on one socket, if its path is one that `owns` tells."""
        await self.serve(scope, receive, send, self._found(scope))

    def at_port(self, dialect: str, enrolment: str) -> "Port":
        """Return the app of a port at which one family is spoken, within one enrolment; raise BadSetting."""
        if dialect not in self.families:
            names = ", ".join(sorted(self.families))
            raise BadSetting(
                f"VERGER_COMPAT_PORTS names {dialect}, which is not spoken over HTTP: write one of {names}."
            )
        return Port(self, self.families[dialect], enrolment)

    async def serve(self, scope: Scope, receive: Receive, send: Send, found: Found | None) -> None:
        """Answer a request, or speak on a socket, that is for a family; None: for none that is known."""
        self.requests += 1
        send = self.origins.telling(scope, send)
        if await self.origins.asked(scope, send):
            return
        try:
            await self._serve(scope, receive, send, found)
        except TooMany as crowd:
            await self._crowded(scope, send, found, crowd)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, found: Found | None) -> None:
        if found is None:
            await self._unknown(scope, receive, send)
        elif found.path in found.family.branches:
            await self._branch(found).serve(self._call(scope, found, {}), scope, receive, send)
        elif scope["type"] == "websocket":
            await self._talk(scope, receive, send, found)
        else:
            reply = await self._reply(scope, receive, found)
            if reply is not None:
                await give(send, reply.status, reply.body, reply.media_type, reply.headers)

    def _branch(self, found: Found) -> Branch:
        """Return the app of a family at a path, begun with the first who comes."""
        key = found.family.name, found.path
        if key not in self._branches:
            self._branches[key] = found.family.branches[found.path](self.desk, self._wait_for)
        return self._branches[key]

    async def close(self) -> None:
        """End what families began of their own."""
        for branch in self._branches.values():
            await branch.close()

    def _found(self, scope: Scope) -> Found | None:
        """Return which family a request is for; None for a key or a name that is not known."""
        path: str = scope["path"]
        if path.startswith(KEYED):
            key, _, rest = path.removeprefix(KEYED).partition("/")
            door = self.desk.meetings.by_key(key)
            if door is None:
                return None
            base = f"{KEYED}{key}"
            if f"/{rest}".startswith(NAMED):
                name, _, rest = rest.removeprefix(NAMED[1:]).partition("/")
                return self._of(name, f"/{rest}", f"{base}{NAMED}{name}", door)
            return self._of(door.enrolments[0].dialect, f"/{rest}", base, door)
        door = self.desk.meetings.by_address(self.address(scope))
        if path.startswith(NAMED):
            name, _, rest = path.removeprefix(NAMED).partition("/")
            return self._of(name, f"/{rest}", f"{NAMED}{name}", door)
        return self._of(self.root, path, "", door)

    def _named(self, scope: Scope) -> Found | None:
        """Return the family that a path names behind a key that is not known, None where it names none."""
        _, _, rest = scope["path"].removeprefix(KEYED).partition(NAMED)
        name, _, rest = rest.partition("/")
        return self._of(name, f"/{rest}", "", None)

    def _of(self, name: str, path: str, base: str, door: Admitted | None) -> Found | None:
        family = self.families.get(name)
        if family is None:
            return None
        return Found(family, path, base, door if door is not None and door.speaks(name) else None)

    async def _reply(self, scope: Scope, receive: Receive, found: Found) -> Reply | None:
        """Return the answer of a family, None when its caller hung up; failures come in its own shape."""
        family = found.family
        route, args, there = family.find(scope["method"], found.path)
        call = self._call(scope, found, args)
        try:
            if route is None:
                return family.refusal(call, 405 if there else 404, "There is nothing here for this.")
            if route.strangers and found.door is None:
                await self._wait(scope)
                return family.refusal(call, 401, _NO_DOOR)
            call = self._call(scope, found, args, await body_of(scope, receive, self.body_bytes))
            return await self._handled(route, call, found)
        except TooLarge as large:
            if route is not None:
                await show(self.desk, route, call, large)
            return family.refusal(call, 413, str(large))
        except Gone:
            return None

    async def _handled(self, route: Route, call: Call, found: Found) -> Reply:
        family = found.family
        try:
            return await route.handler(self.desk, call)
        except Unknown as unknown:
            own = (unknown.account, f"address:{call.address}") if isinstance(unknown, Unproven) else ()
            await self._wait_for(call.address, *own)
            return family.refusal(call, 401, str(unknown))
        except Refused as refused:
            await show(self.desk, route, call, refused)
            reply = family.refusal(call, status_of(refused, family.invalid), str(refused))
            if isinstance(refused, Busy):
                told = {b"retry-after": str(refused.retry_s).encode()}
                return Reply(reply.status, reply.body, reply.media_type, {**reply.headers, **told})
            return reply
        except Exception:
            log.exception("a family's request failed", dialect=family.name, path=masked(call.base + call.path))
            return family.refusal(call, 500, "Something went wrong here; it was noted.")

    async def _talk(self, scope: Scope, receive: Receive, send: Send, found: Found) -> None:
        """Speak on a socket that its caller may open."""
        await receive()
        for endpoint in found.family.sockets:
            args = matched(endpoint.path, found.path)
            if args is None:
                continue
            call = self._call(scope, found, args)
            tenant = await endpoint.allowed(self.desk, call)
            if tenant is not None:
                await send({"type": "websocket.accept"})
                may = partial(endpoint.allowed, self.desk, call)
                await Conversation(receive, send, tenant, may).with_(endpoint.talk, self.desk, call)
                return
        await send({"type": "websocket.close", "code": 1008})

    async def _unknown(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a key or a family that is not known, the more slowly the more often it is tried."""
        if scope["type"] == "websocket":
            await receive()
            await self._wait(scope)
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"].startswith(KEYED):
            await self._wait(scope)
            await self._refuse(send, self._named(scope), scope, 401, _NO_KEY, {b"connection": b"close"})
        else:
            await give_problem(send, 404, f"These families are spoken here: {', '.join(sorted(self.families))}.")

    async def _crowded(self, scope: Scope, send: Send, found: Found | None, crowd: TooMany) -> None:
        """Turn away, at once, one of too many who wait to be refused."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013})
            return
        told = {b"retry-after": str(crowd.retry_s).encode(), b"connection": b"close"}
        await self._refuse(send, found or self._named(scope), scope, 429, str(crowd), told)

    async def _refuse(
        self, send: Send, found: Found | None, scope: Scope, status: int, sentence: str, headers: dict[bytes, bytes]
    ) -> None:
        """Refuse in the shape of a family, if it is known which."""
        if found is None:
            await give_problem(send, status, sentence, headers=headers)
            return
        reply = found.family.refusal(self._call(scope, found, {}), status, sentence)
        await give(send, reply.status, reply.body, reply.media_type, {**reply.headers, **headers})

    def _call(self, scope: Scope, found: Found, args: Mapping[str, str], body: bytes = b"") -> Call:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        method, whence = scope.get("method", "GET"), self._whence(scope)
        secure, listed = whence.scheme == "https", scope["type"] == "websocket" and bool(self.origins.of(scope))
        about = (whence.address, found.door, found.base, secure, listed)
        return Call(method, found.path, args, query, headers, body, *about)

    async def _wait(self, scope: Scope) -> None:
        await self._wait_for(self.address(scope))

    async def _wait_for(self, address: str, *keys: str) -> None:
        """Let a stranger wait for its refusal, by its address and by what else its failures are counted by."""
        self.refused += 1
        wait = self.strangers.knock(address, "", *keys)
        if wait is None:
            raise TooMany("Too many callers without a credential; wait.", retry_s=30)
        try:
            await asyncio.sleep(wait)
        finally:
            self.strangers.leave()

    def address(self, scope: Scope) -> str:
        """Return where a request comes from, as a proxy that is trusted tells it."""
        return self._whence(scope).address

    def _whence(self, scope: Scope) -> Whence:
        peer = (scope.get("client") or ("",))[0]
        return self.proxies.whence(peer, scope.get("scheme", "http"), scope["headers"])


@dataclass(frozen=True)
class Port:
    """One family on a port of its own, within one enrolment, or those that name the port or the caller's network."""

    http: FamilyHttp
    family: HttpFamily
    enrolment: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or speak on one socket."""
        if scope["type"] in {"http", "websocket"}:
            door = self._door(scope)
            mine = door if door is not None and door.speaks(self.family.name) else None
            await self.http.serve(scope, receive, send, Found(self.family, scope["path"], "", mine))

    def _door(self, scope: Scope) -> Admitted | None:
        meetings = self.http.desk.meetings
        if self.enrolment:
            return meetings.by_enrolment(self.enrolment)
        own = (scope.get("server") or ("", 0))[1] or 0
        return meetings.by_port(own) or meetings.by_address(self.http.address(scope))

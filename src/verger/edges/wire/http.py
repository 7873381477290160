"""The device endpoints over HTTP, /api/v1/{access_token}/…: bare ASGI, in front of the API for people."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

from verger.base.errors import Busy, Fault, TooLarge, TooMany
from verger.base.patience import Patience
from verger.base.proxies import Proxies
from verger.domain.devices.reserved import PEOPLE
from verger.domain.telemetry.model import Garbled, Heard
from verger.edges.wire import house as door
from verger.edges.wire.asgi import Gone, Receive, Scope, Send, body_of, give, give_problem, hang_up
from verger.edges.wire.calls import Calls
from verger.edges.wire.dialects import native
from verger.edges.wire.house import House, NoOrders, Orders
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.polls import Polls
from verger.edges.wire.strangers import Strangers

PREFIX = "/api/v1/"
PROVISION = "/api/v1/provision"
WORDS = frozenset({"telemetry", "attributes", "events", "rpc", "claim", "firmware", "software"})
"""Second segments that are a device's; no people's resource has one of them."""

MOST_WAIT_MS = 300_000
USUAL_WAIT_MS = 60_000
_ROOM_S = 60
_POLLS_S = 10

_READERS: dict[str, Callable[[str, bytes], Heard]] = {
    "telemetry": native.telemetry,
    "attributes": native.attributes,
    "events": native.events,
    "claim": native.claim,
}


def owns(path: str) -> bool:
    """Whether a path is a device's endpoint, and not one for people."""
    if not path.startswith(PREFIX):
        return False
    if path == PROVISION:
        return True
    first, _, rest = path[len(PREFIX) :].partition("/")
    return bool(first) and first not in PEOPLE and rest.partition("/")[0] in WORDS


@dataclass
class DeviceHttp:
    """Hears devices over HTTP; `requests`, `refused` and `polls_refused` are figures for the metrics page."""

    house: House
    inlet: Inlet
    patience: Patience = field(default_factory=Patience)
    polls: Polls = field(default_factory=Polls)
    calls: Calls = field(default_factory=Calls)
    orders: Orders = field(default_factory=NoOrders)
    body_bytes: int = 1 << 20
    call_bytes: int = 1 << 16
    in_flight: int = 100
    proxies: Proxies = field(default_factory=Proxies)
    polls_per_device: int = 16
    requests: int = 0
    refused: int = 0
    polls_refused: int = 0

    def __post_init__(self) -> None:
        """Let strangers wait."""
        self.strangers = Strangers(self.patience)
        self._polls: Counter[str] = Counter()

    @property
    def open_polls(self) -> int:
        """Return how many questions wait for an answer."""
        return self._polls.total()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, if its path is one that `owns` tells."""
        self.requests += 1
        _, _, _, token, *words = scope["path"].split("/")
        device = self.house.holder(token) if words else ""
        if device is None:
            await self._refuse(scope, send, token)
            return
        try:
            if words:
                await self._answer(device, words, scope, receive, send)
            else:
                await self._provision(scope, receive, send)
        except TooLarge as large:
            if device:
                self.house.remark(device, "refused", str(large))
            await give_problem(send, 413, str(large), headers={b"connection": b"close"})
        except Garbled as garbled:
            if device:
                self.house.remark(device, "refused", str(garbled))
            await give_problem(send, 422, str(garbled), garbled.faults)
        except Busy as busy:
            status = 429 if isinstance(busy, TooMany) else 503
            await give_problem(send, status, str(busy), headers={b"retry-after": str(busy.retry_s).encode()})
        except Gone:
            pass

    async def _answer(self, device: str, words: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        """Do what a device's request asks for."""
        match scope["method"], words:
            case "POST", ["telemetry" | "attributes" | "events" | "claim" as word]:
                await self.inlet.room()
                await self._hear(device, word, await body_of(scope, receive, self.body_bytes), send)
            case "GET", ["attributes"]:
                await self._attributes(device, scope, send)
            case "GET", ["attributes", "updates"]:
                with self._polling(device):
                    await self._wait(scope, receive, send, self.polls.wait(device))
            case "GET", ["rpc"]:
                with self._polling(device):
                    await self._call(device, scope, receive, send)
            case "GET", ["firmware" | "software" as word]:
                await give_problem(send, 404, f"There is no {word} for this device.")
            case "POST", ["rpc"]:
                called = native.called("", await body_of(scope, receive, self.call_bytes))
                answered = door.answer(self.house, device, called, self.body_bytes, self.in_flight)
                await give(send, 200, msgspec.json.encode(answered.result))
            case "POST", ["rpc", number]:
                heard = native.replied(device, number, await body_of(scope, receive, self.call_bytes))
                await self.inlet.put(heard)
                await give(send, 200)
            case _:
                await give_problem(send, 404, "A device finds nothing here; see the page of the native protocol.")

    async def _hear(self, device: str, word: str, body: bytes, send: Send) -> None:
        """Answer once what was heard is kept."""
        try:
            heard = _READERS[word](device, body)
        except Garbled as garbled:
            heard = native.nothing(device, garbled)
        answer = await self.inlet.put(heard, len(body))
        if answer.wait_s:
            raise TooMany(answer.later, retry_s=answer.wait_s)
        if answer.later:
            raise Busy(answer.later, retry_s=_ROOM_S)
        if not answer.kept:
            faults = answer.refused or (Fault("", "There was nothing to keep in this."),)
            await give_problem(send, 422, faults[0].message, faults)
        elif answer.refused:
            await give(send, 200, msgspec.json.encode({"refused": answer.refused}))
        else:
            await give(send, 200)

    async def _attributes(self, device: str, scope: Scope, send: Send) -> None:
        """Tell a device its attributes."""
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        wish = native.wish("", *(",".join(asked[name]) if name in asked else None for name in _KEYS))
        answered = await door.attributes(self.house, device, wish)
        await give(send, 200, msgspec.json.encode(answered.result))

    async def _provision(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a device in that brings the key and secret of its type; whether it got in stands in the body."""
        if scope["method"] != "POST":
            await give_problem(send, 405, "This takes POST.", headers={b"allow": b"POST"})
            return
        body = await body_of(scope, receive, self.call_bytes)
        told = await door.provision(self.house, self.strangers, self._address(scope), body)
        await give(send, 200, msgspec.json.encode(told))

    async def _call(self, device: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Give a device its next command; it has that once it is on its way."""
        call = self.calls.wait(device)
        self.orders.listens(device)
        if await self._wait(scope, receive, send, call, native.polled):
            self.orders.has(device, call.result().number)
            with suppress(Busy):
                await self.inlet.put(native.has(device, call.result(), "poll"))

    @contextmanager
    def _polling(self, device: str) -> Iterator[None]:
        """Count a question of a device while it waits; raise TooMany where as many wait already as may."""
        if self._polls[device] >= self.polls_per_device:
            self.polls_refused += 1
            sentence = (
                f"Too many questions of this device wait already; {self.polls_per_device} may "
                "(VERGER_POLLS_PER_DEVICE): ask again once one is answered."
            )
            raise TooMany(sentence, _POLLS_S)
        self._polls[device] += 1
        try:
            yield
        finally:
            self._polls[device] -= 1
            if not self._polls[device]:
                del self._polls[device]

    async def _wait(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        news: Awaitable[Any],
        told: Callable[[Any], Any] = lambda news: news,
    ) -> bool:
        """Wait for something to tell a device, as long as it wants; whether there was something, and it was told."""
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("timeout", [""])[0]
        wait_ms = min(int(asked), MOST_WAIT_MS) if asked.isdecimal() else USUAL_WAIT_MS
        hearing, hanging = asyncio.ensure_future(news), asyncio.ensure_future(hang_up(receive))
        try:
            await asyncio.wait({hearing, hanging}, timeout=wait_ms / 1000, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done() and not hanging.done():
                await give(send, 200, msgspec.json.encode(told(hearing.result())))
                return True
            if not hanging.done():
                await give_problem(send, 408, "There was nothing to tell; ask again.")
            return False
        finally:
            hearing.cancel()
            hanging.cancel()

    async def _refuse(self, scope: Scope, send: Send, token: str) -> None:
        """Refuse an unknown token, the more slowly the more often it is tried."""
        self.refused += 1
        wait = self.strangers.knock(self._address(scope), token)
        if wait is None:
            await give_problem(send, 429, "Too many callers without an access token; wait.", headers=_LATER)
            return
        try:
            await asyncio.sleep(wait)
        finally:
            self.strangers.leave()
        await give_problem(send, 401, "This access token is not known here.", headers={b"connection": b"close"})

    def _address(self, scope: Scope) -> str:
        """Return where a request comes from, as a proxy that is trusted tells it."""
        peer = (scope.get("client") or ("",))[0]
        return self.proxies.whence(peer, "http", scope["headers"]).address


_KEYS = ("clientKeys", "sharedKeys")
_LATER = {b"retry-after": b"30", b"connection": b"close"}

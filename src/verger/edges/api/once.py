"""Once: a POST repeated under its Idempotency-Key gets its first answer again and has no second effect.

Answers that tell success, and unexpected failures, whose effect nobody knows, are kept; a refusal had no effect,
so the key may be used again once its cause is gone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
import structlog
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send
from msgspec import Struct

from verger.base.errors import Fault, Invalid, TooLarge
from verger.base.plural import counted
from verger.domain.tenancy.answers import Answers
from verger.edges.api.given import system_of

KEY = "idempotency-key"
_LONGEST = 255

log = structlog.get_logger()


class Answered(Struct, frozen=True, array_like=True):
    """An answer as it was sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Turns:
    """Lets requests of a caller under one key go one after another."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._turns: dict[tuple[str, str], _Turn] = {}

    @asynccontextmanager
    async def wait(self, caller: str, key: str) -> AsyncIterator[None]:
        """Wait for those before."""
        turn = self._turns.setdefault((caller, key), _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[caller, key]


class Once:
    """Stands between the door and the routes."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or answer again as before."""
        headers = Headers.from_scope(scope)
        key = headers.get(KEY)
        if key is None or scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if not (1 <= len(key) <= _LONGEST and key.isascii() and key.isprintable()):
            sentence = f"An Idempotency-Key is 1 to {_LONGEST} printable characters, best a fresh UUID."
            raise Invalid(sentence, [Fault("Idempotency-Key", sentence)])
        system = system_of(scope)
        body = await _read(receive, system.settings.body_bytes)
        if body is None:
            return
        turns: Turns = scope["state"]["turns"]
        caller = scope["user"].name if scope["user"] else f"address:{scope['auth'].address}"
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')} {headers.get('verger-tenant', '')}\n"
        async with turns.wait(caller, key):
            kept = await system.tenancy.answers.begin(caller, key, target.encode() + body)
            if kept is not None:
                answered = msgspec.msgpack.decode(kept, type=Answered)
                await _say(send, answered, (b"idempotent-replayed", b"true"))
                return
            answered = await self._carry_out(scope, body)
            await _note(system.tenancy.answers, caller, key, answered)
            await _say(send, answered)

    async def _carry_out(self, scope: Scope, body: bytes) -> Answered:
        said: list[Message] = []

        async def hear() -> HTTPReceiveMessage:
            return {"type": "http.request", "body": body, "more_body": False}

        async def note(message: Message) -> None:
            said.append(message)

        await self._app(scope, hear, note)
        return _answered(said)


async def _note(answers: Answers, caller: str, key: str, answered: Answered) -> None:
    unexpected = answered.status == HTTPStatus.INTERNAL_SERVER_ERROR
    try:
        if answered.status < HTTPStatus.BAD_REQUEST or unexpected:
            await answers.keep(caller, key, msgspec.msgpack.encode(answered))
        else:
            await answers.forget(caller, key)
    except Exception:  # it took effect: whoever asked must hear of it, whatever became of our note
        log.exception("answer could not be kept", caller=caller)


async def _read(receive: Receive, most: int) -> bytes | None:
    """Return the whole body, or None when whoever sent it has gone; raise TooLarge beyond so many bytes."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message["body"]
        more = message.get("more_body", False)
        if len(body) > most:
            raise TooLarge(f"A body may have at most {counted(most, 'byte')}.")
    return body


def _answered(said: list[Message]) -> Answered:
    start = next(message for message in said if message["type"] == "http.response.start")
    body = b"".join(message["body"] for message in said if message["type"] == "http.response.body")
    headers = tuple((name, value) for name, value in start["headers"] if name.lower() != b"content-length")
    return Answered(start["status"], headers, body)


async def _say(send: Send, answered: Answered, *more: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(answered.body)).encode())
    lengths = () if answered.status == HTTPStatus.NO_CONTENT else (length,)
    headers = [*answered.headers, *lengths, *more]
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body, "more_body": False})

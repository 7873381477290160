"""Noting: what people and programs did through a route is kept, once it is done."""

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from verger.base.clock import moment
from verger.base.ids import new_id
from verger.domain.tenancy.deeds import Deed
from verger.edges.api.given import system_of

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ONLY_ASK = frozenset({"rules/test", "retention/preview", "me/notifications/read"})
_MOST = 64 << 10  # bytes of an answer that are looked into

log = structlog.get_logger()


class _Made(Struct):
    """What an answer says of the thing that was made."""

    id: str | None = None
    device: dict[str, Any] | str | None = None


class Noting:
    """Stands around the routes; what cannot be noted is done all the same."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        """Stand before an app whose routes begin with a prefix."""
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and note what it did."""
        words = scope["path"].removeprefix(self._prefix).strip("/")
        if scope["type"] != ScopeType.HTTP or scope["method"] in _SAFE or not scope["user"] or words in _ONLY_ASK:
            await self._app(scope, receive, send)
            return
        status, body = 0, b""

        async def hear(message: Message) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and len(body) < _MOST:
                body += message["body"][:_MOST]
            await send(message)

        await self._app(scope, receive, hear)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            await _keep(scope, words, body)


async def _keep(scope: Scope, words: str, body: bytes) -> None:
    system, caller, (kind, _, rest) = system_of(scope), scope["user"], words.partition("/")
    subject = rest.partition("/")[0] if scope["path_params"] else _made(body)
    deed = Deed(
        id=new_id(),
        at=moment(system.clock.now()),
        by=caller.name,
        did=getattr(scope["route_handler"], "summary", None) or words,
        kind=kind,
        subject=subject,
    )
    try:
        await system.tenancy.deeds.add(caller.tenant, deed)
    except Exception:  # it is done: whoever asked must not hear that it failed
        log.exception("a deed could not be noted", caller=caller.name, did=deed.did)


def _made(body: bytes) -> str | None:
    """Return the id of what an answer tells of, None where it tells of nothing."""
    try:
        made = msgspec.json.decode(body, type=_Made)
    except msgspec.MsgspecError:
        return None
    made_of = made.device.get("id") if isinstance(made.device, dict) else None
    return made.id or (made_of if isinstance(made_of, str) else None)

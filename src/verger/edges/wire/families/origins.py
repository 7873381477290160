"""Pages of other origins that may ask: those that the operator lists, and no other."""

from collections.abc import Collection, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from verger.edges.wire.asgi import Scope, Send, give

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_HEADERS = (
    b"Authorization, Content-Type, X-CSRFToken, X-Internal-Token, X-Requested-With, Idempotency-Key, Verger-Tenant"
)
_TOLD = b"Content-Disposition, Retry-After"
_LASTS_S = b"600"
_VARIES = (b"vary", b"Origin")


@dataclass(frozen=True)
class Origins:
    """Lets pages of some origins read answers, as browsers ask for it (CORS).

    They sign in with a token. A cookie says who somebody is on pages of Verger's own, and to open a live socket, which
    cannot bring a token; never for a request of theirs.
    """

    listed: Collection[str] = ()

    def of(self, scope: Scope) -> bytes:
        """Return the origin of a request if it is listed, nothing for any other."""
        if not self.listed:
            return b""
        origins: list[bytes] = [value for name, value in scope["headers"] if name == b"origin"]
        return origins[0] if len(origins) == 1 and origins[0].decode("latin-1") in self.listed else b""

    def telling(self, scope: Scope, send: Send) -> Send:
        """Return how a request is answered, such that the page which asks may read it."""
        origin = self.of(scope)
        if scope["type"] != "http" or not self.listed:
            return send
        told = [_VARIES]
        if origin:
            told += [
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", _TOLD),
            ]

        async def telling(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *told]}
            await send(message)

        return telling

    async def asked(self, scope: Scope, send: Send) -> bool:
        """Answer a browser that asks whether a page may ask; tell whether that was it."""
        if scope["type"] != "http" or scope["method"] != "OPTIONS" or not self.of(scope):
            return False
        if not any(name == b"access-control-request-method" for name, _ in scope["headers"]):
            return False
        may = {
            b"access-control-allow-methods": _METHODS,
            b"access-control-allow-headers": _HEADERS,
            b"access-control-max-age": _LASTS_S,
        }
        await give(send, HTTPStatus.NO_CONTENT, headers=may)
        return True

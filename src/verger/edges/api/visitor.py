"""Visitors: who opens a WebSocket, and in which tenant."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from litestar.datastructures import Headers

from verger.base.errors import Forbidden, Unknown
from verger.base.secrets import digest
from verger.domain.tenancy.model import User
from verger.edges.api.door import cookie_token, own_origin
from verger.edges.api.given import System


@dataclass(frozen=True, slots=True)
class Visitor:
    """Tells whose screen opens: by the cookie of our own pages, or by the subprotocols "bearer" and a token."""

    system: System

    async def enter(self, scope: MutableMapping[str, Any]) -> tuple[str, str | None]:
        """Return the tenant whose devices may be shown, and who looks if it is a person; raise Refused."""
        headers = Headers(scope["headers"])
        peer = (scope.get("client") or ("", 0))[0]
        scheme = "https" if scope.get("scheme") == "wss" else "http"
        whence = self.system.proxies.whence(peer, scheme, scope["headers"])
        token = _token(scope)
        if _bearer(scope.get("subprotocols", [])) is None and token is not None and not own_origin(headers, whence):
            raise Forbidden("Only Verger's own pages may open this with your cookie.")
        if token is None:
            raise Unknown('Sign in, or offer the subprotocols "bearer" and a token.')
        named = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("tenant", [None])[0]
        asking = self.system.tenancy.caller(token, named)
        caller = await self.system.slowness.unless_right(asking, f"token:{digest(token)}", f"address:{whence.address}")
        user = caller.who.id if isinstance(caller.who, User) else None
        return caller.needs("history:read").tenant, user

    async def still(self, scope: MutableMapping[str, Any], tenant: str) -> None:
        """Raise Unknown, Missing or Forbidden when whoever opened a socket may see this tenant no longer."""
        (await self.system.tenancy.look(_token(scope) or "", tenant)).needs("history:read")


def _token(scope: MutableMapping[str, Any]) -> str | None:
    return _bearer(scope.get("subprotocols", [])) or cookie_token(Headers(scope["headers"]))


def _bearer(subprotocols: list[str]) -> str | None:
    if "bearer" not in subprotocols:
        return None
    return next((word for word in subprotocols if word != "bearer"), None)

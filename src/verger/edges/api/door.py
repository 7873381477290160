"""The door: who is asking, from where, whether they may ask now, and whether a page of ours made them ask."""

from http.cookies import CookieError, SimpleCookie
from typing import TypeVar
from urllib.parse import urlsplit

from litestar import Response
from litestar.datastructures import Cookie, Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from verger.base.errors import Forbidden, Missing, Unknown
from verger.base.proxies import Whence
from verger.base.secrets import digest
from verger.domain.tenancy.model import Caller
from verger.edges.api.given import System, system_of
from verger.edges.api.pace import Pace

COOKIE = "verger_session"
TENANT = "verger-tenant"
OPEN = {"open": True}
"""As `opt=OPEN` on a route: it needs no caller."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE_LASTS_S = 400 * 86_400  # as long as browsers keep one; the session itself ends here, sooner
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

T = TypeVar("T")


class Door:
    """Stands before every route; sets `scope["user"]` to the caller, None on open routes, `scope["auth"]` to whence."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or raise what refuses it."""
        if scope["type"] != ScopeType.HTTP:
            raise Missing("There is no socket here.")
        system, headers = system_of(scope), Headers.from_scope(scope)
        pace: Pace = scope["state"]["pace"]
        peer = (scope.get("client") or ("", 0))[0]
        whence = system.proxies.whence(peer, scope["scheme"], scope["headers"])
        scope["auth"], scope["user"] = whence, None
        if scope["route_handler"].opt.get("open"):
            refuse_foreign(scope["method"], headers, whence, asked_by_cookie=False)
            pace.step(f"address:{whence.address}")
        else:
            caller = scope["user"] = await _caller(system, headers, whence, scope["method"])
            pace.step(caller.name, system.limits(caller.tenant) if system.limits else None)
        await self._app(scope, receive, send)


def bearer_token(headers: Headers) -> str | None:
    """Return the token in the Authorization header, None without one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def cookie_token(headers: Headers) -> str | None:
    """Return the token in the session cookie, None without one."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def at_the_machine(headers: Headers, whence: Whence) -> bool:
    """Tell whether somebody at this machine asks, and no web page from elsewhere."""
    host, _ = _host(f"//{whence.host}")
    return whence.is_loopback and host in _LOCAL_HOSTS and own_origin(headers, whence) is not False


def own_origin(headers: Headers, whence: Whence) -> bool | None:
    """Tell whether a page of ours asks, by its Origin or else Sec-Fetch-Site; None when neither is told."""
    origin = headers.get("origin")
    if origin is None:
        site = headers.get("sec-fetch-site")
        return None if site is None else site == "same-origin"
    scheme = origin.partition(":")[0]
    # A proxy that is not trusted hides https from us; it cannot make a foreign page's host ours.
    if scheme not in {whence.scheme, "https"}:
        return False
    asked = _host(f"{scheme}://{whence.host}")
    return asked[0] is not None and _host(origin) == asked


def keep_cookie(response: Response[T], token: str, whence: Whence) -> Response[T]:
    """Return the answer with the session's cookie in it; an empty token takes it away."""
    response.set_cookie(
        Cookie(
            COOKIE,
            value=token,
            max_age=_COOKIE_LASTS_S if token else 0,
            path="/",
            httponly=True,
            samesite="lax",
            secure=whence.scheme == "https",
        )
    )
    return response


def refuse_foreign(method: str, headers: Headers, whence: Whence, *, asked_by_cookie: bool) -> None:
    """Raise Forbidden when a page that is not ours asks, or, by cookie, when nothing tells that it is ours."""
    if method in _SAFE:
        return
    own = own_origin(headers, whence)
    if own is False or (asked_by_cookie and own is None):
        raise Forbidden("Only Verger's own pages may do this with your cookie; programs send Authorization: Bearer …")


async def _caller(system: System, headers: Headers, whence: Whence, method: str) -> Caller:
    bearer = bearer_token(headers)
    token = bearer or cookie_token(headers)
    if not token:
        raise Unknown("Sign in, or send a session token or an API key as Authorization: Bearer …")
    if bearer is None:
        refuse_foreign(method, headers, whence, asked_by_cookie=True)
    asking = system.tenancy.caller(token, headers.get(TENANT))
    return await system.slowness.unless_right(asking, f"token:{digest(token)}", f"address:{whence.address}")


def _host(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None, None

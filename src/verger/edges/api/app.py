"""The API as one ASGI app: the frame that every route stands in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from litestar import Litestar, Response, Router
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from verger.base.errors import Refused
from verger.edges.api import api_keys, auth, deeds, health, me, members, schema, setup
from verger.edges.api.bodies import JsonRequest
from verger.edges.api.door import Door
from verger.edges.api.errors import tell_http, tell_refused, tell_unexpected
from verger.edges.api.given import InTurn, System, provided
from verger.edges.api.noting import Noting
from verger.edges.api.once import Once, Turns
from verger.edges.api.pace import Pace

PREFIX = "/api/v1"
_PRIVATE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

ROUTES: Sequence[HTTPRouteHandler] = (
    setup.look,
    setup.set_up,
    auth.log_in,
    auth.log_out,
    me.read,
    me.change,
    api_keys.items,
    api_keys.add,
    api_keys.read,
    api_keys.remove,
    members.items,
    members.read,
    members.change,
    members.remove,
    deeds.items,
)
"""The routes of tenancy."""


@dataclass(frozen=True, slots=True)
class Api:
    """The API over one system: hands each request to the frame, with what its routes are given."""

    frame: Litestar
    given: dict[str, Any]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        scope.setdefault("state", {}).update(self.given)
        await self.frame(scope, receive, send)


def build(system: System, routes: Sequence[HTTPRouteHandler] = (), **given: object) -> Api:
    """Return the API over a system, with further routes below /api/v1 and what they are given by name."""
    pace = Pace(system.clock, system.settings.api_per_s, system.settings.api_burst)
    frame = _frame(tuple(routes), tuple(given), system.settings.body_bytes)
    return Api(frame, {"system": system, "pace": pace, "turns": Turns(), **given})


class _Below(Router):
    """What stands below a path, made for one frame; so that frame need not copy it, which takes long."""

    def __deepcopy__(self, _memo: object) -> Self:
        return self


@lru_cache(maxsize=4)
def _frame(routes: tuple[HTTPRouteHandler, ...], given: tuple[str, ...], body_bytes: int) -> Litestar:
    """Return the routes in their frame; it knows no system, for it takes long to make."""
    return Litestar(
        route_handlers=[
            _Below(PREFIX, route_handlers=[*ROUTES, *routes, schema.openapi]),
            *(health.health, health.ready, health.metrics),
        ],
        dependencies=provided(*given),
        middleware=[_framed],
        request_class=JsonRequest,
        request_max_body_size=body_bytes,
        after_request=_with_etag,
        before_send=[_kept_private],
        exception_handlers={HTTPException: tell_http, Refused: tell_refused, Exception: tell_unexpected},
        openapi_config=schema.CONFIG,
        plugins=[InTurn()],
        logging_config=None,
        debug=False,
    )


def _framed(app: ASGIApp) -> ASGIApp:
    return Door(Once(Noting(app, PREFIX)))


async def _with_etag(response: Response[Any]) -> Response[Any]:
    """Tell the version of what is answered, for If-Match."""
    version = getattr(response.content, "version", None)
    if isinstance(version, int):
        response.headers["ETag"] = f'"{version}"'
    return response


async def _kept_private(message: Message, _scope: Scope) -> None:
    """Keep answers out of every cache, and from being taken for something else than they are."""
    if message["type"] == "http.response.start":
        told = {name.lower() for name, _ in message["headers"]}
        more = ((name, value) for name, value in _PRIVATE if name not in told)
        message["headers"] = [*message["headers"], *more]

"""The words that a route is written in: what it is given, and how it is asked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from litestar import Request
from litestar.di import Dependency, Provide
from litestar.params import (
    FromPath,
    FromQuery,
    HeaderParameter,
    JSONBody,
    PathParameter,
    QueryParameter,
    SkipValidationMarker,
)
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import Scope
from prometheus_client import CollectorRegistry

from verger.base.clock import Clock
from verger.base.pages import MOST, USUAL, Asked
from verger.base.proxies import Proxies, Whence
from verger.base.settings import Settings
from verger.domain.tenancy.limits import Limits
from verger.domain.tenancy.model import Caller
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api.slowness import Slowness

__all__ = ["Asked", "Caller", "FromPath", "FromQuery", "Given", "Id", "JSONBody", "System", "Whence", "provided"]

_NO_NUL = r"^[^\x00]*$"  # no database takes it within text

T = TypeVar("T")
Given = Annotated[T, Dependency(), SkipValidationMarker()]
Id = Annotated[str, PathParameter(max_length=200, pattern=_NO_NUL)]

Check = Callable[[], Awaitable[str]]
"""Answers "ok", or a sentence that says what is wrong and what to do."""


async def _nobody() -> None:
    """Do nothing: no program is connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Everything that routes may use."""

    settings: Settings
    clock: Clock
    tenancy: Tenancy
    slowness: Slowness = field(default_factory=Slowness)
    checks: Mapping[str, Check] = field(default_factory=dict)
    warnings: Mapping[str, Check] = field(default_factory=dict)  # worth a sentence, no reason to send nobody here
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)
    proxies: Proxies = field(default_factory=Proxies)
    review: Callable[[], Awaitable[None]] = _nobody  # lets programs go whose API keys have ended
    limits: Callable[[str], Limits] | None = None


def provided(*further: str) -> dict[str, Provide]:
    """Return what every route may ask for by name, typed `Given[…]`; the API it is asked through has the `further`."""
    own: dict[str, Callable[..., Any]] = {"caller": _caller, "whence": _whence, "asked": _asked, "expected": _expected}
    from_api = {name: _of_api(name) for name in ("system", *further)}
    return {name: Provide(give, sync_to_thread=False) for name, give in (own | from_api).items()}


def system_of(scope: Scope) -> System:
    """Return the system that a request is made to."""
    system: System = scope["state"]["system"]
    return system


class InTurn(ReceiveRoutePlugin):
    """Lets what a route is given be made one after another; none of it waits, so a task for each only costs."""

    def receive_route(self, route: BaseRoute) -> None:
        """Unbundle what the route's handlers are given."""
        if isinstance(route, HTTPRoute):
            for _, model in route.route_handler_map.values():
                model.dependency_batches = [{each} for batch in model.dependency_batches for each in batch]


def _of_api(name: str) -> Callable[..., Any]:
    def give(request: Request[Any, Any, Any]) -> Any:
        return request.scope["state"][name]

    return give


def _caller(request: Request[Any, Any, Any]) -> Caller:
    """Return who is asking; the door has let them in."""
    caller: Caller = request.scope["user"]
    return caller


def _whence(request: Request[Any, Any, Any]) -> Whence:
    """Return where the request comes from."""
    whence: Whence = request.scope["auth"]
    return whence


def _asked(
    limit: Annotated[int, QueryParameter(ge=1, le=MOST, description="How many items to return.")] = USUAL,
    cursor: Annotated[str | None, QueryParameter(max_length=2000, description="The `next` of the page before.")] = None,
    sort: Annotated[
        str | None,
        QueryParameter(max_length=60, description="What to order by; a minus before it for the greatest first."),
    ] = None,
    q: Annotated[
        str | None, QueryParameter(max_length=200, pattern=_NO_NUL, description="Text to look for in names.")
    ] = None,
) -> Asked:
    """Return which part of a list is asked for."""
    return Asked(limit, cursor, sort, q)


def _expected(
    if_match: Annotated[
        str | None,
        HeaderParameter(name="If-Match", max_length=200, description="The ETag that this change is meant for."),
    ] = None,
) -> int | None:
    """Return the version that a change is meant for, None for any; a tag that is none of ours fits no version."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip()
    return int(tag[1:-1]) if tag.startswith('"') and tag.endswith('"') and tag[1:-1].isdecimal() else -1

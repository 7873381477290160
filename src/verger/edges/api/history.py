"""What was measured and what happened: charts, raw readings, events."""

from datetime import datetime
from typing import Annotated, Any

from litestar import get
from litestar.di import Provide
from litestar.params import QueryParameter

from verger.base.clock import DAY, microseconds
from verger.base.errors import Fault, Invalid
from verger.base.pages import Page
from verger.domain.devices.model import Changed
from verger.domain.telemetry.events import Happened
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id
from verger.edges.api.grounds import Grounds
from verger.flows.charting import Reading, Span

_TAGS = ["history"]
_MOST_READINGS = 10_000

From = Annotated[str | None, QueryParameter(name="from", description="RFC 3339, inclusive; 24 hours ago if left out.")]
To = Annotated[str | None, QueryParameter(name="to", description="RFC 3339, exclusive; now if left out.")]
Metrics = Annotated[list[str] | None, QueryParameter(name="metric", description="Only these; may be repeated.")]
Points = Annotated[int, QueryParameter(ge=1, le=100_000, description="At most so many points a metric.")]
Rows = Annotated[int, QueryParameter(ge=1, le=_MOST_READINGS, description="At most so many readings a page.")]


def _span(grounds: Given[Grounds], start: From = None, end: To = None, points: Points = 500) -> Span:
    """Return the span that is asked for."""
    until = grounds.clock.now() if end is None else microseconds(_instant("to", end))
    return Span(until - DAY if start is None else microseconds(_instant("from", start)), until, points)


def _page(grounds: Given[Grounds], start: From = None, end: To = None, limit: Rows = _MOST_READINGS) -> Span:
    """Return the span of which a page is asked for."""
    return _span(grounds, start, end, limit)


SPAN = {"span": Provide(_span, sync_to_thread=False)}
PAGE = {"span": Provide(_page, sync_to_thread=False)}


@get("/devices/{device:str}/history", summary="Chart a device's metrics", tags=_TAGS, dependencies=SPAN)
async def of_device(
    device: Id, caller: Given[Caller], grounds: Given[Grounds], span: Given[Span], metrics: Metrics = None
) -> dict[str, Any]:
    """Return each metric's readings, or buckets at multiples of width_ms when there are more than `points`."""
    tenant = caller.needs("history:read").tenant
    return {"metrics": await grounds.charting.device(tenant, device, metrics or [], span)}


@get("/places/{place:str}/history", summary="Chart everything measured at a place", tags=_TAGS, dependencies=SPAN)
async def of_place(
    place: Id, caller: Given[Caller], grounds: Given[Grounds], span: Given[Span], metrics: Metrics = None
) -> dict[str, Any]:
    """Return the history of devices while they stayed at a place or below it, at most 50 series."""
    tenant = caller.needs("history:read").tenant
    return {"series": await grounds.charting.place(tenant, place, metrics or [], span)}


@get("/devices/{device:str}/readings", summary="Every raw reading", tags=_TAGS, dependencies=PAGE)
async def readings(
    device: Id,
    caller: Given[Caller],
    grounds: Given[Grounds],
    span: Given[Span],
    metrics: Metrics = None,
    cursor: FromQuery[str | None] = None,
) -> Page[Reading]:
    """Return a page of raw readings, the oldest first."""
    tenant = caller.needs("history:read").tenant
    return await grounds.charting.readings(tenant, device, metrics or [], span, cursor)


@get("/devices/{device:str}/events", summary="What happened", tags=_TAGS)
async def events(
    device: Id,
    caller: Given[Caller],
    grounds: Given[Grounds],
    asked: Given[Asked],
    kind: FromQuery[str | None] = None,
    start: From = None,
    end: To = None,
) -> Page[Happened]:
    """Return a page of a device's events, the latest first; a kind matches itself and its children."""
    await grounds.kept.devices.get(caller.needs("events:read").tenant, device)
    since, until = start and _instant("from", start), end and _instant("to", end)
    return await grounds.events.page(caller.tenant, device, asked, kind=kind, start=since or None, end=until or None)


@get("/devices/{device:str}/attributes/{key:str}/history", summary="How an attribute changed", tags=_TAGS)
async def attribute(
    device: Id,
    key: Id,
    caller: Given[Caller],
    grounds: Given[Grounds],
    asked: Given[Asked],
    start: From = None,
    end: To = None,
) -> Page[Changed]:
    """Return a page of the changes of what a device reports, the latest first."""
    await grounds.kept.devices.get(caller.needs("history:read").tenant, device)
    since, until = start and _instant("from", start), end and _instant("to", end)
    return await grounds.kept.attributes.history(caller.tenant, device, key, asked, since or None, until or None)


def _instant(name: str, text: str) -> datetime:
    """Return a time with its zone; a plus sign that an address turned into a space is put back."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        sentence = "Write the time with its zone, such as 2026-05-01T12:00:00Z."
        raise Invalid(sentence, [Fault(name, sentence)])
    return at

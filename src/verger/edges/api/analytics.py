"""Figures of what happened: how often, and when."""

from datetime import date
from typing import Annotated

from litestar import Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from verger.edges.api.given import Caller, Given
from verger.edges.api.grounds import Grounds
from verger.flows.surveying import Per, Period, Survey, Wish

_TAGS = ["analytics"]

Place = Annotated[str | None, QueryParameter(description="At this place and below it.")]
Device = Annotated[str | None, QueryParameter(description="Of this device.")]
Kinds = Annotated[
    list[str] | None,
    QueryParameter(name="kind", max_items=50, description="Only these, with their children; may be repeated."),
]
By = Annotated[Period, QueryParameter(description="The periods; weeks begin on Monday.")]
Tells = Annotated[Per, QueryParameter(description="What is told apart besides kinds.")]
From = Annotated[date | None, QueryParameter(name="from", description="The first day; up to 12 months ago.")]
To = Annotated[date | None, QueryParameter(name="to", description="The day after the last; tomorrow if left out.")]


def _wish(
    place: Place = None,
    device: Device = None,
    kinds: Kinds = None,
    by: By = "day",
    per: Tells = "kind",
    start: From = None,
    end: To = None,
) -> Wish:
    """Return what is to be counted."""
    return Wish(place=place, device=device, kinds=tuple(kinds or ()), by=by, per=per, start=start, end=end)


_WISH = {"wish": Provide(_wish, sync_to_thread=False)}


@get("/analytics/counts", summary="How often did what happen?", tags=_TAGS, dependencies=_WISH)
async def counts(caller: Given[Caller], grounds: Given[Grounds], wish: Given[Wish]) -> Survey:
    """Return counts of events by kind and period, each where its device was at the time, in the days of that place."""
    return await grounds.surveying.survey(caller.needs("events:read").tenant, wish)


@get("/analytics/counts/file", summary="Fetch counts as CSV", tags=_TAGS, dependencies=_WISH, raises=[])
async def file(caller: Given[Caller], grounds: Given[Grounds], wish: Given[Wish]) -> Response[bytes]:
    """Return the same counts as a table."""
    name, content = await grounds.surveying.table(caller.needs("events:read").tenant, wish)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

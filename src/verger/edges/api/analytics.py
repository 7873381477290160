"""Figures of what happened and was measured, by days, weeks and months."""

from datetime import date
from typing import Annotated

from litestar import Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from verger.edges.api.given import Caller, Given
from verger.edges.api.grounds import Grounds
from verger.flows.measuring import Gauge, How, Measures
from verger.flows.periods import Period, When, refused
from verger.flows.surveying import Per, Survey, Wish

_TAGS = ["analytics"]

Place = Annotated[str | None, QueryParameter(description="At this place and below it.")]
Device = Annotated[str | None, QueryParameter(description="Of this device.")]
Kinds = Annotated[
    list[str] | None,
    QueryParameter(name="kind", description="Only these, with their children; may be repeated."),
]
Metric = Annotated[str, QueryParameter(max_length=200, description="Of which metric.")]
Becomes = Annotated[How, QueryParameter(description="How the readings of a period become one figure.")]
By = Annotated[Period, QueryParameter(description="The periods; weeks begin on Monday.")]
Tells = Annotated[Per, QueryParameter(description="What is told apart besides kinds.")]
From = Annotated[str | None, QueryParameter(name="from", description="The first day, such as 2026-05-01.")]
To = Annotated[str | None, QueryParameter(name="to", description="The day after the last; tomorrow if left out.")]


def _when(by: By = "day", start: From = None, end: To = None) -> When:
    """Return which days are asked about."""
    return When(by=by, start=_day("from", start), end=_day("to", end))


def _wish(
    when: Given[When], place: Place = None, device: Device = None, kinds: Kinds = None, per: Tells = "kind"
) -> Wish:
    """Return what is to be counted."""
    return Wish(place=place, device=device, kinds=tuple(kinds or ()), per=per, when=when)


def _gauge(
    when: Given[When],
    metric: Metric,
    how: Becomes = "mean",
    place: Place = None,
    device: Device = None,
    per: Tells = "kind",
) -> Gauge:
    """Return what is to be told of a metric."""
    return Gauge(metric=metric, how=how, place=place, device=device, per=per, when=when)


def _day(name: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise refused(name, "Write the day as 2026-05-01.") from None


_WHEN = {"when": Provide(_when, sync_to_thread=False)}
_WISH = _WHEN | {"wish": Provide(_wish, sync_to_thread=False)}
_GAUGE = _WHEN | {"gauge": Provide(_gauge, sync_to_thread=False)}


@get("/analytics/counts", summary="How often did what happen?", tags=_TAGS, dependencies=_WISH)
async def counts(caller: Given[Caller], grounds: Given[Grounds], wish: Given[Wish]) -> Survey:
    """Return counts of events by kind and period, each where its device was at the time, in the days of that place."""
    return await grounds.surveying.survey(caller.needs("events:read").tenant, wish)


@get("/analytics/counts/file", summary="Fetch counts as CSV", tags=_TAGS, dependencies=_WISH, raises=[])
async def counts_file(caller: Given[Caller], grounds: Given[Grounds], wish: Given[Wish]) -> Response[bytes]:
    """Return the same counts as a table."""
    return _table(*await grounds.surveying.table(caller.needs("events:read").tenant, wish))


@get("/analytics/measures", summary="What was measured, by days", tags=_TAGS, dependencies=_GAUGE)
async def measures(caller: Given[Caller], grounds: Given[Grounds], gauge: Given[Gauge]) -> Measures:
    """Return one figure of a metric for each period, each where its device was at the time, in the days of that place.

    An `increase` is how far a counter went on, such as of energy; one that fell began again at 0.
    """
    return await grounds.measuring.measure(caller.needs("history:read").tenant, gauge)


@get("/analytics/measures/file", summary="Fetch what was measured as CSV", tags=_TAGS, dependencies=_GAUGE, raises=[])
async def measures_file(caller: Given[Caller], grounds: Given[Grounds], gauge: Given[Gauge]) -> Response[bytes]:
    """Return the same figures as a table."""
    return _table(*await grounds.measuring.table(caller.needs("history:read").tenant, gauge))


def _table(name: str, content: bytes) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv", headers=headers)

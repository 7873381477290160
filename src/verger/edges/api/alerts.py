"""Alerts: what holds, what people do about it, and what they say of it."""

from typing import Annotated

from litestar import get, patch, post
from litestar.di import Provide
from litestar.params import QueryParameter
from msgspec import UNSET, Struct, UnsetType, to_builtins

from verger.base.pages import Page
from verger.domain.alerts.model import Alert, AlertState, Comment, Severity, Words
from verger.domain.alerts.policy import AlertPolicy, ClearAfter, Seconds, Steps
from verger.domain.alerts.store import Wanted
from verger.edges.api.filters import there
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds

_TAGS = ["alerts"]

States = Annotated[list[AlertState] | None, QueryParameter(name="state", description="All if left out; repeatable.")]
Within = Annotated[str | None, QueryParameter(description="Those that this alert about many devices shows.")]
Of = Annotated[str | None, QueryParameter(description="About this device, or led to by what it said.")]
At = Annotated[str | None, QueryParameter(description="At this place or below it.")]


class NewComment(Struct, frozen=True, forbid_unknown_fields=True):
    """What to say of an alert."""

    text: Words


class Assignment(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to see to it, by the member's id; null for nobody."""

    assignee: str | None


class ChainChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told in turn, and after how long all are told again; what is left out stays."""

    steps: Steps | UnsetType = UNSET
    repeat_s: Seconds | UnsetType = UNSET


class AlertPolicyChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of who is told of alerts; what is left out stays."""

    info: ChainChange | UnsetType = UNSET
    warning: ChainChange | UnsetType = UNSET
    critical: ChainChange | UnsetType = UNSET
    clear_after_s: ClearAfter | UnsetType = UNSET


def _wanted(
    states: States = None,
    severity: FromQuery[Severity | None] = None,
    device: Of = None,
    rule: FromQuery[str | None] = None,
    assignee: FromQuery[str | None] = None,
    within: Within = None,
) -> Wanted:
    """Return which alerts are asked for."""
    return Wanted(states=states or (), severity=severity, device=device, rule=rule, assignee=assignee, within=within)


@get(
    "/alerts",
    summary="List alerts, the newest first",
    tags=_TAGS,
    dependencies={"wanted": Provide(_wanted, sync_to_thread=False)},
)
async def items(
    caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked], wanted: Given[Wanted], place: At = None
) -> Page[Alert]:
    """Return a page of alerts; many devices at once are one alert, and `within` lists what it shows."""
    tenant = caller.needs("alerts:read").tenant
    await there(grounds, tenant, device=wanted.device, alert=wanted.within)
    return await grounds.alerting.page(tenant, asked, place, wanted)


@get("/alerts/{alert:str}", summary="Read an alert", tags=_TAGS)
async def read(alert: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Alert:
    """Return one alert."""
    return await grounds.alerting.store.get(caller.needs("alerts:read").tenant, alert)


@post("/alerts/{alert:str}/acknowledge", status_code=200, summary="Take note of an alert", tags=_TAGS)
async def acknowledge(alert: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Alert:
    """Take note of an alert: nobody is told of it again; 409 when it is over."""
    return await grounds.alerting.acknowledge(caller.needs("alerts:write").tenant, alert, caller.who.id)


@post("/alerts/{alert:str}/assign", status_code=200, summary="Let a member see to an alert", tags=_TAGS)
async def assign(alert: Id, data: JSONBody[Assignment], caller: Given[Caller], grounds: Given[Grounds]) -> Alert:
    """Say who is to see to an alert; 409 when it is over."""
    return await grounds.alerting.assign(caller.needs("alerts:write").tenant, alert, caller.who.id, data.assignee)


@post("/alerts/{alert:str}/resolve", status_code=200, summary="End an alert", tags=_TAGS)
async def resolve(alert: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Alert:
    """End an alert, and those that it shows; should its condition be met again, another one opens."""
    return await grounds.alerting.resolve(caller.needs("alerts:write").tenant, alert, caller.who.id)


@get("/alerts/{alert:str}/comments", summary="What was said of it, and done", tags=_TAGS)
async def comments(alert: Id, caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Comment]:
    """Return a page of what people said of an alert and did with it, and who was told of it, the newest first."""
    return await grounds.alerting.comments(caller.needs("alerts:read").tenant, alert, asked)


@post("/alerts/{alert:str}/comments", summary="Say something of an alert", tags=_TAGS)
async def comment(alert: Id, data: JSONBody[NewComment], caller: Given[Caller], grounds: Given[Grounds]) -> Comment:
    """Keep what you say of an alert."""
    return await grounds.alerting.comment(caller.needs("alerts:write").tenant, alert, caller.who.id, data.text)


@get("/alert-policy", summary="Who is told of alerts, and when", tags=_TAGS)
async def policy(caller: Given[Caller], grounds: Given[Grounds]) -> AlertPolicy:
    """Return the chain of each severity: who is told in turn until somebody takes note, and after how long again."""
    return await grounds.policies.get(caller.needs("alerts:read").tenant)


@patch("/alert-policy", summary="Change who is told of alerts", tags=_TAGS)
async def change_policy(
    data: JSONBody[AlertPolicyChange], caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]
) -> AlertPolicy:
    """Merge a change into who is told of alerts (RFC 7396); alerts that are open go on by it from their next step."""
    tenant = caller.needs("alerts:manage").tenant
    return await grounds.policies.merge(tenant, to_builtins(data), expected)

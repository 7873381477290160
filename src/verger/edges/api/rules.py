"""Rules: what should follow, when and only if."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from verger.base.clock import moment
from verger.base.ids import new_id
from verger.base.pages import Page
from verger.base.patch import merge, told
from verger.domain.errands.model import Errand
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.actions import Action, shown
from verger.domain.rules.conditions import Condition, Seconds, Text
from verger.domain.rules.model import Leeway, WhenSilent
from verger.domain.rules.runs import Run
from verger.edges.api.bodies import decode
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.backtesting import KIND, SOON, Tested

_TAGS = ["rules"]
_Often = Annotated[int, Meta(ge=1, le=3600)]
_Moment = Annotated[datetime, Meta(tz=True)]


class WrittenRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as people write it: what should follow, at a place and below it. Times are seconds.

    Without `device` its conditions speak of each device below the place by itself, but for those that `not_for` names.
    `limits` are the thresholds that members may change, by where they stand, such as `when.all[0].value`, and how far.
    """

    name: Text
    place: Text
    when: Condition
    then: tuple[Action, ...]
    only_if: Condition | None = None
    enabled: bool = True
    rest_s: Seconds = 0
    when_silent: WhenSilent | None = None
    late_s: Seconds = 600
    most_per_hour: _Often = 20
    limits: dict[str, Leeway] = {}
    not_for: Annotated[tuple[Text, ...], Meta(max_length=10_000)] = ()


class RuleRewrite(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a rule; what is left out stays, objects merge by key, and null takes a key out."""

    name: Text | UnsetType = UNSET
    place: Text | UnsetType = UNSET
    when: dict[str, Any] | UnsetType = UNSET
    then: tuple[Action, ...] | UnsetType = UNSET
    only_if: dict[str, Any] | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    rest_s: Seconds | UnsetType = UNSET
    when_silent: WhenSilent | UnsetType | None = UNSET
    late_s: Seconds | UnsetType = UNSET
    most_per_hour: _Often | UnsetType = UNSET
    limits: dict[str, Leeway | None] | UnsetType = UNSET
    not_for: Annotated[tuple[Text, ...], Meta(max_length=10_000)] | UnsetType = UNSET


class RuleTest(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule, kept or not, and from when (inclusive) to when (exclusive) to try it."""

    rule: WrittenRule
    start: _Moment = field(name="from")
    end: _Moment = field(name="to")


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers to put in place of those that stand in a rule, by where they stand, such as `when.all[0].value`."""

    thresholds: Annotated[dict[str, float], Meta(min_length=1, max_length=50)]


@get("/rules", summary="List rules, the newest first", tags=_TAGS)
async def items(
    caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked], place: FromQuery[str | None] = None
) -> Page[KeptRule]:
    """Return a page of rules, all or those of `place` and what lies below it."""
    found = await grounds.ruling.page(caller.needs("rules:read").tenant, asked, place)
    return Page([_shown(rule, caller) for rule in found.items], found.next)


@post("/rules", summary="Write a rule", tags=_TAGS)
async def add(data: JSONBody[WrittenRule], caller: Given[Caller], grounds: Given[Grounds]) -> KeptRule:
    """Add a rule; it judges what is heard from now on."""
    tenant = caller.needs("rules:write").tenant
    return await grounds.ruling.add(tenant, fresh(data, grounds))


@post("/rules/test", status_code=200, summary="Try a rule over what was measured", tags=_TAGS)
async def test(data: JSONBody[RuleTest], caller: Given[Caller], grounds: Given[Grounds]) -> Response[Tested | Errand]:
    """Return when it would have fired; over more than a million readings it is a job, which has that as its result."""
    tenant = caller.needs("rules:write").tenant
    trial, total = await grounds.backtesting.prepare(tenant, fresh(data.rule, grounds), data.start, data.end)
    if total > SOON:
        given = {"trial": msgspec.to_builtins(trial)}
        job = await grounds.errands.begin(tenant, caller.name, KIND, given)
        return Response(job, status_code=202, headers={"Location": f"/api/v1/jobs/{job.id}"})
    return Response(await grounds.backtesting.run(tenant, trial, lambda _done, _total: None))


@get("/rules/{rule:str}", summary="Read a rule", tags=_TAGS)
async def read(rule: Id, caller: Given[Caller], grounds: Given[Grounds]) -> KeptRule:
    """Return one rule.

    `paused_because` says why Verger let it judge no longer, `objection` why this version would refuse it: it judges as
    it was accepted, unless it is `unfit`.
    """
    return _shown(await grounds.ruling.get(caller.needs("rules:read").tenant, rule), caller)


@patch("/rules/{rule:str}", summary="Change a rule", tags=_TAGS)
async def change(
    rule: Id,
    data: JSONBody[RuleRewrite],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> KeptRule:
    """Change what is named of a rule; one that was paused judges again."""
    before = await grounds.ruling.kept.rules.get(caller.needs("rules:write").tenant, rule)
    return await grounds.ruling.change(caller.tenant, before, _rewritten(before, data), expected)


@post("/rules/{rule:str}/thresholds", status_code=200, summary="Move thresholds of a rule", tags=_TAGS)
async def adjust(
    rule: Id,
    data: JSONBody[Thresholds],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> KeptRule:
    """Move thresholds as far as the rule's `limits` let members."""
    tenant = caller.needs("devices:control").tenant
    return _shown(await grounds.ruling.adjust(tenant, rule, data.thresholds, expected), caller)


@delete("/rules/{rule:str}", summary="Remove a rule", tags=_TAGS)
async def remove(rule: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Remove a rule and its runs; its open alerts end."""
    await grounds.ruling.remove(caller.needs("rules:write").tenant, rule, expected)


@get("/rules/{rule:str}/runs", summary="When did a rule fire, why, and what came of it?", tags=_TAGS)
async def runs(rule: Id, caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Run]:
    """Return a page of the runs of a rule, the newest first."""
    found = await grounds.ruling.runs(caller.needs("rules:read").tenant, rule, asked)
    return found if caller.may("rules:write") else Page([_discreet(run) for run in found.items], found.next)


def fresh(written: WrittenRule, grounds: Grounds) -> KeptRule:
    """Return a written rule as one that is kept from now on; raise Invalid."""
    return KeptRule(id=new_id(), created_at=moment(grounds.clock.now()), **structs.asdict(written))


def _shown(rule: KeptRule, caller: Caller) -> KeptRule:
    """Return a rule as a caller may see it: whole only to those who write rules."""
    return rule if caller.may("rules:write") else structs.replace(rule, then=tuple(shown(each) for each in rule.then))


def _discreet(run: Run) -> Run:
    return structs.replace(run, then=tuple(structs.replace(done, action=shown(done.action)) for done in run.then))


def _rewritten(before: KeptRule, change: RuleRewrite) -> KeptRule:
    """Return a rule with a change merged in (RFC 7396), checked as if it had been written so."""
    names = WrittenRule.__struct_fields__
    whole = {name: value for name, value in msgspec.to_builtins(before).items() if name in names}
    after = decode(msgspec.json.encode(merge(whole, msgspec.to_builtins(told(change)))), WrittenRule)
    return structs.replace(before, **structs.asdict(after))

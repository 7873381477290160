"""How long things are kept."""

from litestar import delete, get, patch, post
from msgspec import UNSET, Struct, UnsetType, structs

from verger.base.clock import moment
from verger.base.errors import Fault, Invalid, Missing
from verger.base.ids import new_id
from verger.base.pages import Page
from verger.base.patch import meant_for, merged
from verger.domain.retention.model import Keeps, Rule
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.retention import Effect

_TAGS = ["retention"]


class NewRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How many days something is kept, null for ever; at a place and below it, of one metric, or of all."""

    keeps: Keeps
    place: str | None = None
    metric: str | None = None
    days: int | None = None
    summaries_days: int | None = None


class RuleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a rule; what is left out stays."""

    days: int | UnsetType | None = UNSET
    summaries_days: int | UnsetType | None = UNSET


class Preview(Struct, frozen=True):
    """What would go at the next run if the rule stood."""

    effects: list[Effect]


@get("/retention", summary="List the rules of retention, the newest first", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Rule]:
    """Return a page of rules; what no rule is about is kept for ever."""
    return await grounds.retention.rules.page(caller.needs("history:read").tenant, asked)


@post("/retention", summary="Say how long something is kept", tags=_TAGS)
async def add(data: JSONBody[NewRule], caller: Given[Caller], grounds: Given[Grounds]) -> Rule:
    """Add a rule; the first time that it takes anything away is the next night."""
    rule = await _rule(data, caller.needs("history:delete"), grounds)
    return await grounds.retention.rules.add(caller.tenant, rule)


@post("/retention/preview", status_code=200, summary="What would a rule take away?", tags=_TAGS)
async def preview(data: JSONBody[NewRule], caller: Given[Caller], grounds: Given[Grounds]) -> Preview:
    """Return what would go if this rule stood, in place of one about the same; nothing is changed."""
    rule = await _rule(data, caller.needs("history:delete"), grounds)
    return Preview(await grounds.retention.preview(caller.tenant, rule))


@post("/retention/run", status_code=202, summary="Take away now what is due", tags=_TAGS)
async def run(caller: Given[Caller], grounds: Given[Grounds]) -> None:
    """Let the nightly run begin at once."""
    caller.needs("history:delete")
    await grounds.prune()


@get("/retention/{rule:str}", summary="Read a rule of retention", tags=_TAGS)
async def read(rule: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Rule:
    """Return one rule."""
    return await grounds.retention.rules.get(caller.needs("history:read").tenant, rule)


@patch("/retention/{rule:str}", summary="Change a rule of retention", tags=_TAGS)
async def change(
    rule: Id, data: JSONBody[RuleChange], caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]
) -> Rule:
    """Merge a change into a rule (RFC 7396)."""
    before = await grounds.retention.rules.get(caller.needs("history:delete").tenant, rule)
    meant_for(before.version, expected)
    return await grounds.retention.rules.change(caller.tenant, merged(before, data))


@delete("/retention/{rule:str}", summary="Take a rule of retention away", tags=_TAGS)
async def remove(rule: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Keep from now on what it was about, or as long as a wider rule says."""
    before = await grounds.retention.rules.get(caller.needs("history:delete").tenant, rule)
    meant_for(before.version, expected)
    await grounds.retention.rules.remove(caller.tenant, rule)


async def _rule(data: NewRule, caller: Caller, grounds: Grounds) -> Rule:
    if data.place is not None:
        try:
            await grounds.places.get(caller.tenant, data.place)
        except Missing:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")]) from None
    return Rule(id=new_id(), created_at=moment(grounds.clock.now()), **structs.asdict(data))

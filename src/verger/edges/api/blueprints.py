"""Routes of blueprints: what a kind of place begins with."""

from functools import cache

from litestar import Response, get, post
from msgspec import Struct, structs

from verger.base.clock import moment
from verger.base.pages import Page
from verger.domain.blueprints.model import Analysis, Dashboard, Laid, PlaceKind, Waiting
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.saying import sentence
from verger.edges.api.given import Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.furnishing import Furnished
from verger.flows.plans import Plan, PlannedRule, plans

_TAGS = ["blueprints"]
_THINGS = {"device_types", "derived", "rules", "tasks"}


class PlannedThing(Struct, frozen=True, kw_only=True):
    """A part of a blueprint by its key; `says` tells people what it does."""

    key: str
    name: str
    says: str


class Outline(Struct, frozen=True, kw_only=True):
    """What a blueprint brings, in short, and what a place with it shows first."""

    name: str
    title: str
    about: str
    place_kinds: tuple[PlaceKind, ...]
    device_types: tuple[PlannedThing, ...]
    derived: tuple[PlannedThing, ...]
    rules: tuple[PlannedThing, ...]
    tasks: tuple[PlannedThing, ...]
    dashboard: Dashboard
    waiting: tuple[Waiting, ...]
    analytics: tuple[Analysis, ...]


class WantedBlueprint(Struct, frozen=True, forbid_unknown_fields=True):
    """Which blueprint is to be laid."""

    name: str


@get("/blueprints", summary="List blueprints", tags=_TAGS)
async def items(caller: Given[Caller]) -> Page[Outline]:
    """Return all blueprints, on one page."""
    caller.needs("places:read")
    return Page(list(_outlines()))


@get("/places/{place:str}/blueprints", summary="Which blueprints lie on a place?", tags=_TAGS)
async def of_place(place: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Page[Laid]:
    """Return those laid on a place and on the places that it lies in, the nearest first."""
    return Page(await grounds.furnishing.at(caller.needs("places:read").tenant, place))


@post("/places/{place:str}/blueprint", summary="Lay a blueprint on a place", tags=_TAGS)
async def lay(
    place: Id, data: JSONBody[WantedBlueprint], caller: Given[Caller], grounds: Given[Grounds]
) -> Response[Furnished]:
    """Lay what was not laid there yet: its device types, rules, derived metrics and tasks; 200 where that is nothing.

    What people changed or removed since stays as they left it.
    """
    for permission in ("places:write", "devices:write", "rules:write", "tasks:write"):
        caller.needs(permission)
    done = await grounds.furnishing.furnish(caller.tenant, place, data.name, caller.name)
    grounds.provisioning.screens.changed(caller.tenant)
    return Response(done, status_code=201 if done.made else 200)


@cache
def _outlines() -> tuple[Outline, ...]:
    return tuple(_outline(each) for each in plans().values())


def _outline(plan: Plan) -> Outline:
    """Return what a blueprint brings, in short."""
    same = {name: getattr(plan, name) for name in Outline.__struct_fields__ if name not in _THINGS}
    return Outline(
        device_types=tuple(
            PlannedThing(key=kind.key, name=kind.name, says=", ".join(metric.name for metric in kind.metrics))
            for kind in plan.device_types
        ),
        derived=tuple(
            PlannedThing(key=key, name=each.name, says=each.expression) for key, each in plan.derived.items()
        ),
        rules=tuple(PlannedThing(key=key, name=rule.name, says=_says(rule)) for key, rule in plan.rules.items()),
        tasks=tuple(PlannedThing(key=key, name=task.title, says=task.notes) for key, task in plan.tasks.items()),
        **same,
    )


def _says(rule: PlannedRule) -> str:
    return sentence(KeptRule(id="", place="", created_at=moment(0), **structs.asdict(rule)))

"""Growing cycles: what grows at a place, in which stage, and what came of it."""

from typing import Annotated, Literal

from litestar import delete, get, patch, post
from litestar.di import Provide
from litestar.params import QueryParameter
from msgspec import UNSET, Struct, UnsetType, structs

from verger.base.pages import Page
from verger.base.patch import told
from verger.domain.cycles.model import Cycle, CycleStage, Happening, Kind, Outcome
from verger.domain.cycles.store import WantedCycles
from verger.domain.tasks.model import Due
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds

_TAGS = ["cycles"]

At = Annotated[str | None, QueryParameter(description="At this place or below it.")]


class NewCycle(Struct, frozen=True, forbid_unknown_fields=True):
    """What begins to grow at a place, now unless `started_at` says when it did."""

    place: str
    crop: str = ""
    stage: CycleStage = CycleStage.inoculation
    notes: str = ""
    started_at: Due | None = None
    expected_at: Due | None = None


class CycleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a cycle; what is left out stays."""

    crop: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    expected_at: Due | UnsetType | None = UNSET


class NewStage(Struct, frozen=True, forbid_unknown_fields=True):
    """The stage that a cycle is in, since now unless `at` says when."""

    stage: CycleStage
    at: Due | None = None


class End(Struct, frozen=True, forbid_unknown_fields=True):
    """How a cycle ended, now unless `at` says when."""

    outcome: Outcome = "harvested"
    at: Due | None = None


class NewHappening(Struct, frozen=True, forbid_unknown_fields=True):
    """A harvest, with its weight, or a contamination; now unless `at` says when."""

    kind: Kind
    weight_kg: float | None = None
    note: str = ""
    at: Due | None = None


def _wanted(
    states: Annotated[
        Literal["running", "ended"] | None, QueryParameter(name="state", description="All if left out.")
    ] = None,
) -> WantedCycles:
    """Return which cycles are asked for."""
    return WantedCycles(runs=None if states is None else states == "running")


@get(
    "/cycles",
    summary="List growing cycles, those that began last first",
    tags=_TAGS,
    dependencies={"wanted": Provide(_wanted, sync_to_thread=False)},
)
async def items(
    caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked], wanted: Given[WantedCycles], place: At = None
) -> Page[Cycle]:
    """Return a page of cycles."""
    return await grounds.growing.page(caller.needs("places:read").tenant, asked, place, wanted)


@post("/cycles", summary="Begin a growing cycle", tags=_TAGS)
async def begin(data: JSONBody[NewCycle], caller: Given[Caller], grounds: Given[Grounds]) -> Cycle:
    """Begin a cycle: one runs at a place at a time. Its stage becomes the attribute `stage` of the place."""
    return await grounds.growing.begin(caller.needs("tasks:write").tenant, structs.asdict(data))


@get("/cycles/{cycle:str}", summary="Read a growing cycle", tags=_TAGS)
async def read(cycle: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Cycle:
    """Return one cycle."""
    return await grounds.growing.store.get(caller.needs("places:read").tenant, cycle)


@patch("/cycles/{cycle:str}", summary="Change a growing cycle", tags=_TAGS)
async def change(
    cycle: Id,
    data: JSONBody[CycleChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Cycle:
    """Merge a change into a cycle (RFC 7396)."""
    return await grounds.growing.change(caller.needs("tasks:write").tenant, cycle, told(data), expected)


@delete("/cycles/{cycle:str}", summary="Take a growing cycle away", tags=_TAGS)
async def remove(cycle: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Take a cycle away with all that happened in it, as if it had never been."""
    await grounds.growing.remove(caller.needs("places:write").tenant, cycle, expected)


@post("/cycles/{cycle:str}/stage", status_code=200, summary="Say that a cycle is in another stage", tags=_TAGS)
async def move(cycle: Id, data: JSONBody[NewStage], caller: Given[Caller], grounds: Given[Grounds]) -> Cycle:
    """Let a cycle be in a stage; rules that name the stage of the place judge by it at once."""
    return await grounds.growing.move(caller.needs("tasks:write").tenant, cycle, data.stage, data.at)


@post("/cycles/{cycle:str}/end", status_code=200, summary="End a growing cycle", tags=_TAGS)
async def end(cycle: Id, data: JSONBody[End], caller: Given[Caller], grounds: Given[Grounds]) -> Cycle:
    """End a cycle; its place has no stage any more."""
    return await grounds.growing.end(caller.needs("tasks:write").tenant, cycle, data.outcome, data.at)


@get("/cycles/{cycle:str}/events", summary="What happened in a growing cycle?", tags=_TAGS)
async def happenings(cycle: Id, caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Happening]:
    """Return a page of harvests and contaminations, the newest first."""
    return await grounds.growing.happenings(caller.needs("places:read").tenant, cycle, asked)


@post("/cycles/{cycle:str}/events", summary="Tell of a harvest or a contamination", tags=_TAGS)
async def happen(cycle: Id, data: JSONBody[NewHappening], caller: Given[Caller], grounds: Given[Grounds]) -> Happening:
    """Keep something that happened in a cycle, also once that has ended."""
    tenant = caller.needs("tasks:write").tenant
    return await grounds.growing.happen(tenant, cycle, caller.name, structs.asdict(data))


@delete("/cycles/{cycle:str}/events/{event:str}", summary="Take back what did not happen", tags=_TAGS)
async def undo(cycle: Id, event: Id, caller: Given[Caller], grounds: Given[Grounds]) -> None:
    """Take a harvest or a contamination away that was told in error."""
    await grounds.growing.undo(caller.needs("tasks:write").tenant, cycle, event)

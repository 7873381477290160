"""Derived metrics: reckoned from what is measured, and kept as series of their own."""

from typing import Annotated

from litestar import delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from verger.base.clock import moment
from verger.base.ids import new_id
from verger.base.pages import Page
from verger.base.patch import merged
from verger.domain.derived.model import Derived
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds

_TAGS = ["derived metrics"]
_Name = Annotated[str, Meta(max_length=200)]
_Unit = Annotated[str, Meta(max_length=40)]
_Expression = Annotated[str, Meta(min_length=1, max_length=2000)]


class NewDerived(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be reckoned at a place and below it, kept as `metric` of `device`, or of each that measures it.

    What was measured more than `fresh_s` seconds before counts as not known.
    """

    place: str
    metric: _Name
    expression: _Expression
    name: _Name = ""
    unit: _Unit = ""
    device: str | None = None
    fresh_s: float = 3600


class DerivedChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    name: _Name | UnsetType = UNSET
    unit: _Unit | UnsetType = UNSET
    expression: _Expression | UnsetType = UNSET
    device: str | UnsetType | None = UNSET
    fresh_s: float | UnsetType = UNSET


@get("/derived", summary="List derived metrics, the newest first", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Derived]:
    """Return a page of derived metrics."""
    return await grounds.deriving.store.page(caller.needs("rules:read").tenant, asked)


@post("/derived", summary="Reckon a metric from others", tags=_TAGS)
async def add(data: JSONBody[NewDerived], caller: Given[Caller], grounds: Given[Grounds]) -> Derived:
    """Reckon a metric from what is heard from now on."""
    tenant = caller.needs("rules:write").tenant
    fresh = Derived(id=new_id(), created_at=moment(grounds.clock.now()), **structs.asdict(data))
    return await grounds.deriving.add(tenant, fresh)


@get("/derived/{derived:str}", summary="Read a derived metric", tags=_TAGS)
async def read(derived: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Derived:
    """Return one derived metric."""
    return await grounds.deriving.store.get(caller.needs("rules:read").tenant, derived)


@patch("/derived/{derived:str}", summary="Change a derived metric", tags=_TAGS)
async def change(
    derived: Id,
    data: JSONBody[DerivedChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Derived:
    """Reckon it otherwise from now on; what it counted up begins anew."""
    before = await grounds.deriving.store.get(caller.needs("rules:write").tenant, derived)
    return await grounds.deriving.change(caller.tenant, before, merged(before, data), expected)


@delete("/derived/{derived:str}", summary="Reckon a metric no longer", tags=_TAGS)
async def remove(derived: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Reckon it no longer; what was reckoned stays."""
    await grounds.deriving.remove(caller.needs("rules:write").tenant, derived, expected)

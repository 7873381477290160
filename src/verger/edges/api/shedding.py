"""What is cut off when more flows through a meter than may."""

from typing import Annotated

from litestar import delete, get, patch
from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from verger.base.pages import Page
from verger.domain.shedding.model import MOST_LOADS, Guarded, Load
from verger.edges.api.filters import there
from verger.edges.api.given import Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.bounding import Standing

_TAGS = ["shedding"]
_Loads = Annotated[tuple[Load, ...], Meta(max_length=MOST_LOADS)]
_Protected = Annotated[tuple[Guarded, ...], Meta(max_length=MOST_LOADS)]


class PlanChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a plan; what is left out stays. The first needs `metric` and `limit`, but for a breaker's."""

    metric: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    limit: Annotated[float, Meta(gt=0, le=1e9)] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    order: _Loads | UnsetType = UNSET
    protected: _Protected | UnsetType = UNSET
    over_s: Annotated[float, Meta(ge=0, le=3600)] | UnsetType = UNSET
    rest_s: Annotated[float, Meta(ge=4, le=3600)] | UnsetType = UNSET


@get("/shedding", summary="List what is cut off when too much flows", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], device: FromQuery[str | None] = None) -> Page[Standing]:
    """Return the plans of all meters, or that of `device` if it has one."""
    tenant = caller.needs("rules:read").tenant
    await there(grounds, tenant, device=device)
    found = await grounds.bounding.all(tenant)
    return Page([each for each in found if device in (None, each.device)])


@get("/devices/{device:str}/shedding", summary="What is cut off when too much flows?", tags=_TAGS)
async def read(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Standing:
    """Return the plan of a meter, and how it stands; 404 without one."""
    return await grounds.bounding.get(caller.needs("rules:read").tenant, device)


@patch("/devices/{device:str}/shedding", summary="Change what is cut off when too much flows", tags=_TAGS)
async def change(
    device: Id,
    data: JSONBody[PlanChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Standing:
    """Merge a change into the plan of a meter (RFC 7396), which may be its first."""
    tenant = caller.needs("rules:write").tenant
    return await grounds.bounding.change(tenant, device, to_builtins(data), expected)


@delete("/devices/{device:str}/shedding", summary="Cut nothing off any more", tags=_TAGS)
async def remove(device: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Remove the plan of a meter; its open alert ends."""
    await grounds.bounding.end(caller.needs("rules:write").tenant, device, expected)

"""What a person sees first."""

from litestar import get

from verger.edges.api.given import Caller, Given
from verger.edges.api.grounds import Grounds
from verger.flows.overview import Today


@get("/overview", summary="How everything is", tags=["overview"])
async def today(caller: Given[Caller], grounds: Given[Grounds]) -> Today:
    """Return a line for each place, and what needs a person."""
    return await grounds.overview.today(caller.needs("history:read").tenant)

"""What an organisation may use, and what it uses now."""

from litestar import get

from verger.base.pages import Page
from verger.edges.api.given import Caller, Given
from verger.edges.api.grounds import Grounds
from verger.flows.limiting import Limit


@get("/limits", summary="What your organisation may use", tags=["system"])
async def items(caller: Given[Caller], grounds: Given[Grounds]) -> Page[Limit]:
    """Return each limit and what is used of it; the operator of the installation changes them (`verger limits`)."""
    return Page(grounds.limits(caller.needs("members:read").tenant))

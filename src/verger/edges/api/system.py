"""What the platform itself is doing, for people."""

from typing import Any

from litestar import get

from verger.edges.api.given import Caller, Given, System
from verger.edges.api.grounds import Grounds


@get("/system", summary="What the platform itself is doing", tags=["system"])
async def read(caller: Given[Caller], system: Given[System], grounds: Given[Grounds]) -> dict[str, Any]:
    """Return how far the followers are, what was set aside, and how much is kept: all of it to those who run Verger.

    Others get the numbers of their own organisation, and null or nothing for what is of the installation.
    """
    tenant = caller.needs("system:read").tenant
    return await grounds.oversight.state() if await system.tenancy.runs(tenant) else grounds.oversight.own(tenant)

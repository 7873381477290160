"""What the platform itself is doing, for people."""

from typing import Any

from litestar import get

from verger.edges.api.given import Caller, Given
from verger.edges.api.grounds import Grounds


@get("/system", summary="What the platform itself is doing", tags=["system"])
async def read(caller: Given[Caller], grounds: Given[Grounds]) -> dict[str, Any]:
    """Return how far the followers are, what was set aside, and how much is kept."""
    caller.needs("system:read")
    return await grounds.state()

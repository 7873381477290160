"""What people and programs did, for those who look after them."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from verger.base.pages import Page
from verger.domain.tenancy.deeds import Deed
from verger.edges.api.given import Asked, Caller, Given, System

Kind = Annotated[str | None, QueryParameter(description="To which things, such as devices or rules.")]
Subject = Annotated[str | None, QueryParameter(description="To which one of them, by its id.")]


@get("/deeds", summary="What did people and programs do?", tags=["members"])
async def items(
    caller: Given[Caller], system: Given[System], asked: Given[Asked], kind: Kind = None, subject: Subject = None
) -> Page[Deed]:
    """Return a page of what was done through the API and the pages, the latest first; managers see it."""
    return await system.tenancy.deeds.page(caller.needs("jobs:read").tenant, asked, kind, subject)

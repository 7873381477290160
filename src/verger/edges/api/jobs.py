"""Long work: how far it is, how it ended, and calling it off."""

from litestar import Response, get, post

from verger.base.pages import Page
from verger.domain.errands.model import Errand
from verger.edges.api.given import Asked, Caller, Given, Id
from verger.edges.api.grounds import Grounds

_TAGS = ["jobs"]


def begun(errand: Errand) -> Response[Errand]:
    """Answer 202: the work goes on, and Location says where to look after it."""
    return Response(errand, status_code=202, headers={"Location": f"/api/v1/jobs/{errand.id}"})


def own(caller: Caller) -> str | None:
    """Return whose jobs a caller may see: their own, or everybody's."""
    return None if caller.may("jobs:read") else caller.name


@get("/jobs", summary="List long work, the newest first", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Errand]:
    """Return a page of the jobs that you asked for; a manager sees everybody's."""
    return await grounds.errands.page(caller.tenant, asked, own(caller))


@get("/jobs/{job:str}", summary="How far is it?", tags=_TAGS)
async def read(job: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Errand:
    """Return one job: `done` of `total`, its `result` once done, its `error` if it failed."""
    return await grounds.errands.get(caller.tenant, job, own(caller))


@post("/jobs/{job:str}/cancel", status_code=200, summary="Call it off", tags=_TAGS)
async def cancel(job: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Errand:
    """Call a job off and return how it ended; one that has ended stays as it is."""
    return await grounds.errands.cancel(caller.tenant, job, own(caller))

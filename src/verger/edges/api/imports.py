"""Imports: readings from a CSV file, first tried, then kept."""

from typing import Any

from litestar import Request, Response, post
from msgspec import Struct

from verger.domain.errands.model import Errand
from verger.edges.api.given import Caller, Given, JSONBody
from verger.edges.api.grounds import Grounds
from verger.edges.api.jobs import begun
from verger.flows.importing import KIND, Order

_TAGS = ["imports"]


class Upload(Struct, frozen=True):
    """A file that was taken, to be imported within a day."""

    id: str
    bytes: int


@post("/uploads", summary="Bring a file to import", tags=_TAGS, request_max_body_size=None)
async def upload(request: Request[Any, Any, Any], caller: Given[Caller], grounds: Given[Grounds]) -> Upload:
    """Take a CSV file as the body, streamed to disk; send it without an Idempotency-Key."""
    tenant = caller.needs("devices:write").tenant
    return Upload(*await grounds.importing.bring(tenant, request.stream()))


@post("/imports", status_code=202, summary="Try or import a file of readings", tags=_TAGS)
async def add(data: JSONBody[Order], caller: Given[Caller], grounds: Given[Grounds]) -> Response[Errand]:
    """Begin to read a file; a trial keeps nothing, and its job's result tells what would be kept."""
    given = await grounds.importing.checked(caller.needs("devices:write").tenant, data)
    return begun(await grounds.errands.begin(caller.tenant, caller.name, KIND, given))

"""Imports: readings from a CSV file, or the whole installation of another system; first tried, then kept."""

from typing import Any

from litestar import Request, Response, post
from msgspec import Struct

from verger.domain.errands.model import Errand
from verger.edges.api.given import Caller, Given, JSONBody
from verger.edges.api.grounds import Grounds
from verger.edges.api.jobs import begun
from verger.flows import taking_over
from verger.flows.importing import KIND, Order
from verger.flows.taking_over import TakeOver

_TAGS = ["imports"]


class Upload(Struct, frozen=True):
    """A file that was taken, to be imported within a day."""

    id: str
    bytes: int


@post("/uploads", summary="Bring a file to import", tags=_TAGS, request_max_body_size=None)
async def upload(request: Request[Any, Any, Any], caller: Given[Caller], grounds: Given[Grounds]) -> Upload:
    """Take a file as the body, streamed to disk; send it without an Idempotency-Key."""
    tenant = caller.needs("devices:write").tenant
    return Upload(*await grounds.importing.bring(tenant, request.stream()))


@post("/imports", status_code=202, summary="Try or import a file of readings", tags=_TAGS)
async def add(data: JSONBody[Order], caller: Given[Caller], grounds: Given[Grounds]) -> Response[Errand]:
    """Begin to read a file; a trial keeps nothing, and its job's result tells what would be kept."""
    given = await grounds.importing.checked(caller.needs("devices:write").tenant, data)
    return begun(await grounds.errands.begin(caller.tenant, caller.name, KIND, given))


@post("/imports/installations", status_code=202, summary="Try or move in another system's installation", tags=_TAGS)
async def take_over(data: JSONBody[TakeOver], caller: Given[Caller], grounds: Given[Grounds]) -> Response[Errand]:
    """Begin to move in what a file holds: an SQLite database, or what that system exported.

    A trial keeps nothing. The result of its job tells how many places, devices, readings and events there are, how many
    of them are new, which rows made no sense, and of which tables nothing is taken.
    """
    tenant = caller.needs("devices:write").needs("places:write").tenant
    given = await grounds.taking_over.checked(tenant, data)
    return begun(await grounds.errands.begin(tenant, caller.name, taking_over.KIND, given))

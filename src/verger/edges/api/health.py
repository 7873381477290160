"""How the program itself is: for whoever watches over it."""

from typing import Any

from litestar import Request, Response, get
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from verger import __version__
from verger.base.errors import Forbidden, Missing, Refused, Unknown
from verger.domain.tenancy.model import ApiKey
from verger.edges.api.door import OPEN, TENANT, at_the_machine, bearer_token, cookie_token
from verger.edges.api.given import Check, Given, System, Whence

_FAILS = "This fails; whoever runs this Verger sees why on the page System, or by asking at the machine."


class Health(Struct, frozen=True):
    """The loop turns."""

    status: str = "ok"


class Readiness(Struct, frozen=True):
    """Whether everything works: each check is "ok" or a sentence that says what to do.

    `status` is "failing" when a check is not "ok", else "ok".
    `warnings` are sentences on what has to be done soon; they fail nothing.
    Who neither asks at the machine nor runs this Verger learns which checks fail, but not why, and of no warnings.
    """

    status: str
    version: str
    checks: dict[str, str]
    warnings: dict[str, str]


@get("/health", opt=OPEN, summary="Does it live?", tags=["system"])
async def health() -> Health:
    """Tell that the loop turns."""
    return Health()


@get("/ready", opt=OPEN, summary="Does everything work?", tags=["system"])
async def ready(request: Request[Any, Any, Any], system: Given[System], whence: Given[Whence]) -> Response[Readiness]:
    """Tell whether everything works; 503 when a check fails."""
    checks = {name: await _ask(check) for name, check in system.checks.items()}
    fine = all(said == "ok" for said in checks.values())
    warnings: dict[str, str] = {}
    if await _may_know_why(request, system, whence):
        looked_at = {name: await _ask(check) for name, check in system.warnings.items()}
        warnings = {name: said for name, said in looked_at.items() if said != "ok"}
    else:
        checks = {name: said if said == "ok" else _FAILS for name, said in checks.items()}
    return Response(
        Readiness("ok" if fine else "failing", __version__, checks, warnings), status_code=200 if fine else 503
    )


@get("/metrics", opt=OPEN, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any], system: Given[System], whence: Given[Whence]) -> Response[bytes]:
    """Tell the figures of the program as Prometheus text, at the machine or to an API key with the scope metrics."""
    await _admit(request, system, whence)
    return Response(generate_latest(system.metrics), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _ask(check: Check) -> str:
    try:
        return await check()
    except Refused as refused:
        return str(refused)
    except Exception:  # noqa: BLE001  a check that breaks has failed; the others are still worth telling
        return "This check could not be made; look into the log."


async def _may_know_why(request: Request[Any, Any, Any], system: System, whence: Whence) -> bool:
    """Tell whether somebody asks at the machine, or of the organisation that runs this Verger."""
    if at_the_machine(request.headers, whence):
        return True
    token = bearer_token(request.headers) or cookie_token(request.headers)
    if token is None:
        return False
    try:
        caller = await system.tenancy.caller(token, request.headers.get(TENANT))
    except (Unknown, Missing):
        return False
    return caller.may("system:read") and await system.tenancy.runs(caller.tenant)


async def _admit(request: Request[Any, Any, Any], system: System, whence: Whence) -> None:
    if at_the_machine(request.headers, whence):
        return
    token = bearer_token(request.headers)
    if token is None:
        raise Unknown("Send an API key with the scope metrics.")
    caller = await system.slowness.unless_right(system.tenancy.caller(token), "metrics", f"address:{whence.address}")
    if not (isinstance(caller.who, ApiKey) and "metrics" in caller.who.scopes):
        raise Forbidden("This needs an API key with the scope metrics; an owner can make one.")
    if not await system.tenancy.runs(caller.tenant):
        raise Forbidden("Only the organisation that set this Verger up may see the figures of all.")

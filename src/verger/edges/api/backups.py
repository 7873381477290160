"""Backups of this Verger, for owners of the organisation that set it up."""

from litestar import Response, get, post

from verger.base.errors import Forbidden, Missing
from verger.base.pages import Page
from verger.domain.backups.model import Backup
from verger.domain.errands.model import Errand
from verger.edges.api.given import Caller, Given, Id, System
from verger.edges.api.grounds import Grounds
from verger.edges.api.jobs import begun
from verger.flows.safekeeping import Plan

_TAGS = ["backups"]


async def _operator(caller: Caller, system: System) -> Caller:
    """Return the caller, if they run this Verger; what others may not see is not there for them."""
    caller.needs("backups:write")
    try:
        return await system.tenancy.operator(caller)
    except Forbidden:
        raise Missing("There is no such backup.") from None


@get("/backups", summary="List backups, the newest first", tags=_TAGS)
async def items(caller: Given[Caller], system: Given[System], grounds: Given[Grounds]) -> Page[Backup]:
    """Return every backup, with its size, what is in it, and what became of the last trial of it."""
    await system.tenancy.operator(caller)
    return Page(await grounds.safekeeping.told(), None)


@get("/backups/plan", summary="Where backups go, and when", tags=_TAGS)
async def plan(caller: Given[Caller], system: Given[System], grounds: Given[Grounds]) -> Plan:
    """Return where backups go, when the next is due, and how far the one is that is being taken."""
    await system.tenancy.operator(caller)
    return await grounds.safekeeping.plan()


@post("/backups", status_code=202, summary="Take a backup now", tags=_TAGS)
async def add(caller: Given[Caller], system: Given[System], grounds: Given[Grounds]) -> Response[Errand]:
    """Begin a backup; `result` of the job is the backup."""
    await system.tenancy.operator(caller)
    return begun(await grounds.errands.begin(caller.tenant, caller.name, "backup"))


@get("/backups/{backup:str}", summary="Read a backup", tags=_TAGS)
async def read(backup: Id, caller: Given[Caller], system: Given[System], grounds: Given[Grounds]) -> Backup:
    """Return one backup."""
    await _operator(caller, system)
    return await grounds.safekeeping.tell(backup)


@post("/backups/{backup:str}/verify", status_code=202, summary="Try a backup out", tags=_TAGS)
async def verify(backup: Id, caller: Given[Caller], system: Given[System], grounds: Given[Grounds]) -> Response[Errand]:
    """Begin to restore a backup on trial, beside the data; `result` of the job says what became of it."""
    await _operator(caller, system)
    found = await grounds.safekeeping.tell(backup)
    return begun(await grounds.errands.begin(caller.tenant, caller.name, "backup.verify", found.id))

"""Commands: what devices are asked to do, and what became of it."""

from typing import Annotated, Any

from litestar import get, post
from msgspec import Meta, Struct

from verger.base.pages import Page
from verger.domain.commands.model import LONGEST_TTL_S, METHOD_LONGEST, TTL_S, Command, Stage
from verger.domain.commands.store import WantedCommands
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.commanding import Wish

_TAGS = ["commands"]

Method = Annotated[str, Meta(min_length=1, max_length=METHOD_LONGEST, pattern=r"\S")]
Seconds = Annotated[float, Meta(ge=1, le=LONGEST_TTL_S)]


class NewCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """What a device shall do, and for how many seconds that holds; what goes `one_way` is not waited for."""

    method: Method
    params: Any = None
    ttl_s: Seconds = TTL_S
    one_way: bool = False

    @property
    def wish(self) -> Wish:
        """Return it as it is wished."""
        return Wish(method=self.method, params=self.params, ttl_s=self.ttl_s, one_way=self.one_way)


@post("/devices/{device:str}/commands", summary="Ask a device for something", tags=_TAGS)
async def ask(device: Id, data: JSONBody[NewCommand], caller: Given[Caller], grounds: Given[Grounds]) -> Command:
    """Keep a command and send it as soon as the device listens; `stage` is what the device has proved of it."""
    tenant = caller.needs("devices:control").tenant
    return await grounds.commanding.ask(tenant, device, data.wish, caller.name)


@get("/devices/{device:str}/commands", summary="What a device was asked, the newest first", tags=_TAGS)
async def of_device(
    device: Id,
    caller: Given[Caller],
    grounds: Given[Grounds],
    asked: Given[Asked],
    stage: FromQuery[Stage | None] = None,
) -> Page[Command]:
    """Return a page of a device's commands."""
    await grounds.kept.devices.get(caller.needs("devices:read").tenant, device)
    return await grounds.commands.page(caller.tenant, asked, WantedCommands(device=device, stage=stage))


@get("/commands/{command:str}", summary="What became of a command?", tags=_TAGS)
async def read(command: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Command:
    """Return one command, each step with its time and what proves it."""
    return await grounds.commands.get(caller.needs("devices:read").tenant, command)


@post("/commands/{command:str}/cancel", status_code=200, summary="Call it off", tags=_TAGS)
async def cancel(command: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Command:
    """Cancel a command that its device does not have yet; 409 when it is too late."""
    return await grounds.commanding.cancel(caller.needs("devices:control").tenant, command, caller.name)

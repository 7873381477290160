"""Commands: what devices are asked to do, and what became of it."""

from typing import Annotated, Any

from litestar import Response, get, post
from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid
from verger.base.pages import Page
from verger.base.plural import counted
from verger.domain.commands.model import LONGEST_TTL_S, METHOD_LONGEST, TTL_S, Command, Stage
from verger.domain.commands.store import WantedCommands
from verger.domain.errands.model import Errand
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.edges.api.jobs import begun
from verger.flows.commanding import Wish
from verger.flows.together import MOST, Askings

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


class ManyCommands(NewCommand, frozen=True, forbid_unknown_fields=True):
    """What several devices shall do: those of a selection, or all at a place and below it that can."""

    devices: Annotated[list[str], Meta(max_length=MOST)] = []
    place: str | None = None


class Confirmed(Struct, frozen=True, forbid_unknown_fields=True):
    """That all of it is meant, and for how many seconds."""

    confirm: bool = False
    ttl_s: Seconds = TTL_S


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


@get("/commands", summary="List commands, the newest first", tags=_TAGS)
async def items(
    caller: Given[Caller],
    grounds: Given[Grounds],
    asked: Given[Asked],
    place: FromQuery[str | None] = None,
    batch: FromQuery[str | None] = None,
    stage: FromQuery[Stage | None] = None,
) -> Page[Command]:
    """Return a page of commands: of devices at `place` and below it, of one `batch`, or all."""
    tenant = caller.needs("devices:read").tenant
    below = None if place is None else await grounds.places.below(tenant, place)
    devices = None if below is None else [device.id for device in await grounds.kept.devices.at(tenant, below)]
    return await grounds.commands.page(tenant, asked, WantedCommands(devices=devices, batch=batch, stage=stage))


@post("/commands", status_code=202, summary="Ask several devices at once", tags=_TAGS)
async def together(data: JSONBody[ManyCommands], caller: Given[Caller], grounds: Given[Grounds]) -> Response[Errand]:
    """Ask the devices named, or those at `place` that can do it; the job counts those that have answered or cannot."""
    tenant = caller.needs("devices:control").tenant
    if bool(data.devices) is (data.place is not None):
        raise Invalid("Name either devices or a place.", [Fault("devices", "Name either these or a place.")])
    if data.place is not None:
        plan = await grounds.together.at_place(tenant, data.place, data.wish)
    else:
        plan = await grounds.together.selected(tenant, data.devices, data.wish)
    return begun(await grounds.together.begin(tenant, plan, data.wish, caller.name))


@get("/places/{place:str}/off", summary="What would be turned off?", tags=_TAGS)
async def off(place: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Askings:
    """Return what turns off everything at a place and below it, and which devices it does not reach, and why."""
    return await grounds.together.off(caller.needs("devices:read").tenant, place)


@post("/places/{place:str}/off", status_code=202, summary="Turn everything off", tags=_TAGS)
async def turn_off(
    place: Id, data: JSONBody[Confirmed], caller: Given[Caller], grounds: Given[Grounds]
) -> Response[Errand]:
    """Turn off everything at a place and below it, which has to be confirmed; the job tells how far it is."""
    plan = await grounds.together.off(caller.needs("devices:control").tenant, place)
    if not data.confirm:
        sentence = f"This sends {counted(len(plan.orders), 'command')} at once: say confirm true if you mean it."
        raise Invalid(sentence, [Fault("confirm", sentence)])
    wish = Wish(method="off", ttl_s=data.ttl_s)
    return begun(await grounds.together.begin(caller.tenant, plan, wish, caller.name))


@get("/commands/{command:str}", summary="What became of a command?", tags=_TAGS)
async def read(command: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Command:
    """Return one command, each step with its time and what proves it."""
    return await grounds.commands.get(caller.needs("devices:read").tenant, command)


@post("/commands/{command:str}/cancel", status_code=200, summary="Call it off", tags=_TAGS)
async def cancel(command: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Command:
    """Cancel a command that its device does not have yet; 409 when it is too late."""
    return await grounds.commanding.cancel(caller.needs("devices:control").tenant, command, caller.name)

"""Routes of claims: devices that are handed to whoever knows their secret."""

from typing import Annotated

from litestar import delete, get, post
from msgspec import Meta, Struct

from verger.base.errors import Missing
from verger.domain.devices.model import Device
from verger.edges.api.given import Caller, Given, Id, JSONBody, System, Whence
from verger.edges.api.grounds import Grounds
from verger.flows.claiming import LONGEST_S, ClaimSecret, ClaimState

_TAGS = ["claims"]


class NewClaim(Struct, frozen=True, forbid_unknown_fields=True):
    """A device to claim, by its id or its name, with the secret that it is open for, to a place of yours."""

    device: Annotated[str, Meta(min_length=1, max_length=200)]
    place: str
    secret: Annotated[str, Meta(max_length=1024)] = ""


class Offer(Struct, frozen=True, forbid_unknown_fields=True):
    """For how long a device may be claimed; the usual time if left out."""

    lasts_s: Annotated[int, Meta(ge=60, le=LONGEST_S)] | None = None


@post("/claims", summary="Claim a device", tags=_TAGS)
async def claim(
    data: JSONBody[NewClaim],
    caller: Given[Caller],
    grounds: Given[Grounds],
    system: Given[System],
    whence: Given[Whence],
) -> Device:
    """Take a device to a place of yours; wrong secrets are answered ever more slowly."""
    tenant, may_add = caller.needs("devices:control").tenant, caller.may("devices:write")
    claiming = grounds.claiming.claim(tenant, data.device, data.secret, data.place, may_add=may_add)
    proven = await system.slowness.unless_right(
        claiming, f"claim:{tenant}:{data.device}", f"address:{whence.address}", Missing
    )
    return await grounds.showing.device(tenant, proven.id)


@get("/devices/{device:str}/claim", summary="Whether a device may be claimed", tags=_TAGS)
async def state(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> ClaimState:
    """Return until when a device may be claimed, and whether that takes a secret."""
    return await grounds.claiming.state(caller.needs("devices:read").tenant, device)


@post("/devices/{device:str}/claim", summary="Let a device be claimed", tags=_TAGS)
async def offer(device: Id, data: JSONBody[Offer], caller: Given[Caller], grounds: Given[Grounds]) -> ClaimSecret:
    """Return a fresh secret to claim a device with, shown this once."""
    return await grounds.claiming.offer(caller.needs("devices:write").tenant, device, data.lasts_s)


@delete("/devices/{device:str}/claim", summary="Let a device be claimed no longer", tags=_TAGS)
async def end(device: Id, caller: Given[Caller], grounds: Given[Grounds]) -> None:
    """End the time in which a device may be claimed."""
    await grounds.claiming.end(caller.needs("devices:write").tenant, device)

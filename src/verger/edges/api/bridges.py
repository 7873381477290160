"""Bridges: other people's brokers that are listened at."""

from typing import Any, Literal

from litestar import delete, get, patch, post
from msgspec import UNSET, Struct, UnsetType, structs

from verger.base.pages import Page
from verger.base.patch import told
from verger.domain.bridges.model import Pem, Secrets, Text, Topic, TopicRule
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.bridging import ShownBridge

_TAGS = ["bridges"]


class NewBridge(Struct, frozen=True, forbid_unknown_fields=True):
    """A broker to listen at; what proves who we are is kept sealed and never shown again."""

    name: Text
    host: Text
    filters: tuple[Topic, ...]
    rules: tuple[TopicRule, ...]
    port: int = 8883
    tls: bool = True
    alpn: Text | None = None
    protocol: Literal[4, 5] = 5
    client_id: Text | None = None
    username: Text | None = None
    enabled: bool = True
    password: Text | None = None
    certificate: Pem | None = None
    key: Pem | None = None
    ca: Pem | None = None


class BridgeChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a bridge; what is left out stays, its secrets too."""

    name: Text | UnsetType = UNSET
    host: Text | UnsetType = UNSET
    filters: tuple[Topic, ...] | UnsetType = UNSET
    rules: tuple[TopicRule, ...] | UnsetType = UNSET
    port: int | UnsetType = UNSET
    tls: bool | UnsetType = UNSET
    alpn: Text | UnsetType | None = UNSET
    protocol: Literal[4, 5] | UnsetType = UNSET
    client_id: Text | UnsetType = UNSET
    username: Text | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    password: Text | UnsetType | None = UNSET
    certificate: Pem | UnsetType | None = UNSET
    key: Pem | UnsetType | None = UNSET
    ca: Pem | UnsetType | None = UNSET


@get("/bridges", summary="List bridges, the newest first", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[ShownBridge]:
    """Return a page of bridges, each with how it stands."""
    return await grounds.bridging.page(caller.needs("devices:write").tenant, asked)


@post("/bridges", summary="Listen at a broker", tags=_TAGS)
async def add(data: JSONBody[NewBridge], caller: Given[Caller], grounds: Given[Grounds]) -> ShownBridge:
    """Begin to listen at a broker."""
    plain, secret = _apart(structs.asdict(data))
    return await grounds.bridging.add(caller.needs("devices:write").tenant, plain, Secrets(**secret))


@get("/bridges/{bridge:str}", summary="Read a bridge", tags=_TAGS)
async def read(bridge: Id, caller: Given[Caller], grounds: Given[Grounds]) -> ShownBridge:
    """Return one bridge and how it stands; its secrets are never told."""
    return await grounds.bridging.get(caller.needs("devices:write").tenant, bridge)


@patch("/bridges/{bridge:str}", summary="Change a bridge", tags=_TAGS)
async def change(
    bridge: Id,
    data: JSONBody[BridgeChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> ShownBridge:
    """Change what is named of a bridge, and connect it anew."""
    plain, secret = _apart(told(data))
    return await grounds.bridging.change(caller.needs("devices:write").tenant, bridge, plain, secret, expected)


@delete("/bridges/{bridge:str}", summary="End a bridge", tags=_TAGS)
async def remove(bridge: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Listen there no longer; what came over it stays."""
    await grounds.bridging.remove(caller.needs("devices:write").tenant, bridge, expected)


def _apart(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what may be told of a bridge, and what may not."""
    secret = {name: value for name, value in fields.items() if name in Secrets.__struct_fields__}
    return {name: value for name, value in fields.items() if name not in secret}, secret

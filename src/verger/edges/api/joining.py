"""Routes of how devices get in by themselves: a type's key and secret, and what an organisation allows."""

from litestar import delete, get, patch, post
from msgspec import UNSET, Struct, UnsetType

from verger.base.patch import meant_for, merged
from verger.domain.devices.joining import Joining, JoinKey, Strategy
from verger.domain.devices.policy import Policy
from verger.edges.api.given import Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds

_TAGS = ["device types"]


class NewJoinKey(Struct, frozen=True, forbid_unknown_fields=True):
    """How a fresh key serves: "new" lets any device in, at `place`; "known" those added before; "off" nobody."""

    strategy: Strategy | UnsetType = UNSET
    place: str | UnsetType | None = UNSET


class JoinKeyRenewed(Struct, frozen=True):
    """A type's fresh key; its secret is shown once."""

    provisioning: Joining
    credentials: JoinKey


class PolicyChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of what devices may bring about; what is left out stays."""

    made_by_gateways: bool | UnsetType = UNSET
    claimed_by_others: bool | UnsetType = UNSET


@get("/device-types/{key:str}/provisioning", summary="How devices of a type get in by themselves", tags=_TAGS)
async def read(key: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Joining:
    """Return how devices of a type get in; "off" without a key when nobody said."""
    await grounds.kept.types.get(caller.needs("devices:read").tenant, key)
    return await grounds.kept.joining.get(caller.tenant, key)


@post("/device-types/{key:str}/provisioning", summary="Make or renew the key of a type", tags=_TAGS)
async def renew(key: Id, data: JSONBody[NewJoinKey], caller: Given[Caller], grounds: Given[Grounds]) -> JoinKeyRenewed:
    """Return a fresh key and its secret, shown this once; older ones have ended."""
    tenant = caller.needs("devices:write").tenant
    before = await grounds.kept.joining.get(tenant, key)
    return JoinKeyRenewed(*await grounds.door.renew(tenant, key, merged(before, data)))


@patch("/device-types/{key:str}/provisioning", summary="Change how the key of a type serves", tags=_TAGS)
async def change(
    key: Id, data: JSONBody[NewJoinKey], caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]
) -> Joining:
    """Merge a change into how devices of a type get in (RFC 7396)."""
    before = await grounds.kept.joining.get(caller.needs("devices:write").tenant, key)
    meant_for(before.version, expected)
    return await grounds.door.set(caller.tenant, key, merged(before, data))


@delete("/device-types/{key:str}/provisioning", summary="End the key of a type", tags=_TAGS)
async def end(key: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Let no further device in by the key; those that are in stay."""
    await grounds.kept.types.get(caller.needs("devices:write").tenant, key)
    meant_for((await grounds.kept.joining.get(caller.tenant, key)).version, expected)
    await grounds.kept.joining.end(caller.tenant, key)


@get("/settings/devices", summary="What devices may bring about by themselves", tags=["devices"])
async def policy(caller: Given[Caller], grounds: Given[Grounds]) -> Policy:
    """Return whether gateways may make devices, and other organisations claim them."""
    return await grounds.kept.policies.get(caller.needs("devices:read").tenant)


@patch("/settings/devices", summary="Change what devices may bring about by themselves", tags=["devices"])
async def decide(
    data: JSONBody[PolicyChange], caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]
) -> Policy:
    """Merge a change (RFC 7396)."""
    before = await grounds.kept.policies.get(caller.needs("devices:write").tenant)
    meant_for(before.version, expected)
    return await grounds.kept.policies.change(caller.tenant, merged(before, data))

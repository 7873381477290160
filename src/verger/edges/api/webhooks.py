"""What signs the calls of rules to other programs."""

from litestar import get, post
from msgspec import Struct

from verger.base.pages import Page
from verger.domain.webhooks.model import Signing
from verger.edges.api.given import Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.trying import TriedCall

_TAGS = ["rules"]


class Renewal(Struct, frozen=True, forbid_unknown_fields=True):
    """How the secret is renewed: `at_once` ends the one before now, else it signs too for a day."""

    at_once: bool = False


@get("/webhooks/secret", summary="Read the secret that signs webhooks of rules", tags=_TAGS)
async def secret(caller: Given[Caller], grounds: Given[Grounds]) -> Signing:
    """Return the secret of your organisation; receivers check by it who calls."""
    return await grounds.signing.get(caller.needs("rules:write").tenant)


@post("/webhooks/secret/renew", status_code=200, summary="Renew the secret that signs webhooks of rules", tags=_TAGS)
async def renew(data: JSONBody[Renewal], caller: Given[Caller], grounds: Given[Grounds]) -> Signing:
    """Sign by a fresh secret from now on; `previous_until` tells how long the one before signs too."""
    return await grounds.signing.renew(caller.needs("rules:write").tenant, at_once=data.at_once)


@post("/rules/{rule:str}/webhooks/test", status_code=200, summary="Call what a rule calls, as a test", tags=_TAGS)
async def test(rule: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Page[TriedCall]:
    """Call each address of a rule once, at once, signed; tell by action whether it was taken. 409 without any."""
    return Page(await grounds.trying.test(caller.needs("rules:write").tenant, rule), None)

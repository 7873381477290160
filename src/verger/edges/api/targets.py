"""Where and when you want to be told."""

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from verger.base.errors import Fault, Invalid
from verger.base.pages import Page
from verger.base.patch import told
from verger.domain.notifications import ways
from verger.domain.notifications.deliveries import Delivery
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.preferences import Digest, Preferences, Quiet
from verger.domain.notifications.targets import Target
from verger.domain.notifications.ways import Url, Way
from verger.domain.tenancy.model import Name
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.telling import NewTarget, Tried

_TAGS = ["notifications"]
_AT = "/me/notifications/targets"

Severities = Annotated[tuple[Urgency, ...], Meta(max_length=3)]
Key = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(min_length=1, max_length=64)]


class BrowserKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """What only one browser can open messages with, as its PushSubscription tells."""

    p256dh: Key
    auth: Key


class AddedTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to tell you: `email` is your own address; `url` is a webhook's, or ntfy://, ntfys:// or tgram://."""

    kind: ways.Kind
    name: Name
    severities: Severities = tuple(Urgency)
    url: Url | None = None
    endpoint: Url | None = None
    keys: BrowserKeys | None = None

    def way(self, caller: Caller) -> Way:
        """Return the way that is meant; raise Invalid."""
        if self.kind == "email":
            return ways.Mail(caller.person().email)
        if self.kind == "push":
            if self.endpoint is None or self.keys is None:
                raise _needed("endpoint", "A browser gives its endpoint and keys.")
            return ways.push(self.endpoint, self.keys.p256dh, self.keys.auth)
        if self.url is None:
            raise _needed("url", "Give the address.")
        way = ways.webhook(self.url) if self.kind == "webhook" else ways.by_url(self.url)
        if ways.kind_of(way) != self.kind:
            raise _needed("url", f"This address is one of {ways.kind_of(way)}.")
        return way


class TargetChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a target; going on with a paused one sends what waits for it."""

    name: Name | UnsetType = UNSET
    severities: Severities | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class PreferenceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of how you want to be told; null for quiet hours or digest ends them."""

    timezone: Words | UnsetType | None = UNSET
    quiet: Quiet | UnsetType | None = UNSET
    digest: Digest | UnsetType | None = UNSET
    per_hour: int | UnsetType = UNSET
    lesser: bool | UnsetType = UNSET


class PushKey(Struct, frozen=True):
    """What a browser is given as `applicationServerKey`, so that it takes messages from here."""

    key: str


@get("/me/notifications/preferences", summary="Read how I want to be told", tags=_TAGS)
async def preferences(caller: Given[Caller], grounds: Given[Grounds]) -> Preferences:
    """Return your quiet hours, digest and budget in this organisation."""
    return await grounds.telling.room.preferences.get(caller.tenant, caller.person().id)


@patch("/me/notifications/preferences", summary="Change how I want to be told", tags=_TAGS)
async def prefer(
    data: JSONBody[PreferenceChange], caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]
) -> Preferences:
    """Change what is named; what is on its way already keeps to it as well."""
    return await grounds.telling.prefer(caller.tenant, caller.person().id, told(data), expected)


@get("/me/notifications/push-key", summary="Read the key that browsers know us by", tags=_TAGS)
async def push_key(caller: Given[Caller], grounds: Given[Grounds]) -> PushKey:
    """Return the public key for Web Push."""
    caller.person()
    return PushKey(grounds.telling.push_key)


@get("/me/notifications/deliveries", summary="List what was sent to me, and how far it came", tags=_TAGS)
async def deliveries(
    caller: Given[Caller],
    grounds: Given[Grounds],
    asked: Given[Asked],
    notification: Annotated[str | None, QueryParameter(max_length=200, description="Of one notification only.")] = None,
) -> Page[Delivery]:
    """Return a page of deliveries to your targets, the newest first."""
    return await grounds.telling.room.deliveries.page(caller.tenant, caller.person().id, asked, notification)


@get(_AT, summary="List where I am told", tags=_TAGS)
async def items(caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked]) -> Page[Target]:
    """Return a page of your targets, the newest first."""
    return await grounds.telling.room.targets.page(caller.tenant, caller.person().id, asked)


@post(_AT, summary="Tell me by one more way", tags=_TAGS)
async def add(data: JSONBody[AddedTarget], caller: Given[Caller], grounds: Given[Grounds]) -> NewTarget:
    """Add a target of yours; a webhook's secret is shown this once."""
    way = data.way(caller)
    return await grounds.telling.add(caller.tenant, caller.person().id, data.name, way, data.severities)


@get(_AT + "/{target:str}", summary="Read a target", tags=_TAGS)
async def read(target: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Target:
    """Return one of your targets and how it stands; what proves who we are is never told."""
    return await grounds.telling.room.targets.get(caller.tenant, caller.person().id, target)


@patch(_AT + "/{target:str}", summary="Change, pause or go on with a target", tags=_TAGS)
async def change(
    target: Id,
    data: JSONBody[TargetChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Target:
    """Change what is named of one of your targets."""
    return await grounds.telling.change(caller.tenant, caller.person().id, target, told(data), expected)


@delete(_AT + "/{target:str}", summary="Tell me there no longer", tags=_TAGS)
async def remove(target: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Remove one of your targets; your notifications stay."""
    await grounds.telling.remove(caller.tenant, caller.person().id, target, expected)


@post(_AT + "/{target:str}/test", summary="Send me a test", tags=_TAGS, status_code=200)
async def test(target: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Tried:
    """Send a test at once; when it arrives, a paused target goes on."""
    return await grounds.telling.test(caller.tenant, caller.person().id, target)


def _needed(field: str, sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(field, sentence)])

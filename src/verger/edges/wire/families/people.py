"""People who speak in a family's words: Verger's own sessions behind them, and the stories they may tell."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import urlsplit

from verger.base.clock import Clock
from verger.base.errors import Forbidden, Refused, Unknown
from verger.base.patience import Patience
from verger.domain.commands.store import CommandStore
from verger.domain.devices.kept import Kept
from verger.domain.places.store import PlaceStore
from verger.domain.telemetry.events import EventStore
from verger.domain.tenancy.model import Caller, Membership, Permission, User, known_as
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.wire.families.call import Call
from verger.flows.adopting import Adopting
from verger.flows.alerting import Alerting
from verger.flows.changing import Changing
from verger.flows.charting import Charting
from verger.flows.clearing import Clearing
from verger.flows.commanding import Commanding
from verger.flows.counting import Counting
from verger.flows.growing import Growing
from verger.flows.provisioning import Provisioning
from verger.flows.ruling import Ruling
from verger.flows.showing import Showing
from verger.flows.tasking import Tasking
from verger.flows.together import Together

COOKIE, COOKIE_LASTS_S = "verger_session", 400 * 86_400
_TENANT = "verger-tenant"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN = "Only Verger's own pages may do this with your cookie; programs send Authorization: Bearer …"
Watch = Callable[[str, Callable[[], Iterable[str]]], AsyncIterator[dict[str, Any]]]
"""Gives what happens in a tenant from now on, of devices that are asked for anew whenever they change.

Words are those of the live socket: {"type": "readings", "device", "at", "values"}, {"type": "task", …} and so on.
"""

Shows = Callable[[str, str], bool]
"""Tells whether somebody of a tenant looks at a device's own page now."""


class Unproven(Unknown):
    """Somebody gave a password that is not that of an account."""

    def __init__(self, sentence: str, account: str) -> None:
        """Keep the sentence, and what failures of the account are counted by."""
        super().__init__(sentence)
        self.account = account


class Stories(Protocol):
    """What people may do, as the API does it."""

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        ...

    @property
    def kept(self) -> Kept:
        """Return what is kept of devices."""
        ...

    @property
    def places(self) -> PlaceStore:
        """Return the places."""
        ...

    @property
    def events(self) -> EventStore:
        """Return the events."""
        ...

    @property
    def showing(self) -> Showing:
        """Return how devices stand."""
        ...

    @property
    def charting(self) -> Charting:
        """Return what was measured."""
        ...

    @property
    def provisioning(self) -> Provisioning:
        """Return what changes devices."""
        ...

    @property
    def changing(self) -> Changing:
        """Return what changes devices together with what is desired of them."""
        ...

    @property
    def adopting(self) -> Adopting:
        """Return what adopts strangers."""
        ...

    @property
    def clearing(self) -> Clearing:
        """Return what takes places away."""
        ...

    @property
    def growing(self) -> Growing:
        """Return what is done with growing cycles."""
        ...

    @property
    def commanding(self) -> Commanding:
        """Return what asks devices."""
        ...

    @property
    def commands(self) -> CommandStore:
        """Return what devices were asked."""
        ...

    @property
    def together(self) -> Together:
        """Return what asks many devices at once."""
        ...

    @property
    def counting(self) -> Counting:
        """Return what counts events by day."""
        ...

    @property
    def ruling(self) -> Ruling:
        """Return what writes rules."""
        ...

    @property
    def alerting(self) -> Alerting:
        """Return what is done with alerts."""
        ...

    @property
    def tasking(self) -> Tasking:
        """Return what is done with tasks."""
        ...


@dataclass(frozen=True)
class People:
    """Knows who asks, and what they may."""

    tenancy: Tenancy
    stories: Stories
    watch: Watch
    shows: Shows
    patience: Patience

    async def log_in(self, email: str, password: str, sentence: str) -> tuple[User, list[Membership], str]:
        """Return who it is, where they are a member, and the token of a new session; raise Unproven, with a sentence.

        Failures are counted by account, together with those of Verger's own pages.
        """
        account = f"account:{known_as(email)}"
        try:
            user = await self.tenancy.users.prove(email, password)
        except Unknown:
            raise Unproven(sentence, account) from None
        self.patience.succeeded(account)
        token = await self.tenancy.sessions.open(user.id)
        return user, await self.tenancy.users.memberships(user.id), token

    async def renew(self, token: str) -> tuple[Caller, str]:
        """Return whose session a token is, and the token of the one that takes its place; raise Unknown."""
        caller = await self.tenancy.sessions.caller(token)
        fresh = await self.tenancy.sessions.open(caller.who.id, caller.tenant)
        await self.tenancy.sessions.end(caller.session or "")
        return caller, fresh

    async def caller(self, call: Call, needs: Permission, word: str = "Bearer") -> Caller:
        """Return who asks by the token after a word in Authorization, if they may; raise Unknown or Forbidden."""
        token = call.bearer(word)
        if not token:
            raise Unknown("Authentication credentials were not provided.")
        try:
            return (await self.tenancy.caller(token)).needs(needs)
        except Unknown:
            raise Unknown("Invalid token.") from None

    async def signed_in(self, call: Call, needs: Permission) -> Caller:
        """Return who asks, by a token or the cookie of Verger's own pages, if they may; raise Unknown or Forbidden.

        Within an enrolment they are asked for as members of its organisation; raise Missing where they are none.
        """
        token = call.bearer() or call.bearer("Token")
        if not token:
            token = _morsel(call)
            if token and not _own_page(call, surely=call.method not in _SAFE):
                raise Forbidden(_FOREIGN)
        if not token:
            raise Unknown("Authentication credentials were not provided.")
        tenant = call.headers.get(_TENANT) if call.door is None else call.door.tenant
        return (await self.tenancy.caller(token, tenant)).needs(needs)

    async def by_cookie(self, call: Call, needs: Permission) -> Caller | None:
        """Return whose browser opens a socket, by its cookie and only from our own or listed pages, if they may."""
        token = _morsel(call)
        if not token or not (call.listed or _own_page(call, surely=False)):
            return None
        try:
            caller = await self.tenancy.sessions.look(token)
        except Refused:  # no session any more, or no member of any organisation
            return None
        return caller if caller.may(needs) else None


def _morsel(call: Call) -> str:
    """Return the token in the session's cookie, "" without one."""
    try:
        morsel = SimpleCookie(call.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _own_page(call: Call, *, surely: bool) -> bool:
    """Tell whether no page of others asks; `surely`: one of ours does, and no program that says nothing of it."""
    origin = call.headers.get("origin")
    if origin is None:
        return call.headers.get("sec-fetch-site", "" if surely else "same-origin") == "same-origin"
    try:
        return urlsplit(origin).netloc == call.headers.get("host", "")
    except ValueError:
        return False


def cookie(call: Call, token: str) -> dict[bytes, bytes]:
    """Return the header by which a browser keeps a session, as Verger's own pages have it kept."""
    told = f"{COOKIE}={token}; Path=/; Max-Age={COOKIE_LASTS_S}; HttpOnly; SameSite=lax"
    return {b"set-cookie": (told + "; Secure" * call.secure).encode()}

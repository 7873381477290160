"""A request as a family's handler gets it, and what it answers with, byte for byte."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec
from multipart import MultipartError, MultipartParser, parse_options_header

from verger.base.errors import Busy, Conflict, Forbidden, Missing, Refused, TooLarge, TooMany, Unknown
from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.asgi import Receive, Scope, Send
from verger.edges.wire.dialects import values
from verger.edges.wire.dialects.family import Voice
from verger.edges.wire.families.desk import Desk
from verger.flows.meeting import Met

_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
_MOST_PARTS = 200  # of a form
_NO_FORM = f"This is not a form of 1 to {_MOST_PARTS} fields in parts."
_PLACE = re.compile(r"\{(\w+)\}")
_STATUS: tuple[tuple[type[Refused], int], ...] = (
    (TooMany, 429),
    (Busy, 503),
    (TooLarge, 413),
    (Forbidden, 403),
    (Missing, 404),
    (Unknown, 401),
    (Conflict, 409),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request below a mount: `path` begins there, `args` are what the pattern of its route names.

    `door` is where strangers without a credential may speak, None outside of every enrolment. `headers` are in lower
    case; `base` is what stands before `path`, for links; `secure`: it came over HTTPS; `listed`: a page of an origin
    that the operator lists opens a socket.
    """

    method: str
    path: str
    args: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    address: str
    door: Admitted | None
    base: str = ""
    secure: bool = False
    listed: bool = False

    def json(self) -> Any:
        """Return what the body says as JSON; raise Garbled."""
        return values.parse_text(self.body)

    def form(self) -> dict[str, str]:
        """Return the fields of a form, in parts or not, or of JSON if that was sent; raise Garbled."""
        if self.headers.get("content-type", "").lower().startswith(_PARTS):
            return _in_parts(self.headers["content-type"], self.body)
        if self.headers.get("content-type", "").startswith(_FORM) or not self.body.lstrip().startswith(b"{"):
            return fields(self.body.decode("utf-8", "replace"))
        return {str(name): "" if value is None else str(value) for name, value in self.json().items()}

    def bearer(self, word: str = "Bearer") -> str:
        """Return the token of the Authorization header after a word, "" without one."""
        said, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if said.lower() == word.lower() else ""


def status_of(refused: Refused, usual: int) -> int:
    """Return the HTTP status of a failure, `usual` for what makes no sense."""
    return next((status for kind, status in _STATUS if isinstance(refused, kind)), usual)


def whole(text: str, low: int, high: int, usual: int) -> int:
    """Return a whole number that was asked for, the nearest that may be; `usual` for what is no number."""
    if not (text.isascii() and text.isdigit()):
        return usual
    digits = text.lstrip("0")
    return high if len(digits) > len(str(high)) else min(max(int(digits or "0"), low), high)


def time_asked(text: str) -> datetime:
    """Return a time that was asked for, in UTC where it names no zone; raise ValueError outside 1970 to 9998."""
    at = datetime.fromisoformat(text.replace(" ", "+"))
    if not 1970 <= at.year < 9999:
        raise ValueError("This time is out of reach.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def fields(form: str) -> dict[str, str]:
    """Return the fields of a form."""
    if "%" in form:
        return dict(parse_qsl(form, keep_blank_values=True))
    pairs = [pair.partition("=") for pair in form.replace("+", " ").split("&") if pair]
    return {name: value for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a family answers; headers beside length and type are named here."""

    status: int = 200
    body: bytes = b""
    media_type: bytes = b"application/json"
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


def compact(told: Any, status: int = 200) -> Reply:
    """Answer JSON without blanks, as most families read it."""
    return Reply(status, msgspec.json.encode(told))


class Shown(Garbled):
    """A message of a device that was refused, which stands on its log page already."""


Sender = Callable[[Desk, Call], Awaitable[str | None]]
"""Returns the device of ours that sent a message which makes no sense, None where that cannot be told."""


async def nobody(_desk: Desk, _call: Call) -> None:
    """Return that no device of ours sent it."""
    return


Handler = Callable[[Desk, Call], Awaitable[Reply]]
"""Answers a call; raises Garbled for what makes no sense, Busy when nothing can be kept, other Refused as they are."""


class Socket(Protocol):
    """A WebSocket that was taken."""

    async def send(self, text: str) -> None:
        """Send text; raise Gone once the other side has left."""
        ...

    async def heard(self) -> str:
        """Return what comes next; raise Gone."""
        ...


Talk = Callable[[Desk, Call, Socket], Awaitable[None]]
"""Speaks on a WebSocket until it returns."""


@dataclass(frozen=True, slots=True)
class Route:
    """A handler and its path, to the slash: "/api/commands/{device}/"; a name stands for one segment.

    `strangers`: whether it is for devices without a credential, who need an enrolment. `sender` tells whose message it
    was, where it is for what devices say.
    """

    method: str
    path: str
    handler: Handler
    strangers: bool = True
    sender: Sender = nobody


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A WebSocket of a family; `allowed` tells whose words the caller may hear there: a tenant's, or None.

    It is asked before the socket is taken, and again before each word on it.
    """

    path: str
    talk: Talk
    allowed: Callable[[Desk, Call], Awaitable[str | None]]


Wait = Callable[[str], Awaitable[None]]
"""Lets whoever comes from an address wait before they are refused, the longer the more often; raises TooMany."""


class Branch(Protocol):
    """An app of a family's own at one path, such as a protocol that a library speaks; it lets people in by itself."""

    async def serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or speak on one socket."""
        ...

    async def close(self) -> None:
        """End what it began."""
        ...


Refusal = Callable[[Call, int, str], Reply]
"""A failure in the shape that the family's clients expect: the call, the HTTP status and a sentence."""


def plain_refusal(_call: Call, status: int, sentence: str) -> Reply:
    """Answer a failure as most families do."""
    return compact({"detail": sentence}, status)


@dataclass(frozen=True)
class HttpFamily:
    """What a family speaks over HTTP: its routes in the order they are tried, its sockets, and how it refuses.

    `invalid` is the status of what makes no sense. `branches` are apps of its own, by their path. `pages` are for
    browsers to open, also where Verger's own are beside them.
    """

    name: str
    routes: Sequence[Route]
    sockets: Sequence[Endpoint] = ()
    refusal: Refusal = plain_refusal
    invalid: int = 400
    branches: Mapping[str, Callable[[Desk, Wait], Branch]] = field(default_factory=dict)
    pages: frozenset[str] = frozenset()

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
        """Return the route of a request and what its pattern names, and whether the path is there at all."""
        there = False
        for route in self.routes:
            named = matched(route.path, path)
            if named is not None:
                if route.method == method:
                    return route, named, True
                there = True
        return None, {}, there


async def heard(desk: Desk, call: Call, dialect: str, voice: Voice) -> Met:
    """Return what became of what a device said, once it is on disk.

    Raise Unknown where it may not speak here, Shown where nothing of it was kept, Busy when it may come again.
    """
    if call.door is None:
        raise Unknown("Nobody is let in here without a credential.")
    met = await desk.hear(call.door, dialect, voice)
    answer = met.answer
    if answer.wait_s:
        raise TooMany(answer.later, retry_s=answer.wait_s)
    if answer.later:
        raise Busy(answer.later, retry_s=60)
    if not answer.kept and answer.refused:
        kind = Unknown if met.barred or not met.known else Shown
        raise kind(answer.refused[0].message)
    return met


def _in_parts(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields of a form that came in parts (RFC 7578); raise Garbled."""
    _, told = parse_options_header(content_type)
    try:
        parts = [*MultipartParser(BytesIO(body), told.get("boundary", ""), part_limit=_MOST_PARTS)]
    except (MultipartError, UnicodeDecodeError):
        raise Garbled(_NO_FORM) from None
    if not parts:
        raise Garbled(_NO_FORM)
    return {part.name: part.raw.decode("utf-8", "replace") for part in parts}


def matched(pattern: str, path: str) -> dict[str, str] | None:
    """Return what a pattern names in a path that fits it to the slash, None where it does not fit."""
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    named: dict[str, str] = {}
    for want, have in zip(wanted, given, strict=True):
        place = _PLACE.fullmatch(want)
        if place and have:
            named[place[1]] = have
        elif want != have:
            return None
    return named

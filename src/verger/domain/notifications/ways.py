"""The ways to a person, what each needs to be gone, and as much of it as may be shown."""

import base64
import binascii
import re
from typing import Annotated, Literal
from urllib.parse import SplitResult, unquote

from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid, Refused
from verger.base.outgoing import checked, discreet, parts_of
from verger.base.secrets import signing_secret

Kind = Literal["email", "webhook", "push", "ntfy", "telegram"]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]

_PART = r"[A-Za-z0-9_-]+"
_CLOUD = "ntfy.sh"
_TOPIC = "Write ntfys://host/topic, or ntfy://topic for ntfy.sh."


class Mail(Struct, frozen=True, tag="email"):
    """An e-mail address."""

    address: str


class Webhook(Struct, frozen=True, tag="webhook"):
    """An address that is posted to, signed with a secret that both sides know."""

    url: str
    secret: str


class Push(Struct, frozen=True, tag="push"):
    """A browser: where its maker takes messages for it, and the keys that only it can open them with."""

    endpoint: str
    p256dh: str
    auth: str


class Ntfy(Struct, frozen=True, tag="ntfy"):
    """A topic of an ntfy server, and what opens it."""

    server: str
    topic: str
    user: str | None = None
    password: str | None = None


class Telegram(Struct, frozen=True, tag="telegram"):
    """A chat of Telegram, and the bot that writes there."""

    token: str
    chat: str


Way = Mail | Webhook | Push | Ntfy | Telegram


class Item(Struct, frozen=True):
    """One thing that a message tells."""

    severity: str
    title: str
    body: str
    at: str
    kind: str
    subject: str | None
    place: str | None
    device: str | None


class Message(Struct, frozen=True, kw_only=True):
    """What leaves the house: `id` stays the same however often it is tried, so that it can be told from another."""

    id: str
    severity: str
    title: str
    body: str
    url: str | None
    items: tuple[Item, ...]


class Closed(Refused):
    """No way leads there yet: whoever runs Verger has to open it first."""


class Gone(Refused):
    """This way leads nowhere any more, and will not again."""


def webhook(url: str) -> Webhook:
    """Return a way to an address over HTTP, with a fresh secret; raise Invalid."""
    return Webhook(checked(url), signing_secret())


def push(endpoint: str, p256dh: str, auth: str) -> Push:
    """Return a way to a browser; raise Invalid."""
    if not endpoint.startswith("https://"):
        raise _wrong("endpoint", "A browser's endpoint begins with https://.")
    for name, text, length in (("p256dh", p256dh, 65), ("auth", auth, 16)):
        if len(_unpacked(text)) != length:
            raise _wrong(f"keys.{name}", f"This is {length} bytes in base64url, as a browser gives it.")
    return Push(checked(endpoint, "endpoint"), p256dh, auth)


def by_url(url: str) -> Ntfy | Telegram:
    """Return a way that is written as Apprise writes it: ntfy://, ntfys:// or tgram://; raise Invalid."""
    scheme, _, rest = url.partition("://")
    if scheme == "tgram":
        return _telegram(rest)
    if scheme in ("ntfy", "ntfys"):
        return _ntfy(url)
    raise _wrong("url", "Write tgram://bot-token/chat, ntfys://host/topic, or ntfy://topic for ntfy.sh.")


def shown(way: Way) -> str:
    """Return as much of a way as tells its owner which it is, and nobody else how to use it."""
    match way:
        case Mail(address):
            return address
        case Webhook(url) | Push(url):
            return discreet(url)
        case Ntfy(server):
            return f"{server}/…"
        case Telegram(_, chat):
            return f"chat {chat}"


def kind_of(way: Way) -> Kind:
    """Return the word for a way."""
    match way:
        case Mail():
            return "email"
        case Webhook():
            return "webhook"
        case Push():
            return "push"
        case Ntfy():
            return "ntfy"
        case Telegram():
            return "telegram"


def _telegram(rest: str) -> Telegram:
    found = re.fullmatch(rf"(?:bot)?(\d+:{_PART})/(-?\d+|@{_PART})/?", rest)
    if found is None:
        raise _wrong("url", "Write tgram://123456:token/chat, the chat as its number or @name.")
    return Telegram(found[1], found[2])


def _ntfy(url: str) -> Ntfy:
    parts = parts_of(url)
    if parts is None or parts.query or parts.fragment:
        raise _wrong("url", _TOPIC)
    server, topic = f"http://{_place(parts)}", parts.path.strip("/")
    if parts.scheme == "ntfys":
        server = f"https://{_place(parts)}"
    if not topic:
        server, topic = f"https://{_CLOUD}", _place(parts)
    if not re.fullmatch(_PART, topic):
        raise _wrong("url", _TOPIC)
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Ntfy(server, topic, user, password)


def _place(parts: SplitResult) -> str:
    """Return host and port of an address, without who calls."""
    return parts.netloc.rpartition("@")[2]


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _wrong(field: str, sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(field, sentence)])

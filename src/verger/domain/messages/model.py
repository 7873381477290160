"""What goes through a tree of topics, and how somebody wants to hear it."""

from msgspec import Struct

KEY = "key:"
"""How the owner of a session begins that is an API key; any other is a device."""


class About(Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """What MQTT 5 tells of a message besides its topic and body, and carries through unchanged."""

    payload_format: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation: bytes | None = None
    user: tuple[tuple[str, str], ...] = ()


NOTHING = About()


class Message(Struct, frozen=True, gc=False):
    """One message; `expires_at` is microseconds since 1970, None for never."""

    topic: str
    body: bytes
    qos: int = 0
    retain: bool = False
    expires_at: int | None = None
    about: About = NOTHING

    @property
    def weight(self) -> int:
        """Return about how many bytes it takes to keep it."""
        about = self.about
        said = sum(len(name) + len(value) for name, value in about.user)
        said += len(about.content_type or "") + len(about.response_topic or "") + len(about.correlation or b"")
        return len(self.topic) + len(self.body) + said

    def expired(self, now: int) -> bool:
        """Tell whether nobody wants to hear it any more."""
        return self.expires_at is not None and self.expires_at <= now


class Subscription(Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """How one topic filter is served (MQTT 5, section 3.8.3.1)."""

    qos: int = 0
    no_local: bool = False
    as_published: bool = False
    identifier: int | None = None


class Letter(Struct, eq=False):
    """A message at QoS 1 or 2 on its way to one client, until that has answered.

    `passing`: it goes with the connection; `sent`: the client may have it; `released`: it said that it has.
    `mark`: once so much of its session is on disk, this is.
    """

    number: int
    message: Message
    qos: int
    retain: bool = False
    identifiers: tuple[int, ...] = ()
    passing: bool = False
    mark: int = 0
    sent: bool = False
    released: bool = False

    @property
    def packet_id(self) -> int:
        """Return its packet identifier, which stays the same over a restart."""
        return (self.number - 1) % 65_535 + 1


class Guest(Struct, frozen=True):
    """A program that was let in: whose tree it sees, as which key of whom, and what that key may do there."""

    tenant: str
    key: str
    reads: bool
    writes: bool
    made_by: str = ""

    @property
    def owner(self) -> str:
        """Return whose its sessions are."""
        return KEY + self.key

"""A call: something to be posted to an address of other people, until it is taken or given up."""

from datetime import datetime
from urllib.parse import urlsplit

from msgspec import Struct

LONGEST = 64 << 10  # bytes of a body


class Call(Struct, frozen=True, kw_only=True):
    """A call that waits: `id` stays the same however often it is tried, `run` is that of the rule that asked for it.

    `target` is who is called; address and body are `sealed`. `error` is why it was not taken when it was tried last.
    """

    id: str
    tenant: str
    run: str
    target: str
    sealed: bytes
    at: datetime
    attempts: int = 0
    error: str | None = None


class Trouble(Struct, frozen=True, kw_only=True):
    """Calls that fail one after another: whoever is called rests until a time, and is not called meanwhile."""

    failures: int
    error: str
    rests_until: datetime | None = None


class Signing(Struct, frozen=True, kw_only=True):
    """What signs the calls of an organisation: until `previous_until` the secret before signs them too."""

    secret: str
    made_at: datetime
    previous_until: datetime | None = None
    version: int = 1


def target_of(url: str) -> str:
    """Return who is called by an address: all of it that is no secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"[:300]

"""Seen: what is kept of how one device is heard."""

from msgspec import Struct


class Seen(Struct, frozen=True):
    """What is kept of one device: all that it said up to a `record` of the log is in it.

    `last_seen` and `silent_since` are microseconds, None for never and for not silent; `heard`, and `back` of who was
    silent before and spoke again, are in listened microseconds; `gaps` are float16 minutes, the oldest first.
    """

    device: str
    last_seen: int | None
    silent_since: int | None
    alerted: bool
    heard: int | None
    back: int | None
    gaps: bytes
    record: int

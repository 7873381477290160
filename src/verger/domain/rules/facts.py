"""What a rule is judged by: `at` is a fact's own time, `now` when it was received; both in microseconds."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class Reading(Struct, frozen=True, gc=False, tag="reading"):
    """A number that a device measured."""

    device: str
    metric: str
    value: float
    at: int
    now: int


class Happened(Struct, frozen=True, gc=False, tag="event"):
    """An event of a device; `key` is by what it is known again when it is sent twice."""

    device: str
    kind: str
    key: str
    at: int
    now: int


class Reported(Struct, frozen=True, gc=False, tag="attribute"):
    """An attribute that a device reported, or that the place has in which it lies; None when it is gone."""

    device: str
    attribute: str
    value: Any
    at: int
    now: int
    of_place: bool = False


class Moved(Struct, frozen=True, gc=False, tag="command"):
    """A command of a device came to a stage."""

    device: str
    method: str
    stage: str
    now: int


class Quiet(Struct, frozen=True, gc=False, tag="quiet"):
    """A device has said nothing for so many seconds while Verger listened; 0 when it has just spoken again.

    Told when it has been silent for as long as a `silent_for_s` of the rule, and when it speaks after that.
    """

    device: str
    seconds: float
    now: int


class Turned(Struct, frozen=True, gc=False, tag="turned"):
    """A device went past its limit of silence, or spoke again."""

    device: str
    silent: bool
    now: int


class Time(Struct, frozen=True, gc=False, tag="time"):
    """Nothing but the time: told once all that the log held at that time has been judged, and timers are due.

    A schedule that was due before `up_since`, when Verger began to run, was missed.
    """

    now: int
    up_since: int = 0


class Together(Struct, frozen=True, gc=False, tag="together"):
    """What a device said of one moment in one message: it is all known before anything of it is judged."""

    device: str
    said: tuple[Reading | Reported, ...]
    at: int
    now: int


Fact = Reading | Happened | Reported | Moved | Quiet | Turned | Time | Together
TIMED = (Reading, Happened, Reported, Together)
"""The facts that have a time of their own."""


def as_one(said: Sequence[Reading | Reported]) -> Reading | Reported | Together:
    """Return one fact of what a device said of one moment."""
    first = said[0]
    return first if len(said) == 1 else Together(first.device, tuple(said), first.at, first.now)

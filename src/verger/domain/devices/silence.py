"""Silence: after how long a device that is not heard counts as silent, and whether people are told."""

from collections.abc import Iterable

from msgspec import Struct

from verger.base.clock import MINUTE, SECOND
from verger.base.errors import Fault, Invalid

LEAST = MINUTE  # nobody is silent sooner, unless a person said so
TIMES = 3  # intervals missed
_SHORTEST_S, _LONGEST_S = 10, 366 * 86_400


class Silence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person chose for a device, or for all of a type; None is what the type says, else the usual.

    `after_s` seconds without a word are silence; `alert` opens an alert then, which is usual.
    """

    after_s: float | None = None
    alert: bool | None = None

    def __post_init__(self) -> None:
        """Refuse a silence that cannot be."""
        if self.after_s is not None and not _SHORTEST_S <= self.after_s <= _LONGEST_S:
            sentence = f"Write {_SHORTEST_S} to {_LONGEST_S} seconds, or leave it out."
            raise Invalid(sentence, [Fault("silence.after_s", sentence)])


class Expected(Struct, frozen=True):
    """How a device is listened to: silent after `limit` microseconds, or by its own rhythm if that is 0."""

    limit: int = 0
    alert: bool = True


def expected(own: Silence, kind: Silence, intervals_s: Iterable[float | None]) -> Expected:
    """Return how a device is listened to by what was chosen for it and its type, and how often that reports metrics."""
    alert = next((choice for choice in (own.alert, kind.alert) if choice is not None), True)
    after_s = own.after_s if own.after_s is not None else kind.after_s
    if after_s is not None:
        return Expected(round(after_s * SECOND), alert)
    interval_s = min((each for each in intervals_s if each is not None and each > 0), default=None)
    return Expected(0 if interval_s is None else max(LEAST, round(TIMES * interval_s * SECOND)), alert)

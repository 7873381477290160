"""The clock: whole microseconds since 1970 in UTC, and one that tests can hold."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time in microseconds since 1970, UTC."""

    def now(self) -> int:
        """Return the time now."""
        ...

    def steady(self) -> int:
        """Return microseconds since some moment; nobody sets them, and the sleep of a machine does not count."""
        ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> int:
        """Return the time now."""
        return time.time_ns() // 1000

    def steady(self) -> int:
        """Return how long the machine has been awake."""
        return time.monotonic_ns() // 1000


class HeldClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: int = 1_800_000_000 * SECOND) -> None:
        """Stand at a time, in microseconds."""
        self.at, self._leapt = at, 0

    def now(self) -> int:
        """Return the time it was set to."""
        return self.at

    def steady(self) -> int:
        """Return the time without its leaps."""
        return self.at - self._leapt

    def advance(self, seconds: float) -> None:
        """Move on by some seconds."""
        self.at += round(seconds * SECOND)

    def leap(self, seconds: float) -> None:
        """Be set forward by some seconds, or awake after them."""
        self.advance(seconds)
        self._leapt += round(seconds * SECOND)


def moment(at: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=at)


def microseconds(at: datetime) -> int:
    """Return an aware datetime as microseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds

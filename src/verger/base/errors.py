"""Expected failures: few, readable, and fit to be shown to a person."""

from collections.abc import Sequence

from msgspec import Struct


class Fault(Struct, frozen=True):
    """What is wrong with one field, as a sentence for a person."""

    field: str
    message: str


class Refused(Exception):
    """Base of every expected failure; `str(error)` is a sentence that says what to do."""

    def __init__(self, sentence: str, faults: Sequence[Fault] = ()) -> None:
        """Keep the sentence, and one fault for each field that is at fault."""
        super().__init__(sentence)
        self.faults = tuple(faults)


class Invalid(Refused):
    """What was sent cannot be right."""


class Missing(Refused):
    """It is not there, or it is not yours: both are told alike."""


class Conflict(Refused):
    """It clashes with what is there."""


class Stale(Conflict):
    """It changed since it was read."""


class Forbidden(Refused):
    """Your role may not do this."""


class Unknown(Refused):
    """Nobody we know is speaking."""


class TooLarge(Refused):
    """It is larger than the limit."""


class Busy(Refused):
    """Not now: the sentence says why, `retry_s` when to try again, in seconds."""

    def __init__(self, sentence: str, retry_s: int = 1) -> None:
        """Keep the sentence and the seconds to wait."""
        super().__init__(sentence)
        self.retry_s = retry_s


class TooMany(Busy):
    """More requests than the limit allows."""

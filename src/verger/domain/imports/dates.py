"""Dates that begin with the day or the month, 31.12.2026 or 12/31/2026: which a file means, and what they say."""

import re
from datetime import datetime
from typing import Literal

from verger.base.errors import Fault, Invalid

Order = Literal["day_first", "month_first"]
_DATE = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})"
    r"(?:(?:\s*,\s*|\s+|T)(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,6}))?)?(?:\s*([AaPp])\.?[Mm]\.?)?)?"
)
_MOST_MONTHS = 12


def read(text: str, order: Order) -> datetime:
    """Return a time as it is written, without a zone; raise ValueError."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("this is no such date")
    first, _, second, year, hour, minute, part, fraction, half = found.groups()
    day, month = (first, second) if order == "day_first" else (second, first)
    hours = int(hour or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            raise ValueError("there is no such hour")
        hours = hours % 12 + (12 if half in "Pp" else 0)
    micro = int((fraction or "").ljust(6, "0"))
    return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(part or 0), micro)  # noqa: DTZ001  its zone is told elsewhere


class Guess:
    """What the dates of a file can only mean, once all of them were looked at."""

    def __init__(self) -> None:
        """Have seen none."""
        self.seen = 0
        self._example = ""
        self._day_first = self._month_first = False

    def look(self, text: str) -> bool:
        """Look at a time; whether it is such a date."""
        found = _DATE.fullmatch(text)
        if found is None:
            return False
        self.seen += 1
        self._example = self._example or text
        self._day_first = self._day_first or int(found[1]) > _MOST_MONTHS
        self._month_first = self._month_first or int(found[3]) > _MOST_MONTHS
        return True

    def order(self) -> Order:
        """Return the only order that all dates fit; raise Invalid, which asks for it, where they do not tell."""
        if self._day_first != self._month_first:
            return "day_first" if self._day_first else "month_first"
        why = "begin now with the day, now with the month" if self._day_first else "may begin with the day or the month"
        sentence = f"Dates such as “{self._example[:40]}” {why}: say which, day_first or month_first."
        raise Invalid(sentence, [Fault("reading.time", sentence)])

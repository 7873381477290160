"""Periods: days, weeks and months, as figures of what was are told by; and how much one question may ask."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

from verger.base.errors import Fault, Invalid
from verger.base.plural import counted

Period = Literal["day", "week", "month"]

ONE_DAY = timedelta(days=1)
_EARLIEST, _LATEST = date(1970, 1, 1), date(2200, 1, 1)
_USUAL_DAYS, _USUAL_WEEKS, _USUAL_MONTHS = 30, 26, 12


class When(Struct, frozen=True, kw_only=True):
    """From a day to before another, by which period; left out it is 30 days, 26 weeks or 12 months, up to today."""

    by: Period = "day"
    start: date | None = None
    end: date | None = None


@dataclass
class Bounds:
    """How much one question may ask: `hours` are of all series together. What was `refused` for it only grows."""

    days: int = 3_660
    sums: int = 100_000
    kinds: int = 50
    hours: int = 1_000_000  # a year of a hundred series
    refused: int = 0

    def refuse(self, name: str, sentence: str) -> Invalid:
        """Return why a question asks too much."""
        self.refused += 1
        return refused(name, sentence)


def days(when: When, today: date, bounds: Bounds) -> tuple[date, date]:
    """Return from which day to before which; raise Invalid where there are none, or too many."""
    until = today + ONE_DAY if when.end is None else when.end
    if not _EARLIEST < until <= _LATEST:
        raise refused("to", f"Give a day from {_EARLIEST} to {_LATEST}.")
    since = when.start
    if since is None:
        since = max(_usual(until - ONE_DAY, when.by), until - timedelta(days=bounds.days))
    if not since < until:
        raise refused("to", "Give a day after `from`: it is not counted any more.")
    if since < _EARLIEST or (until - since).days > bounds.days:
        raise bounds.refuse("from", f"Ask for {counted(bounds.days, 'day')} at most, from {_EARLIEST} on.")
    return since, until


def refused(name: str, sentence: str) -> Invalid:
    """Return why something cannot be asked for."""
    return Invalid(sentence, [Fault(name, sentence)])


def begins(day: date, by: Period) -> date:
    """Return the day on which the period of a day begins: weeks on Monday."""
    if by == "week":
        return day - day.weekday() * ONE_DAY
    return day.replace(day=1) if by == "month" else day


def _usual(last: date, by: Period) -> date:
    """Return the first day of the usual time up to a last one."""
    if by == "day":
        return max(_EARLIEST, last - (_USUAL_DAYS - 1) * ONE_DAY)
    if by == "week":
        return max(_EARLIEST, begins(last, by) - timedelta(weeks=_USUAL_WEEKS - 1))
    year, month = divmod(last.year * 12 + last.month - _USUAL_MONTHS, 12)
    return max(_EARLIEST, date(year, month + 1, 1))

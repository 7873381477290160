"""Schedules in five fields, as in crontab(5): minute, hour, day of the month, month, day of the week."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

from msgspec import Struct

from verger.base.clock import moment
from verger.domain.rules.wall import instant

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_NAMED = {3: {name: at for at, name in enumerate(_MONTHS, 1)}, 4: {name: at for at, name in enumerate(_DAYS)}}
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST_LEAP = 120  # minutes that a clock is put forward or back, at most
_SEARCHED_DAYS = 366 * 8 + 3  # 29 February may be eight years off


class Cron(Struct, frozen=True):
    """When a schedule is due; with both days restricted either of them will do, as in crontab(5)."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the schedule that a text tells; raise ValueError with a sentence that says what to write."""
        parts = _WORDS.get(text.strip().lower(), text).lower().split()
        if len(parts) != 5:
            raise ValueError('Write five fields, minute, hour, day, month, weekday, such as "30 6 * * mon-fri".')
        fields = [_field(part, at) for at, part in enumerate(parts)]
        return cls(
            minutes=tuple(sorted(fields[0])),
            hours=tuple(sorted(fields[1])),
            days=frozenset(fields[2]),
            months=frozenset(fields[3]),
            weekdays=frozenset(day % 7 for day in fields[4]),
            either=not parts[2].startswith("*") and not parts[4].startswith("*"),
        )

    @staticmethod
    def trouble(text: str) -> str:
        """Return what is wrong with a text as a sentence, empty when nothing is."""
        try:
            cron = Cron.read(text)
        except ValueError as wrong:
            return str(wrong)
        return "" if cron.next(0, ZoneInfo("UTC")) is not None else "There is no such day in any year."

    def next(self, after: int, zone: ZoneInfo) -> int | None:
        """Return when it is due next after an instant, in microseconds; None when it never is."""
        there = moment(after).astimezone(zone)
        begin = there.hour * 60 + there.minute - _LONGEST_LEAP
        for days in range(_SEARCHED_DAYS):
            day = there.date() + timedelta(days=days)
            if self.on(day.month, day.day, day.isoweekday() % 7):
                due = next((at for at in self._times(day, zone, 0 if days else begin) if at > after), None)
                if due is not None:
                    return due
        return None

    @property
    def times(self) -> frozenset[int]:
        """Return the minutes of a day at which it is due."""
        return frozenset(hour * 60 + minute for hour in self.hours for minute in self.minutes)

    def on(self, month: int, day: int, weekday: int) -> bool:
        """Tell whether it is due on a day, by its date and its day of the week, of which 0 is Sunday."""
        if month not in self.months:
            return False
        by_day, by_weekday = day in self.days, weekday in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday

    def falls(self, day: date, minute: int) -> bool:
        """Tell whether it is due at a minute of a day, were there one."""
        hour, rest = divmod(minute, 60)
        due = hour in self.hours and rest in self.minutes
        return due and self.on(day.month, day.day, day.isoweekday() % 7)

    def _times(self, day: date, zone: ZoneInfo, begin: int) -> Iterator[int]:
        """Give when it is due on a day from a minute on."""
        for hour in self.hours:
            if hour * 60 + 60 > begin:
                for minute in self.minutes:
                    yield instant(day, hour * 60 + minute, zone)


@lru_cache(maxsize=1024)
def cron_of(text: str) -> Cron:
    """Return the schedule of a text that was checked."""
    return Cron.read(text)


def _field(text: str, at: int) -> set[int]:
    name, low, high = _FIELDS[at]
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            begin, end = low, high
        else:
            first, dash, last = span.partition("-")
            begin = _number(first, at)
            end = _number(last, at) if dash else (high if step else begin)
        every = int(step) if step.isdecimal() else 0 if "/" in part else 1
        if begin > end or every < 1:
            raise ValueError(f"The {name} {part} is none: write such as 5, 1-5, */10 or 1,15.")
        found.update(range(begin, end + 1, every))
    return found


def _number(text: str, at: int) -> int:
    name, low, high = _FIELDS[at]
    number = _NAMED.get(at, {}).get(text, int(text) if text.isdecimal() else -1)
    if not low <= number <= high:
        raise ValueError(f"The {name} is a number from {low} to {high}, not {text or 'nothing'}.")
    return number

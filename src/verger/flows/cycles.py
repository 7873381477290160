"""Cycles: so many minutes on and so many off, over and over from midnight, as schedules of ordinary rules."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from verger.base.errors import Fault, Invalid
from verger.domain.rules.conditions import MOST_CONDITIONS, Condition

_DAY = 24 * 60
_FIELD = "lamp_schedule"


class Cycle(Struct, frozen=True):
    """Minutes on, then minutes off; it begins anew at each midnight of the place."""

    on_minutes: int
    off_minutes: int

    def __post_init__(self) -> None:
        """Refuse a cycle that cannot be."""
        if self.on_minutes < 1 or self.off_minutes < 1 or self.on_minutes + self.off_minutes > _DAY:
            sentence = f"{_FIELD}: on_minutes and off_minutes are 1 or more, and a day together at most."
            raise Invalid(sentence, [Fault(_FIELD, sentence)])
        for starts in (self._starts(0), self._starts(self.on_minutes)):
            if len(_by_minute(starts)) > MOST_CONDITIONS:
                sentence = f"{_FIELD}: choose minutes that make an hour, a part of one, or whole hours together."
                raise Invalid(sentence, [Fault(_FIELD, sentence)])

    @property
    def ons(self) -> Condition:
        """Return the moments at which it turns on."""
        return _schedule(self._starts(0))

    @property
    def offs(self) -> Condition:
        """Return the moments at which it turns off."""
        return _schedule(self._starts(self.on_minutes))

    def _starts(self, first: int) -> range:
        return range(first, _DAY, self.on_minutes + self.off_minutes)

    @classmethod
    def of(cls, ons: Condition, offs: Condition) -> Self | None:
        """Return the cycle that two conditions are of, None for others."""
        on, off = _minutes(ons), _minutes(offs)
        if not on or not off or on[0] != 0:
            return None
        period = on[1] if len(on) > 1 else _DAY
        try:
            cycle = cls(off[0], period - off[0])
        except Invalid:
            return None
        return cycle if (cycle.ons, cycle.offs) == (ons, offs) else None


def _by_minute(starts: Iterable[int]) -> dict[int, list[int]]:
    hours: dict[int, list[int]] = defaultdict(list)
    for start in starts:
        hours[start % 60].append(start // 60)
    return hours


def _schedule(starts: Iterable[int]) -> Condition:
    each = [Condition(schedule=f"{minute} {_hours(hours)} * * *") for minute, hours in _by_minute(starts).items()]
    return each[0] if len(each) == 1 else Condition(any=tuple(each))


def _hours(hours: list[int]) -> str:
    return "*" if len(hours) == 24 else ",".join(map(str, hours))


def _minutes(condition: Condition) -> list[int]:
    """Return the minutes of a day of which such a schedule tells, in order; none for any other."""
    found = []
    for each in condition.any or (condition,):
        parts = (each.schedule or "").split()
        if len(parts) != 5 or not parts[0].isdecimal():
            return []
        hours = [str(hour) for hour in range(24)] if parts[1] == "*" else parts[1].split(",")
        if not all(map(str.isdecimal, hours)):
            return []
        found += [int(hour) * 60 + int(parts[0]) for hour in hours]
    return sorted(found)

"""Rounds: which control unit asks, though its requests bring no id but that of its breaker; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from verger.base.clock import SECOND

Line = tuple[str, ...]
"""Where requests come in: whose, by which enrolments, and from which address."""

_LEFT = 60 * SECOND  # a unit that told nothing for so long is not expected there any more
_ASKS_WITHIN = 10 * SECOND  # of its breaker; each of its requests takes five seconds at most
_MOST_LINES = 10_000


@dataclass
class _Here:
    """The units of one line: when each told its breaker last, and who has not asked for its focus since, in order."""

    told: dict[str, int] = field(default_factory=dict)
    to_ask: list[str] = field(default_factory=list)


class Rounds:
    """Knows units by the order of what they do: one thing after the other, the breaker before the focus."""

    def __init__(self) -> None:
        """Know nobody."""
        self._lines: dict[Line, _Here] = {}

    def told(self, line: Line, unit: str, now: int) -> None:
        """Know that a unit told its breaker: what is asked there next is most likely its question."""
        here = self._lines.pop(line, None) or _Here()
        self._lines[line] = here  # the line that was quiet longest stands first
        here.told = {each: at for each, at in here.told.items() if now - at < _LEFT} | {unit: now}
        here.to_ask = [each for each in here.to_ask if each != unit and each in here.told] + [unit]
        if len(self._lines) > _MOST_LINES:
            del self._lines[next(iter(self._lines))]

    def at(self, line: Line, now: int) -> Sequence[str]:
        """Return the units that speak on a line."""
        here = self._lines.get(line)
        return [] if here is None else [each for each, at in here.told.items() if now - at < _LEFT]

    def asks(self, line: Line, now: int) -> str | None:
        """Return the unit that asks for its focus: of several the first that told its breaker and did not ask since."""
        here = self._lines.get(line)
        while here is not None and here.to_ask:
            unit = here.to_ask.pop(0)
            if now - here.told[unit] < _ASKS_WITHIN:
                return unit
        return self.only(line, now)

    def only(self, line: Line, now: int) -> str | None:
        """Return the unit of a line on which no other speaks."""
        units = self.at(line, now)
        return units[0] if len(units) == 1 else None

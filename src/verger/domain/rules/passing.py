"""Readings that a rise or fall has to take note of, though nothing else changes by them."""

from msgspec import structs

from verger.domain.rules.conditions import Condition
from verger.domain.rules.memory import Leaf
from verger.domain.rules.windows import Window


class Passing:
    """One condition of a rule while readings pass by; `condition` says by number which of its row that is.

    When it ends by itself may come later meanwhile, never sooner.
    """

    __slots__ = ("_due", "_last", "_next", "_window", "condition")

    def __init__(self, number: int, condition: Condition, leaf: Leaf) -> None:
        """Go on from what is remembered."""
        self.condition = number
        self._window = Window(condition, leaf.window)
        self._due = self._next = leaf.due
        self._last: tuple[int, float] | None = None

    def changes(self, at: int, value: float) -> bool:
        """Tell whether the next reading is to be judged; if not, it is to be noted."""
        due = self._next = self._window.take(at, value)
        if due is None or self._due is None:
            return due is not self._due
        return due < self._due

    def note(self, at: int, value: float) -> None:
        """Take note of a reading that changes nothing."""
        self._due, self._last = self._next, (at, value)

    def noted(self, leaf: Leaf) -> Leaf:
        """Return what was remembered with all in it that has been noted since."""
        if self._last is None:
            return leaf
        at, value = self._last
        return structs.replace(leaf, at=at, value=value, due=self._due, window=self._window.readings)

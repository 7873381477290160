"""Readings that a rise or fall has to take note of, though nothing else changes by them."""

from msgspec import structs

from verger.domain.rules.compiled import Compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.facts import Reading
from verger.domain.rules.memory import Leaf, Memory
from verger.domain.rules.windows import Window


def passed(rule: Compiled, memory: Memory, reading: Reading) -> Memory | None:
    """Return a memory in which rises and falls took note of a reading, None where more than that may change by it."""
    now = max(reading.now, memory.heard)
    if (memory.wake_at is not None and memory.wake_at <= now) or reading.now - reading.at > rule.late:
        return None
    leaves, noted = list(memory.leaves), False
    for number, condition in enumerate(rule.leaves):
        leaf = leaves[number]
        if condition.between is not None:
            return None
        if condition.metric == reading.metric and (condition.device or memory.device) == reading.device:
            after = _noted(condition, leaf, reading) if reading.at > leaf.at else None
            if after is None or (number in rule.denied and number < rule.whens):
                return None
            leaves[number], noted = after, True
    return structs.replace(memory, leaves=tuple(leaves), heard=now) if noted else None


def _noted(condition: Condition, leaf: Leaf, reading: Reading) -> Leaf | None:
    """Return what is known of a rise or fall that does not hold and still does not."""
    if condition.within_s is None or leaf.holds is not False or leaf.stale:
        return None
    window = Window(condition, leaf.window)
    if window.take(reading.at, reading.value) is not None:
        return None
    return Leaf(holds=False, since=leaf.since, at=reading.at, value=reading.value, window=window.readings)


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

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
    """One condition of a rule while readings pass by: of which device it is judged, and by number which of its row."""

    __slots__ = ("_due", "_last", "_next", "_window", "condition", "subject")

    def __init__(self, subject: str | None, number: int, condition: Condition, leaf: Leaf) -> None:
        """Go on from what is remembered."""
        self.subject, self.condition = subject, number
        self._window = Window(condition, leaf.window)
        self._due = self._next = leaf.due
        self._last: tuple[int, float] | None = None

    def changes(self, at: int, value: float) -> bool:
        """Tell whether the next reading is to be judged; if not, it is to be noted."""
        self._next = self._window.take(at, value)
        return (self._next is None) is not (self._due is None)

    def note(self, at: int, value: float) -> int | None:
        """Take note of a reading that changes nothing; return when the condition ends if that is sooner now."""
        before, self._due, self._last = self._due, self._next, (at, value)
        return self._due if self._due is not None and before is not None and self._due < before else None

    def noted(self, leaf: Leaf) -> Leaf:
        """Return what was remembered with all in it that has been noted since."""
        if self._last is None:
            return leaf
        at, value = self._last
        return structs.replace(leaf, at=at, value=value, due=self._due, window=self._window.readings)

"""Whether a rule's conditions hold at a time: true, false, or not known."""

from collections.abc import Collection, Iterator

from msgspec import Struct

from verger.domain.rules.compiled import Compiled, Node
from verger.domain.rules.memory import Leaf
from verger.domain.rules.wall import between, minute_of


class Truth(Struct, frozen=True):
    """What holds at a time, with what a moment made true; `pulsed` tells whether it holds for that moment only."""

    rule: Compiled
    leaves: tuple[Leaf, ...]
    at: int
    pulses: Collection[int] = ()

    def of(self, node: Node) -> bool | None:
        """Tell whether a condition holds, None when it cannot be known yet."""
        if isinstance(node, int):
            return self._leaf(node)
        kind, children = node
        values = [self.of(child) for child in children]
        if kind == "not":
            return None if values[0] is None else not values[0]
        decides = kind == "any"
        if decides in values:
            return decides
        return None if None in values else not decides

    def _leaf(self, at: int) -> bool | None:
        condition, leaf = self.rule.leaves[at], self.leaves[at]
        if condition.momentary:
            return at in self.pulses
        if condition.between is not None:
            return self._in_part_of_day(condition.between, leaf)
        if leaf.holds is None or leaf.stale:
            return None
        return leaf.holds and leaf.ripe

    def _in_part_of_day(self, part: tuple[str, str], leaf: Leaf) -> bool:
        if leaf.due is not None and leaf.since <= self.at < leaf.due:
            return leaf.holds is True
        begin, end = map(minute_of, part)  # what was said together is judged each at its own time
        return between(begin or 0, end or 0, self.at, self.rule.zone)[0]

    def pulsed(self, node: Node) -> bool:
        """Tell whether a condition holds by something that is true at this moment only."""
        if isinstance(node, int):
            return node in self.pulses
        kind, children = node
        return kind != "not" and self.of(node) is True and any(map(self.pulsed, children))

    def reasons(self, node: Node) -> Iterator[tuple[int, bool]]:
        """Give each condition by which one holds; False with those that do not hold, as they should not."""
        yield from self._reasons(node, wanted=True)

    def _reasons(self, node: Node, *, wanted: bool) -> Iterator[tuple[int, bool]]:
        if isinstance(node, int):
            yield node, wanted
            return
        kind, children = node
        for child in children:
            of_child = not wanted if kind == "not" else wanted
            if self.of(child) is of_child:
                yield from self._reasons(child, wanted=of_child)

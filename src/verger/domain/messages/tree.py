"""Who listens to which topics of one tenant: the subscriptions, ordered by levels so that a topic finds them fast."""

from collections.abc import Iterator

from verger.domain.messages.model import Subscription
from verger.domain.messages.standing import Standing
from verger.domain.messages.topics import shared, split


class _Node:
    """One level of the tree."""

    __slots__ = ("below", "groups", "hearers")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.hearers: dict[Standing, Subscription] = {}
        self.groups: dict[str, dict[Standing, Subscription]] = {}

    @property
    def bare(self) -> bool:
        return not (self.below or self.hearers or self.groups)


class Tree:
    """The subscriptions of one tenant; `size` counts them."""

    def __init__(self) -> None:
        """Have no listeners."""
        self.size = 0
        self._root = _Node()

    def add(self, topic_filter: str, hearer: Standing, how: Subscription) -> None:
        """Let somebody hear what a filter covers, or hear it otherwise."""
        group, plain = shared(topic_filter)
        node = self._root
        for level in split(plain):
            node = node.below.setdefault(level, _Node())
        hearers = node.hearers if group is None else node.groups.setdefault(group, {})
        self.size += hearer not in hearers
        hearers[hearer] = how

    def remove(self, topic_filter: str, hearer: Standing) -> None:
        """Let somebody hear it no longer."""
        group, plain = shared(topic_filter)
        node, way = self._root, list[tuple[_Node, str]]()
        for level in split(plain):
            if level not in node.below:
                return
            way.append((node, level))
            node = node.below[level]
        hearers = node.hearers if group is None else node.groups.get(group, {})
        self.size -= hearers.pop(hearer, None) is not None
        if group is not None and not hearers:
            node.groups.pop(group, None)
        for above, level in reversed(way):
            if not above.below[level].bare:
                return
            del above.below[level]

    @property
    def bare(self) -> bool:
        """Whether nothing is left of what anybody listened to."""
        return self._root.bare

    def hearers(self, topic: str) -> Iterator[tuple[Standing, Subscription]]:
        """Give everybody who hears a topic, once for each of their filters; of a group the one whose turn it is."""
        for node in self._covering(split(topic)):
            yield from list(node.hearers.items())
            for group in node.groups.values():
                yield _next(group)

    def heard(self, topic: str) -> bool:
        """Tell whether anybody hears a topic."""
        return any(node.hearers or node.groups for node in self._covering(split(topic)))

    def _covering(self, levels: list[str]) -> Iterator[_Node]:
        nodes = [self._root]
        for depth, level in enumerate(levels):
            wild = depth > 0 or not level.startswith("$")
            following = []
            for node in nodes:
                if wild and "#" in node.below:
                    yield node.below["#"]
                if level in node.below:
                    following.append(node.below[level])
                if wild and "+" in node.below:
                    following.append(node.below["+"])
            nodes = following
        for node in nodes:
            yield node
            if "#" in node.below:
                yield node.below["#"]


def _next(group: dict[Standing, Subscription]) -> tuple[Standing, Subscription]:
    """Return whose turn it is: in order, those who are connected before those who are away."""
    chosen = next((each for each in group if each.line is not None), next(iter(group)))
    how = group.pop(chosen)
    group[chosen] = how
    return chosen, how

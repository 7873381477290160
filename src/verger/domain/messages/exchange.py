"""The exchange: what is posted in a tenant's tree of topics reaches everybody who listens there, and nobody else."""

from collections.abc import Callable, Collection, Iterator
from weakref import WeakSet, WeakValueDictionary

from verger.domain.messages.keeper import Keeper
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Message, Subscription
from verger.domain.messages.retained import Retained
from verger.domain.messages.room import Room
from verger.domain.messages.standing import Standing
from verger.domain.messages.topics import tells_of
from verger.domain.messages.tree import Tree
from verger.domain.messages.wills import Wills


class Exchange:
    """The trees of all tenants, and the room that their inboxes share; `posted` only grows.

    What it changes is on disk once the keeper says so.
    """

    def __init__(
        self,
        keeper: Keeper,
        retained: Retained,
        room: Room,
        bounds: Callable[[str], tuple[int, int]] | None = None,
        wills: Wills | None = None,
    ) -> None:
        """Have no listeners; every tenant has as much room as the one given.

        `bounds` tells how many messages and bytes one inbox of a tenant may hold, where that differs.
        """
        self.keeper, self.retained, self.wills = keeper, retained, wills or Wills(keeper)
        self.posted = 0
        self._room, self._bounds = room, bounds
        self._rooms: dict[str, Room] = {}
        self._lasting: WeakValueDictionary[str, Memory] = WeakValueDictionary()
        self._memories: WeakSet[Memory] = WeakSet()
        self._trees: dict[str, Tree] = {}
        self._changed: set[str] = set()

    def room(self, tenant: str) -> Room:
        """Return the room of a tenant's inboxes."""
        known = self._rooms.get(tenant)
        if known is None:
            known = self._rooms[tenant] = Room(*self._size(tenant), self._room.together)
        return known

    def look(self) -> None:
        """Hold every tenant's inboxes to the bounds that there are now, from the next message on."""
        for tenant, room in self._rooms.items():
            room.messages, room.size = self._size(tenant)

    def _size(self, tenant: str) -> tuple[int, int]:
        return self._bounds(tenant) if self._bounds else (self._room.messages, self._room.size)

    def remember(self, memory: Memory) -> None:
        """Know a session, and one that is kept on disk by its name there."""
        self._memories.add(memory)
        if memory.name:
            self._lasting[memory.name] = memory

    def received(self, session: str, packet_id: int, number: int) -> None:
        """Let a session know, if there still is one of that name, that a message of its client at QoS 2 was kept."""
        memory = self._lasting.get(session)
        if memory is not None and memory.name:
            memory.learn(packet_id, number)

    async def forget(self, tenant: str, ids: Collection[str]) -> None:
        """Drop what waits in inboxes, is retained or left of deleted devices and places; off the disk on return."""

        def gone(message: Message) -> bool:
            return tells_of(message.topic, message.body, ids)

        room = self._rooms.get(tenant)
        for memory in [each for each in self._memories if each.room is room]:
            memory.forget(gone)
        self.retained.forget(tenant, gone)
        self.wills.forget(tenant, gone)
        await self.keeper.kept()

    @property
    def rooms(self) -> list[Room]:
        """Return every tenant's room."""
        return list(self._rooms.values())

    @property
    def subscriptions(self) -> int:
        """Return how many there are."""
        return sum(tree.size for tree in self._trees.values())

    def tree(self, tenant: str) -> Tree | None:
        """Return who listens in a tenant's tree, None for nobody."""
        return self._trees.get(tenant)

    def changed(self) -> set[str]:
        """Return the tenants whose listeners are others than when this was asked last; for one who follows them."""
        changed, self._changed = self._changed, set()
        return changed

    @property
    def listening(self) -> bool:
        """Whether anybody listens to anything."""
        return bool(self._trees)

    def post(self, tenant: str, message: Message, by: Standing | None = None) -> int:
        """Give a message to everybody who hears its topic; return to how many.

        Raises Busy, and reaches nobody, when it cannot be retained.
        """
        if message.retain:
            self.retained.keep(tenant, message)
        self.posted += 1
        tree = self._trees.get(tenant)
        if tree is None:
            return 0
        found: dict[Standing, list[Subscription]] = {}
        for hearer, how in tree.hearers(message.topic):
            if not (how.no_local and hearer is by):
                found.setdefault(hearer, []).append(how)
        for hearer, several in found.items():
            qos = min(message.qos, max(how.qos for how in several))
            retain = message.retain and any(how.as_published for how in several)
            identifiers = tuple(how.identifier for how in several if how.identifier is not None)
            hearer.hear(message, qos, retain=retain, identifiers=identifiers)
        return len(found)

    def subscribe(self, standing: Standing, topic_filter: str) -> None:
        """Let a session hear what it has subscribed to."""
        tree = self._trees.setdefault(standing.tenant, Tree())
        tree.add(topic_filter, standing, standing.memory.subscriptions[topic_filter])
        self._changed.add(standing.tenant)

    def unsubscribe(self, standing: Standing, topic_filter: str) -> None:
        """Let a session hear it no longer."""
        tree = self._trees.get(standing.tenant)
        if tree is not None:
            tree.remove(topic_filter, standing)
            self._changed.add(standing.tenant)
            if not tree.size:
                del self._trees[standing.tenant]

    def leave(self, standing: Standing) -> None:
        """Let a session that is over hear nothing any more."""
        for topic_filter in standing.memory.subscriptions:
            self.unsubscribe(standing, topic_filter)

    def remind(self, standing: Standing, topic_filter: str) -> Iterator[int]:
        """Send a session what is retained where one of its filters covers it, a message a step; give its weight."""
        for topic in self.retained.topics(standing.tenant, topic_filter):
            how = standing.memory.subscriptions.get(topic_filter)
            message = self.retained.at(standing.tenant, topic)
            if how is not None and message is not None:
                identifiers = () if how.identifier is None else (how.identifier,)
                standing.hear(message, min(message.qos, how.qos), retain=True, identifiers=identifiers)
                yield message.weight

"""Retained messages: the last word at each topic, for whoever comes to hear it."""

from collections.abc import Callable

from verger.base.clock import DAY, Clock
from verger.base.errors import Busy
from verger.domain.messages.keeper import Keeper
from verger.domain.messages.model import Message
from verger.domain.messages.topics import matches

_TOPIC_BYTES = 100  # what a topic takes besides its message


class Retained:
    """What every tenant retains: in memory, and on disk by way of the keeper.

    A tenant has at most `most` topics and `size` bytes; what is older than `days` goes. `refused` counts what found no
    room, `expired` what was too old.
    """

    def __init__(self, keeper: Keeper, clock: Clock, most: int = 10_000, size: int = 4 << 20, days: int = 365) -> None:
        """Retain nothing yet."""
        self.refused = self.expired = 0
        self._keeper, self._clock = keeper, clock
        self._most, self._size, self._days = most, size, days
        self._tenants: dict[str, dict[str, tuple[Message, int]]] = {}  # with the time until which it stays
        self._used: dict[str, int] = {}

    @property
    def messages(self) -> int:
        """Return how many there are."""
        return sum(len(topics) for topics in self._tenants.values())

    @property
    def used(self) -> int:
        """Return about how many bytes they take."""
        return sum(self._used.values())

    def recall(self, tenant: str, message: Message, until: int) -> None:
        """Take up what is on disk."""
        self._put(tenant, message, until)

    def keep(self, tenant: str, message: Message) -> None:
        """Retain a message in place of the one before, or, if it is empty, none; raise Busy when there is no room."""
        topics = self._tenants.get(tenant, {})
        if not message.body:
            if message.topic in topics:
                self._drop(tenant, message.topic)
            return
        before = topics.get(message.topic)
        more = _weight(message) - (0 if before is None else _weight(before[0]))
        full = before is None and len(topics) >= self._most
        if full or self._used.get(tenant, 0) + more > self._size:
            self.refused += 1
            raise Busy("There is no room for a further retained message; remove some with an empty one.")
        until = self._clock.now() + self._days * DAY
        until = until if message.expires_at is None else min(until, message.expires_at)
        self._put(tenant, message, until)
        self._keeper.retain(tenant, message.topic, (message, until))

    def topics(self, tenant: str, topic_filter: str) -> list[str]:
        """Return the topics that a filter covers and where something is retained."""
        topics = self._tenants.get(tenant, {})
        if not set("+#") & set(topic_filter):
            return [topic_filter] if topic_filter in topics else []
        return [topic for topic in topics if matches(topic_filter, topic)]

    def at(self, tenant: str, topic: str) -> Message | None:
        """Return what is retained at a topic by now, None for nothing."""
        message, until = self._tenants.get(tenant, {}).get(topic, (None, 0))
        return message if until > self._clock.now() else None

    def of(self, tenant: str, topic_filter: str) -> list[Message]:
        """Return what is retained where a filter covers it."""
        found = [self.at(tenant, topic) for topic in self.topics(tenant, topic_filter)]
        return [message for message in found if message is not None]

    def forget(self, tenant: str, gone: Callable[[Message], bool]) -> None:
        """Let go of what is to be read by nobody any more."""
        for topic in [topic for topic, (message, _) in self._tenants.get(tenant, {}).items() if gone(message)]:
            self._drop(tenant, topic)

    async def tidy(self) -> None:
        """Let go of what nobody wants to hear any more; to be done now and then."""
        now = self._clock.now()
        for tenant, topics in self._tenants.items():
            for topic in [topic for topic, (_, until) in topics.items() if until <= now]:
                self.expired += 1
                self._drop(tenant, topic)

    def _put(self, tenant: str, message: Message, until: int) -> None:
        topics = self._tenants.setdefault(tenant, {})
        before = topics.pop(message.topic, None)
        topics[message.topic] = (message, until)
        more = _weight(message) - (0 if before is None else _weight(before[0]))
        self._used[tenant] = self._used.get(tenant, 0) + more

    def _drop(self, tenant: str, topic: str) -> None:
        self._used[tenant] -= _weight(self._tenants[tenant].pop(topic)[0])
        self._keeper.retain(tenant, topic, None)


def _weight(message: Message) -> int:
    return message.weight + _TOPIC_BYTES

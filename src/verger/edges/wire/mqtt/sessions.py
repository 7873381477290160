"""Who is connected over MQTT, and the sessions of those who are away."""

from collections.abc import Iterable
from functools import partial
from typing import cast

import structlog

from verger.base.clock import Clock
from verger.base.ids import new_id
from verger.base.plural import counted
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import KEY
from verger.domain.messages.standing import Standing
from verger.domain.messages.store import Found
from verger.edges.wire.house import House, NoOrders, Orders
from verger.edges.wire.mqtt.executor import Executor
from verger.edges.wire.mqtt.packets import Connect
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.speaker import Line

log = structlog.get_logger()


class Sessions:
    """The sessions of all, each by owner and client id; an owner is present while one of them has a connection.

    Of those that ended, `expired` counts whose clients were away for too long, `evicted` those that made room.
    """

    def __init__(
        self, house: House, exchange: Exchange, executor: Executor, clock: Clock, most_away: int = 10_000
    ) -> None:
        """Tell the house who comes and goes; of one tenant at most so many sessions are away, then the oldest ends."""
        self._house, self._exchange, self.executor, self._clock = house, exchange, executor, clock
        executor.standing = self.standing
        self._most_away = most_away
        self.evicted = self.expired = 0
        self._all: dict[str, dict[str, Standing]] = {}
        self._lines: dict[str, set[Line]] = {}
        self._away: dict[str, dict[Standing, None]] = {}  # by tenant
        self.orders: Orders = NoOrders()

    def restore(self, found: Iterable[Found]) -> None:
        """Go on with the sessions of before, all of them away."""
        now = self._clock.now()
        for each in sorted(found, key=lambda each: each.standing.left_at or now):
            standing = each.standing
            memory = self._remember(standing, each.name)
            memory.subscriptions, memory.received, memory.counted = each.subscriptions, each.received, each.counted
            memory.recall(each.letters)
            memory.part()
            if standing.left_at is None:
                standing.left_at = now
                memory.change()
            self._all.setdefault(standing.owner, {})[standing.client_id] = standing
            self._away.setdefault(standing.tenant, {})[standing] = None
            if standing.owner.startswith(KEY):
                for topic in memory.subscriptions:
                    self._exchange.subscribe(standing, topic)

    def of(self, owner: str) -> list[Line]:
        """Return the connections of an owner."""
        return [cast("Line", each.line) for each in self.standings(owner) if each.line is not None]

    def standings(self, owner: str) -> list[Standing]:
        """Return the sessions of an owner, connected or not."""
        return list(self._all.get(owner, {}).values())

    def standing(self, owner: str, client_id: str) -> Standing | None:
        """Return the session of a client, None without one."""
        return self._all.get(owner, {}).get(client_id)

    @property
    def owners(self) -> list[str]:
        """Return everybody who has a session."""
        return list(self._all)

    @property
    def away(self) -> int:
        """Return how many sessions have no connection."""
        return sum(map(len, self._away.values()))

    def admit(self, line: Line, tenant: str, connect: Connect, expiry_s: int, most: int) -> tuple[Standing, bool]:
        """Give a connection its session, and whether there was one. An older connection of it ends."""
        line.client_id = connect.client_id or new_id()
        mine = self._all.setdefault(line.owner, {})
        standing = mine.get(line.client_id)
        if standing is not None and standing.line is not None:
            self._end(standing, Reason.SESSION_TAKEN_OVER, "Another connection with this client id came.")
            standing = mine.get(line.client_id)
        present = standing is not None and not (connect.clean_start or standing.over(self._clock.now()))
        if standing is not None and not present:
            self._discard(standing)
        if standing is None or not present:
            standing = self._begin(line, tenant, expiry_s)
        self._come(standing, line, expiry_s)
        self.executor.come(line, tenant, connect)
        lines = self._lines.setdefault(line.owner, set())
        if not lines and not line.owner.startswith(KEY):
            self._house.connected(line.owner)
        lines.add(line)
        if present and not line.owner.startswith(KEY):
            self.orders.listens(line.owner)
        self._make_room(line.owner, most)
        return standing, present

    def _begin(self, line: Line, tenant: str, expiry_s: int) -> Standing:
        standing = Standing(tenant, line.owner, line.client_id, expiry_s)
        self._remember(standing)
        return standing

    def _remember(self, standing: Standing, name: str | None = None) -> Memory:
        """Give a session its memory, by its name on disk if it has one there."""
        memory = standing.begin(self._exchange.room(standing.tenant), self._exchange.keeper.touch, name)
        if not standing.owner.startswith(KEY):
            memory.bounds = partial(self._house.inbox, standing.owner)
        self._exchange.remember(memory)
        return memory

    def _come(self, standing: Standing, line: Line, expiry_s: int) -> None:
        """Join a session and its connection."""
        mine = self._all.setdefault(standing.owner, {})
        mine.pop(standing.client_id, None)
        mine[standing.client_id] = standing
        self._away.get(standing.tenant, {}).pop(standing, None)
        standing.line = line
        standing.memory.meet()
        if standing.left_at is not None or standing.expiry_s != expiry_s:
            standing.left_at, standing.expiry_s = None, expiry_s
            standing.memory.change()

    def _make_room(self, owner: str, most: int) -> None:
        """End the oldest sessions of an owner who has too many, first those that are away."""
        mine = self._all[owner]
        while len(mine) > most:
            oldest = next((each for each in mine.values() if each.line is None), next(iter(mine.values())))
            self._end(oldest, Reason.QUOTA_EXCEEDED, "There are too many connections already.")
            self._evict(oldest)

    def part(self, line: Line) -> None:
        """Part a connection that is over from its session: what comes for that now waits for the next one."""
        standing = self._all.get(line.owner, {}).get(line.client_id)
        if standing is not None and standing.line is line:
            self._leave(standing)

    def release(self, line: Line) -> None:
        """Let go of a connection that was closed."""
        self.part(line)
        lines = self._lines.get(line.owner, set())
        lines.discard(line)
        if not lines and self._lines.pop(line.owner, None) is not None and not line.owner.startswith(KEY):
            self._house.disconnected(line.owner)

    def drop(self, owner: str, sentence: str = "This credential no longer holds.") -> None:
        """End every connection of an owner and forget their sessions and wills."""
        self.executor.silence(owner)
        for standing in self.standings(owner):
            self._end(standing, Reason.NOT_AUTHORIZED, sentence)
            self._discard(standing)

    async def tidy(self) -> None:
        """Forget the sessions whose time is over, and tell whose inbox was full; to be done now and then."""
        now = self._clock.now()
        for standing in [each for away in self._away.values() for each in away if each.over(now)]:
            self.expired += 1
            self._discard(standing)
        for standing in [each for mine in self._all.values() for each in mine.values() if each.memory.dropped]:
            self._tell_dropped(standing, standing.memory.dropped)
            standing.memory.dropped = 0

    def _tell_dropped(self, standing: Standing, messages: int) -> None:
        self._tell_lost(standing, "Its inbox was full, or those of all together: the oldest went.")
        log.warning("an inbox was full", owner=standing.owner, client_id=standing.client_id, messages=messages)

    def _tell_lost(self, standing: Standing, sentence: str) -> None:
        if not standing.owner.startswith(KEY):
            self._house.remark(standing.owner, "inbox", sentence)

    def _end(self, standing: Standing, reason: Reason, sentence: str) -> None:
        """End the connection of a session, if it has one."""
        if standing.line is not None:
            cast("Line", standing.line).end(reason, sentence)
        if standing.line is not None:
            self._leave(standing)

    def _leave(self, standing: Standing) -> None:
        """Part a session from its connection; it ends then, or is remembered for as long as was agreed."""
        line, standing.line = cast("Line", standing.line), None
        standing.memory.part()
        standing.expiry_s = line.session.expiry_s
        if not standing.expiry_s:
            self._discard(standing)
            return
        standing.left_at = self._clock.now()
        standing.memory.change()
        away = self._away.setdefault(standing.tenant, {})
        away[standing] = None
        if len(away) > self._most_away:
            self._evict(next(iter(away)))

    def _evict(self, standing: Standing) -> None:
        """End a session so that there is room for another, and tell what is lost with it."""
        self.evicted += 1
        waiting = len(standing.memory.letters)
        if waiting:
            self._tell_lost(standing, f"A session of it was one too many, and {counted(waiting, 'message')} in it.")
            log.warning("an inbox was forgotten", owner=standing.owner, client_id=standing.client_id, messages=waiting)
        self._discard(standing)

    def _discard(self, standing: Standing) -> None:
        """End a session."""
        standing.line = None
        mine = self._all.get(standing.owner, {})
        if mine.get(standing.client_id) is standing:
            del mine[standing.client_id]
            if not mine:
                del self._all[standing.owner]
        self._away.get(standing.tenant, {}).pop(standing, None)
        if standing.owner.startswith(KEY):
            self._exchange.leave(standing)
        self._exchange.keeper.forget(standing)
        self.executor.end(standing)

"""A session as it stands: whose it is, what it remembers, and for how long."""

from collections.abc import Callable
from typing import Protocol

from verger.base.clock import SECOND
from verger.base.ids import new_id
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Message
from verger.domain.messages.room import Room


class Line(Protocol):
    """The connection of a session."""

    def send(self, message: Message, qos: int, *, retain: bool, identifiers: tuple[int, ...]) -> None:
        """Send a message as soon as its turn has come."""
        ...

    def saved(self) -> None:
        """Learn that more of the session is on disk."""
        ...


class Standing:
    """One session of one credential (`owner`) and client id; it lasts when it outlives its connection.

    `left_at` is when its client went, None while it is here, as `line` is.
    """

    def __init__(self, tenant: str, owner: str, client_id: str, expiry_s: int = 0, left_at: int | None = None) -> None:
        """Remember nothing yet."""
        self.tenant, self.owner, self.client_id = tenant, owner, client_id
        self.expiry_s, self.left_at = expiry_s, left_at
        self.memory = Memory()
        self.line: Line | None = None

    def begin(self, room: Room, touch: "Callable[[Standing], None]", name: str | None = None) -> Memory:
        """Give it a fresh memory, on disk if it lasts, under the name it has there already or a new one."""
        if name is None and not self.expiry_s:
            self.memory = Memory(room)
        else:
            self.memory = Memory(room, name or new_id(), lambda _memory: touch(self))
            if name is None:
                self.memory.change()
        return self.memory

    def hear(self, message: Message, qos: int, *, retain: bool = False, identifiers: tuple[int, ...] = ()) -> None:
        """Take a message: to the client, or into the inbox of one who is away, at QoS 1 and 2."""
        if self.line is not None:
            self.line.send(message, qos, retain=retain, identifiers=identifiers)
        elif qos and self.memory.name:
            self.memory.add(message, qos, retain=retain, identifiers=identifiers)

    def over(self, now: int) -> bool:
        """Tell whether its client has been away for too long."""
        return self.left_at is not None and now >= self.left_at + self.expiry_s * SECOND


NOWHERE = Standing("", "", "")
"""The session of who has none yet."""

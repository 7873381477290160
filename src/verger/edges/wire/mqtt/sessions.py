"""Who is connected over MQTT, and what is remembered of those who are not."""

from collections import OrderedDict
from typing import Protocol

from verger.base.ids import new_id
from verger.domain.messages.memory import Memory
from verger.edges.wire.house import House
from verger.edges.wire.mqtt.packets import Connect
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.speaker import Line

MOST_REMEMBERED = 10_000
MOST_AT_ONCE = 16
"""Sessions of one device; a further one ends the oldest."""

Key = tuple[str, str]


class Cancellable(Protocol):
    """Something that is to happen later."""

    def cancel(self) -> None:
        """Let it not happen."""
        ...


class Sessions:
    """The sessions of all devices, each by device and client id; a device is present while it has one."""

    def __init__(self, house: House) -> None:
        """Tell the house who comes and goes."""
        self._house = house
        self._lines: dict[str, dict[str, Line]] = {}
        self._wills: dict[Key, Cancellable] = {}
        self._memories: OrderedDict[Key, tuple[Memory, float]] = OrderedDict()

    def of(self, device: str) -> list[Line]:
        """Return the connections of a device."""
        return list(self._lines.get(device, {}).values())

    def admit(self, line: Line, connect: Connect, now: float) -> tuple[Memory, bool]:
        """Give a connection its session: its memory, and whether there was one. An older connection of it ends."""
        line.client_id = connect.client_id or new_id()
        lines = self._lines.setdefault(line.owner, {})
        older, first = lines.pop(line.client_id, None), not lines
        lines[line.client_id] = line
        if older is not None:
            older.end(Reason.SESSION_TAKEN_OVER, "Another connection with this client id took over.")
            self._remember(older, now)
        elif first:
            self._house.connected(line.owner)
        if len(lines) > MOST_AT_ONCE:
            oldest = lines.pop(next(iter(lines)))
            oldest.end(Reason.QUOTA_EXCEEDED, "This device has too many connections.")
            self._remember(oldest, now)
        return self._recall(line, connect, now)

    def _recall(self, line: Line, connect: Connect, now: float) -> tuple[Memory, bool]:
        """Return what is remembered of a session, and whether there was one; a will that waited is not heard then."""
        key = (line.owner, line.client_id)
        memory, until = self._memories.pop(key, (Memory(), now))
        if connect.clean_start or now >= until:
            return Memory(), False
        if will := self._wills.pop(key, None):
            will.cancel()
        return memory, True

    def wait(self, line: Line, will: Cancellable) -> None:
        """Keep a will that is heard later, unless its session goes on before."""
        self._wills[line.owner, line.client_id] = will

    def waited(self, line: Line) -> None:
        """Let go of a will that is heard now."""
        del self._wills[line.owner, line.client_id]

    def release(self, line: Line, now: float) -> None:
        """Let go of a connection that was closed."""
        lines = self._lines.get(line.owner, {})
        if lines.get(line.client_id) is not line:
            return
        del lines[line.client_id]
        self._remember(line, now)
        if not lines:
            del self._lines[line.owner]
            self._house.disconnected(line.owner)

    def drop(self, device: str) -> None:
        """End every connection of a device and forget its sessions."""
        for line in self.of(device):
            line.session.expiry_s = 0
            line.end(Reason.NOT_AUTHORIZED, "This credential no longer holds.")
        for key in [key for key in self._memories if key[0] == device]:
            del self._memories[key]
        for key in [key for key in self._wills if key[0] == device]:
            self._wills.pop(key).cancel()

    def _remember(self, line: Line, now: float) -> None:
        """Keep what a session remembers for as long as was agreed."""
        line.session.memory.part()
        if line.session.expiry_s:
            self._memories[line.owner, line.client_id] = (line.session.memory, now + line.session.expiry_s)
            if len(self._memories) > MOST_REMEMBERED:
                self._memories.popitem(last=False)

"""The switchboard: which connections of which families a device speaks on, and how an order reaches it there.

Several may speak for one device. Who spoke first is told its commands as long as it is heard on its connection, so
that nobody takes them away by speaking for it later; it is itself under the same name from the same address at once.
"""

from typing import Any, Protocol

from verger.edges.wire.dialects.native import Ask, Order
from verger.edges.wire.house import House, NoOrders, Orders

_ANOTHER = "A second connection speaks for it. Commands go to the first one until that is silent for a minute."


Key = tuple[str, str, str]
"""A tenant, a dialect, and what all ways of writing an address have in common."""


class Lines(Protocol):
    """One connection on which devices of families speak."""

    @property
    def who(self) -> tuple[str, ...]:
        """Return what is the same once a client comes again."""
        ...

    @property
    def quiet(self) -> bool:
        """Whether nothing was heard on it for a while: its other end may be gone."""
        ...

    def listens(self, device: str, order: Ask) -> bool:
        """Whether a device hears a command here."""
        ...

    def ask(self, device: str, order: Ask, qos: int) -> bool:
        """Send a command to a device; whether it is on its way."""
        ...

    def adopted(self, key: Key, device: str) -> None:
        """Know that a stranger that spoke here is a device now."""
        ...

    def drop(self, device: str) -> None:
        """Hear a device no longer."""
        ...

    def end(self, sentence: str) -> None:
        """End the connection."""
        ...


class Switchboard:
    """Connects devices that were adopted with the lines they speak on; a way of the dispatch."""

    def __init__(self, house: House) -> None:
        """Tell the house who comes and goes."""
        self.orders: Orders = NoOrders()
        self._house = house
        self._on: dict[str, dict[Lines, None]] = {}  # by device
        self._knocked: dict[Key, dict[Lines, None]] = {}  # by stranger
        self._through: dict[str, dict[Lines, None]] = {}  # by enrolment
        self._last: dict[str, tuple[str, ...]] = {}  # by device that is away: who spoke for it

    def open(self, line: Lines, enrolments: tuple[str, ...]) -> None:
        """Know a line that some enrolments let in."""
        for enrolment in enrolments:
            self._through.setdefault(enrolment, {})[line] = None

    def join(self, device: str, line: Lines) -> None:
        """Know that a device speaks on a line."""
        lines = self._on.setdefault(device, {})
        first = next(iter(lines), None)
        if first is None:
            self._house.connected(device)
        elif line.who == first.who:
            self._on[device] = {line: None} | lines
        else:
            self._house.remark(device, "connection", _ANOTHER)
        self._on[device][line] = None
        self.orders.listens(device)

    def knock(self, stranger: Key, line: Lines) -> None:
        """Know that a stranger spoke on a line."""
        self._knocked.setdefault(stranger, {})[line] = None

    def adopted(self, stranger: Key, device: str) -> None:
        """Know that a stranger is a device now: it is on the lines on which it spoke."""
        for line in self._knocked.pop(stranger, {}):
            line.adopted(stranger, device)

    def comes_again(self, device: str, line: Lines) -> bool:
        """Whether a device is away, and this is who spoke for it last."""
        return not self._on.get(device) and self._last.get(device) == line.who

    def close(
        self, line: Lines, devices: tuple[str, ...], strangers: tuple[Key, ...], enrolments: tuple[str, ...]
    ) -> None:
        """Know a line no longer, nor those on it."""
        for device in devices:
            self._leave(device, line)
        for stranger in strangers:
            _part(self._knocked, stranger, line)
        for enrolment in enrolments:
            _part(self._through, enrolment, line)

    def _leave(self, device: str, line: Lines) -> None:
        lines = self._on.get(device)
        if lines is not None and line in lines:
            del lines[line]
            if not lines:
                del self._on[device]
                self._last[device] = line.who
                self._house.disconnected(device)

    def shut(self, enrolment: str) -> None:
        """End the lines that an enrolment let in."""
        for line in list(self._through.get(enrolment, ())):
            line.end("This enrolment has ended.")

    # as a way of the dispatch

    def drop(self, device: str) -> None:
        """Hear a device no longer on the lines it spoke on."""
        for line in list(self._on.get(device, ())):
            line.drop(device)
            self._leave(device, line)
        self._last.pop(device, None)

    def deliver(self, device: str, order: Order, qos: int = 1) -> bool:
        """Send a command to a device, on one of its lines; whether it is on its way."""
        if not isinstance(order, Ask):
            return False
        lines = [line for line in self._on.get(device, ()) if line.listens(device, order)]
        line = next((each for each in lines if not each.quiet), next(iter(lines), None))
        return line is not None and line.ask(device, order, qos)

    async def kept(self) -> None:
        """Return: nothing waits here for devices that are away."""


def _part(lines: dict[Any, dict[Lines, None]], key: Any, line: Lines) -> None:
    """Know a line no longer under a key."""
    if (own := lines.get(key)) is not None:
        own.pop(line, None)
        if not own:
            del lines[key]

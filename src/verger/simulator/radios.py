"""Outlets as their control unit knows them over its radio, and what it has them do."""

from collections.abc import Callable
from dataclasses import dataclass, field

from verger.simulator.sockets import Outlet

UNKNOWN = -1
MOST_OUTLETS = 8
BREAKER_MA = 15_000


class Radio:
    """One outlet as its unit knows it: what flows when it last answered, its relays, the threshold it was told."""

    def __init__(self, outlet: Outlet, name: str = "") -> None:
        """Know nothing of it yet but what it is called on the unit's pages."""
        self.outlet, self.name = outlet, name
        self.currents, self.relays, self.threshold = [UNKNOWN, UNKNOWN], [False, False], UNKNOWN

    def read(self, at: int) -> None:
        """Ask the outlet what flows."""
        self.currents = self.outlet.now(at)
        self.relays = list(self.outlet.relays)

    def switch(self, socket: int, *, on: bool) -> None:
        """Turn one of its sockets, counted 0 and 1, on or off."""
        self.outlet.relays[socket] = on

    def bound(self, value: int) -> None:
        """Let at most so much flow through a socket, in mA: 16 bits of it."""
        self.outlet.threshold = self.threshold = value & 0xFFFF


@dataclass
class Board:
    """What a control unit has in its memory: its outlets in order, and how much may flow through its breaker.

    `make` makes the outlet of an id that it hears of; `refuses` tells whether a relay does not move this time.
    """

    make: Callable[[str], Outlet]
    refuses: Callable[[], bool] = lambda: False
    outlets: dict[str, Radio] = field(default_factory=dict)
    limit: int = BREAKER_MA

    def add(self, name: str, title: str = "") -> Radio | None:
        """Return the outlet of an id, known from now on; None where there is no place for it."""
        if name not in self.outlets and len(self.outlets) < MOST_OUTLETS:
            self.outlets[name] = Radio(self.make(name), title or f"PIC {len(self.outlets) + 1}")
        return self.outlets.get(name)

    def switch(self, one: Radio, socket: int, *, on: bool) -> None:
        """Turn a socket on or off, unless its relay refuses."""
        if not self.refuses():
            one.switch(socket, on=on)

    def flows(self, at: int) -> int:
        """Return what flows through the breaker, in mA."""
        return sum(sum(each.outlet.now(at)) for each in self.outlets.values())

"""Power outlets and what is plugged in, in mA: what flows follows the appliance, and a relay that is off lets none.

| what | formula |
|---|---|
| an appliance | its standby, and its load while it works: bursts of a length in each span, at its hours |
| a socket | the appliance and 1 % of noise, whole mA; 0 with its relay off; more than its threshold trips it |
| tripped | 0 for 5 s, then it tries again |
| the breaker | the sum of all sockets, and 0.5 % of noise |
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verger.base.clock import HOUR, MINUTE, SECOND
from verger.simulator import curves
from verger.simulator.curves import Times, Values
from verger.simulator.physics import hour

_RETRY = 5 * SECOND
_HOURS_FROM_UTC = 8


@dataclass(frozen=True)
class Appliance:
    """What is plugged in: it works for `lasting` in each `every`, with a chance, between two hours of the day."""

    standby: float
    load: float
    every: int
    lasting: int
    chance: float = 1.0
    hours: tuple[int, int] = (0, 24)

    def flows(self, seed: int, at: Times) -> Values:
        """Return what it draws."""
        clock = hour(at, _HOURS_FROM_UTC)
        open_ = (clock >= self.hours[0]) & (clock < self.hours[1])
        works = curves.bursts(seed, at, self.every, self.lasting, self.chance) * open_
        return np.maximum(0, (self.standby + self.load * works) * (1 + 0.01 * curves.noise(seed + 7, at)))


FRIDGE = Appliance(0, 720, 45 * MINUTE, 19 * MINUTE)
LAMPS = Appliance(0, 340, 24 * HOUR, 10 * HOUR, 1.0, (7, 20))
COMPRESSOR = Appliance(0, 2_200, 2 * HOUR, 14 * MINUTE, 0.8, (8, 18))
SAW = Appliance(0, 1_900, 90 * MINUTE, 7 * MINUTE, 0.7, (8, 17))
COMPUTER = Appliance(120, 380, 10 * HOUR, 7 * HOUR, 0.9, (8, 19))
KETTLE = Appliance(0, 2_150, 3 * HOUR, 4 * MINUTE, 0.8, (7, 18))
CHARGER = Appliance(110, 420, 12 * HOUR, 2 * HOUR, 0.8)
FAN = Appliance(0, 260, 5 * HOUR, 4 * HOUR, 0.9, (9, 18))
PLUGGED = ((LAMPS, CHARGER), (COMPRESSOR, FAN), (FRIDGE, KETTLE), (COMPUTER, FAN), (SAW, LAMPS))


class Outlet:
    """A double outlet; sockets are counted 0 and 1."""

    def __init__(self, seed: int, plugged: Sequence[Appliance], threshold: int = 3000) -> None:
        """Be on."""
        self.relays, self.threshold = [True, True], threshold
        self._seed, self._plugged = seed, plugged
        self._tripped = [0, 0]

    def live(self, at: Times) -> dict[str, Values]:
        """Return what flows at these times."""
        return {f"current_{name}": self._flows(socket, at) for socket, name in enumerate("ab")}

    def now(self, at: int) -> list[int]:
        """Return what flows now; a socket that carries too much trips for a while."""
        flows = []
        for socket in (0, 1):
            current = int(self._flows(socket, np.array([at], np.int64))[0])
            if at < self._tripped[socket]:
                current = 0
            elif current > self.threshold:
                self._tripped[socket], current = at + _RETRY, 0
            flows.append(current)
        return flows

    def _flows(self, socket: int, at: Times) -> Values:
        if not self.relays[socket]:
            return np.zeros(len(at))
        return np.round(self._plugged[socket].flows(self._seed + 31 * socket, at))


def breaker(outlets: Sequence[dict[str, Values]], seed: int, at: Times) -> Values:
    """Return what flows through the breaker of some outlets."""
    total = np.zeros(len(at))
    for each in outlets:
        total = total + each["current_a"] + each["current_b"]
    return np.round(total * (1 + 0.005 * curves.noise(seed, at)))

"""What goes wrong with simulated devices: by name and as often as is asked, the same for the same seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from verger.base.clock import MINUTE
from verger.base.errors import Invalid
from verger.simulator import curves
from verger.simulator.kinds import seed_of

CLOCK, WIFI, TWICE, CODE, RESET, RELAY = "clock", "wifi", "twice", "code", "reset", "relay"
NAMES = {
    CLOCK: "its clock was never set",
    WIFI: "it loses its Wi-Fi for some minutes",
    TWICE: "it sends a message again that was heard",
    CODE: "it was flashed with the code of another sensor",
    RESET: "what it kept is gone: its counters begin again, its code is forgotten",
    RELAY: "its relay, pump or switch does not move",
}
USUAL = 0.05
SPELL = 5 * MINUTE


@dataclass(frozen=True)
class Faults:
    """How often each thing goes wrong, as a share of the times that it could."""

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1

    def strikes(self, name: str, at: int) -> bool:
        """Whether it goes wrong this once, at a time in microseconds."""
        rate = self.rates.get(name, 0.0)
        return rate > 0 and self._draw(name, at) < rate

    def lasts(self, name: str, at: int, spell: int = SPELL) -> bool:
        """Whether it is wrong just now: such a fault holds for a spell."""
        return self.strikes(name, at // spell)

    def holds(self, name: str) -> bool:
        """Whether this device is one of those that have a fault for life."""
        return self.strikes(name, 0)

    def of(self, seed: int) -> "Faults":
        """Return the same faults for another device."""
        return Faults(self.rates, seed)

    def _draw(self, name: str, number: int) -> float:
        return float(curves.uniform(seed_of(self.seed, name), np.array([number]))[0])


def read_faults(text: str) -> dict[str, float]:
    """Return rates by name from words such as "wifi,twice:0.2", or "all:0.01"; raise Invalid."""
    rates: dict[str, float] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, told = word.partition(":")
        try:
            rate = float(told) if told else USUAL
        except ValueError:
            rate = -1.0
        if not 0 <= rate <= 1:
            raise Invalid(f"How often {name} happens is a share from 0 to 1, such as {name}:0.1.")
        if name != "all" and name not in NAMES:
            raise Invalid(f"There is no fault called {name}; choose from all, {', '.join(NAMES)}.")
        rates |= dict.fromkeys(NAMES, rate) if name == "all" else {name: rate}
    return rates

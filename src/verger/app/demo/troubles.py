"""What went wrong in the demo's month, as its readings show it."""

from dataclasses import dataclass

import numpy as np

from verger.app.demo.estate import COTTAGE, KITCHEN, Plot
from verger.app.demo.past import Times, Values
from verger.base.clock import MINUTE
from verger.domain.alerts.model import Severity

Span = tuple[int, int, float]
"""From when to when, and the value that it began with."""


@dataclass(frozen=True)
class Trouble:
    """A condition that held for a while in the past: of which device, by which rule of which place, and its task."""

    device: str
    plot: Plot
    rule: str
    severity: Severity
    message: str
    task: str
    every: int = MINUTE
    said: str = ""

    def seen(self, span: Span) -> int:
        """Return how often it was seen: with each reading."""
        return max(1, (span[1] - span[0]) // self.every)


FROST = Trouble(
    "Hall",
    COTTAGE,
    "freezing",
    Severity.critical,
    "Hall in Lake cottage is at {value} °C: water may freeze.",
    "Check heating",
    10 * MINUTE,
    "The fuse of the heater was out. It is warm again, and no pipe has burst.",
)


def reservoir(pot: str) -> Trouble:
    """Return the trouble of a pot whose reservoir ran low."""
    message = f"The reservoir of {pot} is at {{value}} %: its pump stays off."
    return Trouble(pot, KITCHEN, "reservoir", Severity.critical, message, f"Fill the reservoir of {pot}")


def spans(at: Times, values: Values, below: float, clear: float) -> list[Span]:
    """Return when values were below something until they were clear of it again, and the first value of each."""
    found, start = [], -1
    for n in np.flatnonzero((values < below) | (values > clear)).tolist():
        if values[n] < below and start < 0:
            start = n
        elif values[n] > clear and start >= 0:
            found.append((int(at[start]), int(at[n]), float(values[start])))
            start = -1
    return found

"""The treatments of an ozone machine: a pattern of the day, more at weekends, of three kinds. One press, one treatment.

In each quarter of an hour there is at most one, with a chance of `A_DAY` times the hour's share over four; of a hundred
55 are BASIC, 30 STANDARD and 15 PREMIUM.
"""

from dataclasses import dataclass, field

import numpy as np

from verger.base.clock import MINUTE
from verger.simulator import curves
from verger.simulator.curves import Times
from verger.simulator.kinds import seed_of
from verger.simulator.physics import hour, weekday

KINDS = ("BASIC", "STANDARD", "PREMIUM")
A_DAY = 22.0
BY_HOUR = (0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 4, 4, 3, 2, 3, 4, 5, 6, 5, 3, 1, 0)
HOURS_FROM_UTC = 8
_SLOT = 15 * MINUTE
_SHARES = (0.55, 0.85)


@dataclass(frozen=True)
class Treatment:
    """One treatment, with the counter of its kind after it."""

    kind: str
    at: int
    counter: int


@dataclass
class Counters:
    """What a machine counts, and how often it began anew."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    resets: int = 0

    def count(self, pressed: tuple[str, int]) -> Treatment:
        """Count one treatment."""
        kind, at = pressed
        self.counts[kind] = self.counts[kind] % 65_535 + 1
        return Treatment(kind, at, self.counts[kind])

    def reset(self) -> None:
        """Begin again at nothing."""
        self.counts, self.resets = dict.fromkeys(KINDS, 0), self.resets + 1


def pressed(seed: int, start: int, end: int) -> list[tuple[str, int]]:
    """Return which treatments are asked for from `start` to before `end`, and when; the oldest first."""
    slots = np.arange(start // _SLOT, end // _SLOT + 1, dtype=np.int64)
    chance = _chances(slots * _SLOT)
    happens = curves.uniform(seed_of(seed, "press"), slots) < chance
    chosen = slots[happens]
    share = curves.uniform(seed_of(seed, "minute"), chosen)
    kinds = curves.uniform(seed_of(seed, "kind"), chosen)
    found = []
    for slot, within, lot in zip(chosen.tolist(), share.tolist(), kinds.tolist(), strict=True):
        at = round((slot + within) * _SLOT) // 1_000_000 * 1_000_000
        if start <= at < end:
            found.append((KINDS[(lot >= _SHARES[0]) + (lot >= _SHARES[1])], at))
    return found


def _chances(at: Times) -> curves.Values:
    shares = np.array(BY_HOUR) / sum(BY_HOUR)
    busy = 1 + 0.5 * (weekday(at, HOURS_FROM_UTC) >= 5)
    chances = np.minimum(1.0, A_DAY * shares[hour(at, HOURS_FROM_UTC).astype(int)] / 4 * busy)
    return np.asarray(chances, dtype=np.float64)

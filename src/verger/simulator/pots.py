"""A pot with a plant: earth, a reservoir, a pump and a lamp. Moisture and level in %, temperature in Cel.

| what | formula |
|---|---|
| earth dries | 0.30 %/h at 20 Cel and half wet; twice as fast 10 K warmer, and in step with how wet it is |
| the pump | takes 0.35 % of the reservoir a second, and the earth gets 0.7 % of it, soaking in with a lag of 90 s |
| a dry reservoir | below 1 % the pump moves nothing |
| the lamp | warms the air by 3.5 K, with a lag of 15 min |
| people | fill the reservoir up, six hours after it fell below 18 % |
"""

from collections.abc import Callable

import numpy as np

from verger.base.clock import HOUR
from verger.simulator import curves
from verger.simulator.curves import Times, Values
from verger.simulator.physics import between, indoors, paces, toward

_H = 3600.0
PUMPED, SOAKED = 0.35, 0.7  # % of the reservoir, % of the earth, for each second
LOW = 18.0
_UNTIL_FILLED = 6 * HOUR

Habit = Callable[["Pot", int], None]


class Pot:
    """One pot, its pump and its lamp; `habit` is asked at each step, for times when nobody else tends it."""

    def __init__(self, seed: int, begun: int, habit: Habit | None = None) -> None:
        """Be well watered at a time."""
        self.soil = 50 + 14 * curves.own(seed)
        self.level = 70 + 25 * curves.own(seed + 1)
        self.habit, self.lamp = habit, False
        self._thirst = 1 + 0.25 * curves.own(seed + 2)
        self._seed, self._at = seed, begun
        self._pumping = self._soaking = self._warmth = 0.0
        self._low_since = begun

    def pump(self, seconds: float) -> None:
        """Let the pump run for some seconds from now on."""
        self._pumping = max(self._pumping, seconds)

    def rest(self) -> None:
        """Stop the pump."""
        self._pumping = 0.0

    @property
    def pumping(self) -> bool:
        """Whether the pump runs."""
        return self._pumping > 0

    def live(self, at: Times) -> dict[str, Values]:
        """Live on, and return what the sensors measure at these times."""
        rooms = indoors(self._seed, at)
        soil, air, level = np.empty(len(at)), np.empty(len(at)), np.empty(len(at))
        times = zip(at.tolist(), paces(self._at, at), rooms.tolist(), strict=True)
        for n, (now, seconds, room) in enumerate(times):
            self._step(now, seconds, room)
            soil[n], air[n], level[n] = self.soil, room + self._warmth, self.level
            if self.habit is not None:
                self.habit(self, now)
        if len(at):
            self._at = int(at[-1])
        seed = self._seed
        return {
            "soil_moisture": np.round(between(soil + 0.25 * curves.noise(seed, at), 0, 100), 1),
            "air_temperature": np.round(air + 0.08 * curves.noise(seed + 3, at), 2),
            "water_level": np.round(between(level + 0.2 * curves.noise(seed + 5, at), 0, 100), 1),
        }

    def _step(self, now: int, seconds: float, room: float) -> None:
        self._warmth = toward(self._warmth, 3.5 if self.lamp else 0.0, seconds, 900)
        air = room + self._warmth
        dry = 0.30 * self._thirst * 2 ** ((air - 20) / 10) * (0.4 + 0.012 * self.soil) * seconds / _H
        ran = min(self._pumping, seconds)
        self._pumping -= ran
        taken = min(PUMPED * ran, max(0.0, self.level - 1))
        self.level -= taken
        self._soaking += taken / PUMPED * SOAKED
        left = toward(self._soaking, 0.0, seconds, 90)
        self.soil = min(100.0, max(0.0, self.soil - dry + self._soaking - left))
        self._soaking = left
        if self.level >= LOW:
            self._low_since = now
        elif now - self._low_since > _UNTIL_FILLED:
            self.level = 97.0


def watered(below: float, upto: float, seconds: float, rest_s: float) -> Habit:
    """Return the habit of somebody who waters a pot that is too dry, again and again until it is wet."""
    last, dry = 0, False

    def habit(pot: Pot, now: int) -> None:
        nonlocal last, dry
        dry = pot.soil < below or (dry and pot.soil < upto)
        if dry and now - last >= rest_s * 1e6:
            last = now
            pot.pump(seconds)

    return habit

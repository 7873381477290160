"""A growing room of a mushroom farm: a humidifier, a fan, and what grows. Cel, %, [ppm], lx, V.

| what | formula |
|---|---|
| temperature | toward 19.8 and a tenth of outdoors, lag 2 h; the fan draws it toward the corridor, lag 50 min |
| humidity | toward 68 %, lag 100 min, with the fan 25 min; with the humidifier toward 99 %, lag 14 min |
| carbon dioxide | grows by 700 to 1100 [ppm]/h, as much as grows there; toward 430, lag 5 h; with the fan, lag 12 min |
| light | a lamp of some 480 lx from 7 to 21 h |
| substrate | dries by 0.05 %/h, less in damp air; the humidifier gives 0.12 %/h |
| battery | from 4.1 V to 3.4 V in 200 days |
"""

from collections.abc import Callable

import numpy as np

from verger.base.clock import DAY
from verger.simulator import curves
from verger.simulator.curves import Times, Values
from verger.simulator.physics import HIGHLANDS, between, hour, paces, toward

_H, _MIN = 3600.0, 60.0
_AMBIENT, _OUTSIDE = 68.0, 430.0

Habit = Callable[["Growing", int], None]


class Growing:
    """One room, its humidifier and its fan; `habit` is asked at each step, for times when nobody else tends it."""

    def __init__(self, seed: int, begun: int, habit: Habit | None = None) -> None:
        """Be as it should at a time."""
        self.celsius, self.humid, self.carbon, self.substrate = 18.5, 90.0, 950.0, 74 + 4 * curves.own(seed)
        self.humidifier = self.fan = False
        self.habit, self._seed, self._at = habit, seed, begun
        self._grows = 900 + 200 * curves.own(seed + 1)

    def live(self, at: Times) -> dict[str, Values]:
        """Live on, and return what the sensors measure at these times."""
        outside = HIGHLANDS.temperature(self._seed // 100, at)
        told = np.empty((4, len(at)))
        times = zip(at.tolist(), paces(self._at, at), outside.tolist(), strict=True)
        for n, (now, seconds, air) in enumerate(times):
            self._step(seconds, air)
            told[:, n] = self.celsius, self.humid, self.carbon, self.substrate
            if self.habit is not None:
                self.habit(self, now)
        if len(at):
            self._at = int(at[-1])
        return self._measured(at, told)

    def _step(self, seconds: float, outside: float) -> None:
        self.celsius = toward(self.celsius, 19.8 + 0.1 * (outside - 15), seconds, 2 * _H)
        self.humid = toward(self.humid, _AMBIENT, seconds, 100 * _MIN)
        self.carbon = toward(self.carbon, _OUTSIDE, seconds, 5 * _H) + self._grows * seconds / _H
        self.substrate = max(40.0, self.substrate - 0.05 * (1.4 - self.humid / 100) * seconds / _H)
        if self.humidifier:
            self.humid = toward(self.humid, 99, seconds, 14 * _MIN)
            self.substrate = min(82.0, self.substrate + 0.12 * seconds / _H)
        if self.fan:
            self.humid = toward(self.humid, _AMBIENT, seconds, 25 * _MIN)
            self.celsius = toward(self.celsius, 0.4 * outside + 11, seconds, 50 * _MIN)
            self.carbon = toward(self.carbon, _OUTSIDE, seconds, 12 * _MIN)

    def _measured(self, at: Times, told: Values) -> dict[str, Values]:
        seed, clock = self._seed, hour(at, HIGHLANDS.hours)
        lit = (clock >= 7) & (clock < 21)
        noise = [curves.noise(seed + n, at) for n in range(0, 10, 2)]
        aged = ((at // DAY + round(100 * curves.own(seed))) % 200) / 200
        return {
            "temperature": np.round(told[0] + 0.05 * noise[0], 2),
            "humidity": np.round(between(told[1] + 0.4 * noise[1], 0, 99.9), 2),
            "co2": np.round(told[2] + 8 * noise[2], 2),
            "light": np.round(3 + lit * (480 + 40 * curves.own(seed)) * (1 + 0.01 * noise[3]), 2),
            "substrate_moisture": np.round(told[3] + 0.1 * noise[4], 2),
            "battery_voltage": np.round(4.1 - 0.7 * aged, 2),
        }


def tended(low: float = 84.0, high: float = 92.0, most: float = 1120.0, least: float = 780.0) -> Habit:
    """Return the habit of somebody who humidifies and airs a room as it should be."""

    def habit(room: Growing, _now: int) -> None:
        room.humidifier = room.humid < low or (room.humidifier and room.humid < high)
        room.fan = room.carbon > most or (room.fan and room.carbon > least)

    return habit

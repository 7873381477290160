"""Reckoning: what is remembered and a reading in, what is remembered and a value out; no clock, nothing outside."""

from collections.abc import Callable, Collection, Mapping
from math import isfinite, sqrt
from typing import Any

from msgspec import Struct, structs

from verger.base.clock import SECOND
from verger.domain.derived.crowd import Crowd
from verger.domain.derived.expression import Attribute, Call, Metric, Number, Part, attributes, metrics, parse
from verger.domain.derived.formulas import Run, dew_point, increased, integrated, rate, vpd
from verger.domain.derived.model import Derived

HOUR_S = 3600.0
GAP_S = 900.0

Known = dict[str, dict[str, tuple[int, float]]]
"""The last readings: by metric and device, when and what."""
Crowds = Mapping[str, Crowd]
"""Those of all devices below a place, by metric."""

NOTHING_SET: Mapping[str, Any] = {}

_NOBODY = Crowd()


class Ledger(Struct, frozen=True, array_like=True):
    """What a derived metric remembers of a device; it may be written down between any two readings.

    That under no device remembers the last readings of all below its place, which it is reckoned from.
    """

    known: Known = {}
    runs: tuple[Run, ...] = ()
    at: int = 0


class Sum:
    """A derived metric made ready to be reckoned."""

    def __init__(self, derived: Derived) -> None:
        """Read its expression."""
        self.derived = derived
        self.part = parse(derived.expression)
        named = list(metrics(self.part))
        self.of_each = derived.device is None
        self.wants = frozenset((each.device, each.key, each.whose) for each in named)
        self.crowded = frozenset(each.key for each in named if each.whose == "each")
        self.heeds = any(attributes(self.part))  # whether it matters what is set for its device
        self._fresh = round(derived.fresh_s * SECOND)

    def hears(self, owner: str, device: str, metric: str, below: Collection[str]) -> bool:
        """Tell whether a reading matters to what is reckoned for an owner, with the devices below its place."""
        return self._knows(owner, device, metric) or (device in below and metric in self.crowded)

    def _knows(self, owner: str, device: str, metric: str) -> bool:
        return (device, metric, "named") in self.wants or (device == owner and (None, metric, "own") in self.wants)

    def take(
        self,
        ledger: Ledger,
        owner: str,
        reading: tuple[str, str, int, float],
        crowds: Crowds,
        has_set: Mapping[str, Any] = NOTHING_SET,
        *,
        joined: bool,
    ) -> tuple[Ledger, float | None]:
        """Return what is remembered, and the value at the time of a reading, None when it cannot be reckoned.

        The reading is (device, metric, time, value), and `joined` tells whether its crowd has taken it. One that is
        not newer than the last of its series changes nothing. `has_set` are the attributes of the owner, by name.
        """
        device, metric, at, value = reading
        known = ledger.known
        if self._knows(owner, device, metric):
            of_metric = known.get(metric, {})
            if at > of_metric.get(device, (0, 0.0))[0]:
                known, joined = known | {metric: of_metric | {device: (at, value)}}, True
        if not joined:
            return ledger, None
        now = max(at, ledger.at, *(crowd.latest for crowd in crowds.values()))
        reckoned = _Reckoning(known, owner, crowds, now - self._fresh, now, dict(enumerate(ledger.runs)))
        reckoned.has_set = has_set
        result = reckoned.value(self.part)
        runs = tuple(reckoned.runs.get(number, Run()) for number in range(max(reckoned.runs, default=-1) + 1))
        return Ledger(known, runs, now), result if result is not None and isfinite(result) else None

    def parted(self, ledger: Ledger, owner: str) -> tuple[Ledger, Known]:
        """Return what a ledger knows for its owner alone, and what it knows of many, as each of them once kept it."""
        many = {metric: known for metric, known in ledger.known.items() if metric in self.crowded}
        own = {
            metric: {device: last for device, last in known.items() if self._knows(owner, device, metric)}
            for metric, known in ledger.known.items()
        }
        return structs.replace(ledger, known={metric: known for metric, known in own.items() if known}), many


class _Reckoning:
    """One reckoning, at one time."""

    def __init__(self, known: Known, owner: str, crowds: Crowds, since: int, at: int, runs: dict[int, Run]) -> None:
        self.runs = runs
        self.has_set = NOTHING_SET
        self._known, self._owner, self._crowds, self._since, self._at = known, owner, crowds, since, at

    def value(self, part: Part) -> float | None:
        """Return what a part comes to, None when it is not known."""
        match part:
            case Number():
                return part.value
            case Metric():
                return self._last(part.key, part.device or self._owner)
            case Attribute():
                return _set_to(self.has_set.get(part.name), part.usual)
            case Call(parts=(Metric(whose="each") as only,)):
                crowd = self._crowds.get(only.key, _NOBODY)
                return crowd.joined(part.name, self._since)
            case Call() if part.number >= 0:
                return self._running(part)
        values = [self.value(each) for each in part.parts]
        sure = [value for value in values if value is not None]
        return _plain(part.name, sure) if len(sure) == len(values) else None

    def _last(self, metric: str, device: str) -> float | None:
        at, value = self._known.get(metric, {}).get(device, (None, 0.0))
        return value if at is not None and at >= self._since else None

    def _running(self, call: Call) -> float | None:
        value = self.value(call.parts[0])
        before = self.runs.get(call.number, Run())
        if value is None or not isfinite(value):
            if call.name != "increase":  # what is not known is a gap, but a counter goes on counting
                self.runs[call.number] = Run(before.total)
            return None
        numbers = [part.value for part in call.parts[1:] if isinstance(part, Number)]
        run, result = Run(before.total, self._at, value), None
        match call.name:
            case "integral":
                per_s, gap_s = (*numbers, *(HOUR_S, GAP_S)[len(numbers) :])
                run = integrated(before, value, self._at, per_s, gap_s)
                result = run.total
            case "increase":
                run = increased(before, value, self._at)
                result = run.total
            case "rate":
                result = rate(before, value, self._at, numbers[0] if numbers else 1.0)
            case "difference":
                result = None if before.at is None else value - before.value
        self.runs[call.number] = run
        return result


def _set_to(value: Any, usual: float) -> float:
    """Return the number that an attribute sets, the usual one where it sets none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return usual
    try:
        return float(value)
    except OverflowError:
        return usual


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    "pos": lambda a: a,
    "sum": lambda *some: sum(some),
    "mean": lambda *some: sum(some) / len(some),
    "min": lambda *some: min(some),
    "max": lambda *some: max(some),
    "count": lambda *some: float(len(some)),
    "difference": lambda a, b: a - b,
    "abs": abs,
    "sqrt": sqrt,
    "round": lambda a, places=0.0: round(a, max(0, min(15, int(places)))),
    "vpd": vpd,
    "dew_point": dew_point,
}


def _plain(name: str, values: list[float]) -> float | None:
    """Return what a function makes of some numbers, None when that is no number."""
    try:
        result = _FUNCTIONS[name](*values)
    except (ArithmeticError, ValueError):
        return None
    return float(result) if isinstance(result, int | float) else None

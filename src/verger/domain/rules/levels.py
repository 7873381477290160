"""Whether a value meets a condition, and which values change nothing."""

from math import inf, nextafter

from verger.base.clock import SECOND
from verger.domain.rules.conditions import Condition

_MOST_IN_WINDOW = 240

Window = tuple[tuple[int, float], ...]


def level(condition: Condition, value: float, *, held: bool) -> bool:
    """Tell whether a value meets a condition; once held, it holds until the value is past where it clears."""
    match condition.is_:
        case "below":
            return value < _border(condition, held=held)
        case "above":
            return value > _border(condition, held=held)
        case "equal":
            return abs(value - (condition.value or 0.0)) <= (condition.tolerance or 0.0)
    low, high = condition.low or 0.0, condition.high or 0.0
    by = (condition.clear_by or 0.0) if held else 0.0
    if condition.is_ == "inside":
        return low - by <= value <= high + by
    return value < low + by or value > high - by


def _border(condition: Condition, *, held: bool) -> float:
    border = condition.clear if held and condition.clear is not None else condition.value
    return border or 0.0


def same_values(condition: Condition, *, held: bool) -> tuple[float, float] | None:
    """Return between which values (both included) a condition stays as it is; None where each has to be judged."""
    match condition.is_:
        case "below":
            border = _border(condition, held=held)
            return (-inf, nextafter(border, -inf)) if held else (border, inf)
        case "above":
            border = _border(condition, held=held)
            return (nextafter(border, inf), inf) if held else (-inf, border)
        case "inside" if held:
            by = condition.clear_by or 0.0
            return (condition.low or 0.0) - by, (condition.high or 0.0) + by
        case "outside" if not held:
            return condition.low or 0.0, condition.high or 0.0
    return None


def moved_window(condition: Condition, window: Window, at: int, value: float) -> Window:
    """Return the readings that a rise or fall is measured from, once there is one more.

    They are those that no later one is below (above, for a fall): of the others none can be where it began. Of very
    many every other is let go, so that a rise may be seen a little less by them.
    """
    sign = -1 if condition.is_ == "falls_by" else 1
    oldest = at - round((condition.within_s or 0) * SECOND)
    kept = [each for each in window if each[0] >= oldest and each[1] * sign < value * sign]
    if len(kept) > _MOST_IN_WINDOW:
        kept = kept[::2]
    return (*kept, (at, value))


def window_due(condition: Condition, window: Window) -> int | None:
    """Return when the rise or fall that a window shows is over if nothing more is heard; None when it shows none."""
    sign = -1 if condition.is_ == "falls_by" else 1
    last = window[-1][1]
    began = [at for at, value in window[:-1] if (last - value) * sign >= (condition.value or 0.0)]
    return began[-1] + round((condition.within_s or 0) * SECOND) + 1 if began else None

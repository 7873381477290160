"""Whether a value meets a condition, and which values change nothing."""

from math import inf, nextafter

from verger.domain.rules.conditions import Condition


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

"""Whether a rule can ever fire: no two of its conditions may shut each other out in every way it could come true."""

from itertools import product
from math import inf, nextafter, prod
from zoneinfo import ZoneInfo

from verger.base.clock import DAY
from verger.domain.rules.conditions import Condition
from verger.domain.rules.wall import between, minute_of

_MOST_WAYS = 512

Way = tuple[tuple[Condition, bool], ...]
"""Conditions that come true together; False stands for one that must not hold."""
Spans = tuple[tuple[float, float], ...]
"""Numbers that are possible, as closed spans."""


def never(when: Condition, only_if: Condition | None) -> str:
    """Return why a rule could never fire, as a sentence; empty when it could, or would take too long to find out."""
    both = when if only_if is None else Condition(all=(when, only_if))
    try:
        reasons = [_clash(way) for way in _ways(both, wanted=True)]
    except _TooManyError:
        return ""
    return f"This could never fire: {reasons[0]}." if reasons and all(reasons) else ""


class _TooManyError(Exception):
    """There are more ways than can be looked at."""


def _ways(condition: Condition, *, wanted: bool) -> list[Way]:
    """Return every way in which a condition comes to what is wanted of it."""
    if condition.not_ is not None:
        return _ways(condition.not_, wanted=not wanted)
    if not condition.children:
        return [((condition, wanted),)]
    each = [_ways(child, wanted=wanted) for child in condition.children]
    together = (condition.all is not None) == wanted
    count = prod(map(len, each)) if together else sum(map(len, each))
    if count > _MOST_WAYS:
        raise _TooManyError
    if together:
        return [tuple(leaf for part in parts for leaf in part) for parts in product(*each)]
    return [way for ways in each for way in ways]


def _clash(way: Way) -> str:
    """Return which conditions shut each other out, empty when all can come true together."""
    moments = {_moment(each) for each, wanted in way if wanted and each.momentary}
    if len(moments) > 1:
        return "two moments never come together; write any instead of all, or make two rules"
    spans: dict[tuple[str | None, str], Spans] = {}
    equal: dict[tuple[str | None, str], list[object]] = {}
    for each, wanted in way:
        if each.metric is not None:
            key = (each.device, each.metric)
            spans[key] = _meet(spans.get(key, ((-inf, inf),)), _possible(each, wanted=wanted))
            if not spans[key]:
                return f"no value of {each.metric} meets all that is asked of it"
        if each.attribute is not None and wanted:
            values = equal.setdefault((each.device, each.attribute), [])
            values.append(each.equals)
            if values[0] != each.equals:
                return f"{each.attribute} cannot equal two values at once"
    return _never_between([(each.between, wanted) for each, wanted in way if each.between is not None])


def _moment(condition: Condition) -> tuple[object, ...]:
    schedule = condition.schedule or condition.sun  # two schedules may fall on the same minute
    return ("time",) if condition.schedule else (condition.word, condition.device, condition.event, schedule)


def _possible(condition: Condition, *, wanted: bool) -> Spans:
    """Return at which values a condition can hold, also once it has begun; or, if not wanted, can be over."""
    value, low, high = condition.value or 0.0, condition.low or 0.0, condition.high or 0.0
    by = condition.clear_by or 0.0
    over = condition.tolerance or 0.0
    match condition.is_:
        case "below":
            clear = value if condition.clear is None else condition.clear
            return ((-inf, nextafter(clear, -inf)),) if wanted else ((value, inf),)
        case "above":
            clear = value if condition.clear is None else condition.clear
            return ((nextafter(clear, inf), inf),) if wanted else ((-inf, value),)
        case "equal":
            return ((value - over, value + over),) if wanted else _outside(value - over, value + over)
        case "inside":
            return ((low - by, high + by),) if wanted else _outside(low, high)
        case "outside":
            return _outside(low + by, high - by) if wanted else ((low, high),)
    return ((-inf, inf),)


def _outside(low: float, high: float) -> Spans:
    return (-inf, nextafter(low, -inf)), (nextafter(high, inf), inf)


def _meet(some: Spans, others: Spans) -> Spans:
    both = ((max(a, c), min(b, d)) for a, b in some for c, d in others)
    return tuple(span for span in both if span[0] <= span[1])


def _never_between(parts: list[tuple[tuple[str, str], bool]]) -> str:
    """Return why parts of the day never overlap, empty when they do; their borders are all that matters."""
    zone = ZoneInfo("UTC")
    minutes = [((minute_of(begin) or 0, minute_of(end) or 0), wanted) for (begin, end), wanted in parts]
    borders = [minute * DAY // 1440 for part, _ in minutes for minute in part]
    if not minutes or any(
        all(between(*part, DAY + border % DAY, zone)[0] == wanted for part, wanted in minutes) for border in borders
    ):
        return ""
    return "the times of the day in between never overlap"

"""Whether a rule can ever fire: no two of its conditions may shut each other out in every way it could come true."""

from collections.abc import Callable
from itertools import combinations, product
from math import inf, nextafter, prod

from verger.domain.rules.compiled import Compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.hearing import same
from verger.domain.rules.meeting import TOGETHER, apart
from verger.domain.rules.saying import lasting

_MOST_WAYS = 512

Way = tuple[tuple[Condition, bool], ...]
"""Conditions that come true together; False stands for one that must not hold."""
Spans = tuple[tuple[float, float], ...]
"""Numbers that are possible, as closed spans."""


def never(rule: Compiled) -> str:
    """Return why a rule could never fire, as a sentence; empty when it could, or would take too long to find out."""
    when, only_if = rule.rule.when, rule.rule.only_if
    both = when if only_if is None else Condition(all=(when, only_if))
    try:
        ways = _ways(both, wanted=True)
    except _TooManyError:
        return ""
    first = ""
    for way in ways:
        if not (why := _clash(way) or apart(rule, way)):
            return ""
        first = first or why
    return f"This could never fire: {first}." if first else ""


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
    return next((why for looked in _LOOKS if (why := looked(way))), "")


def _moments(way: Way) -> str:
    """Return why moments never come together: each has one cause, an event, a step of a command, or the time."""
    moments = [each for each, wanted in way if wanted and each.momentary]
    return "" if all(_together(one, other) for one, other in combinations(moments, 2)) else TOGETHER


def _together(one: Condition, other: Condition) -> bool:
    """Tell whether two moments may have one cause; which times of the day meet is told by `apart`."""
    if not one.of_device and not other.of_device:
        return True
    if one.word != other.word or (one.device and other.device and one.device != other.device):
        return False
    if one.event is not None and other.event is not None:  # a kind of event stands for its children too
        short, long = sorted((one.event, other.event), key=len)
        return long == short or long.startswith(f"{short}.")
    return (one.command, one.stage) == (other.command, other.stage)


def _values(way: Way) -> str:
    spans: dict[tuple[str | None, str], Spans] = {}
    for each, wanted in way:
        if each.metric is not None and (wanted or not each.for_s):  # what has to last is not so at first at any value
            key = (each.device, each.metric)
            spans[key] = _meet(spans.get(key, ((-inf, inf),)), _possible(each, wanted=wanted))
            if not spans[key]:
                return f"no value of {each.metric} meets all that is asked of it"
    return ""


def _attributes(way: Way) -> str:
    known = [(each, wanted) for each, wanted in way if each.attribute is not None]
    for (one, wanted), (other, too) in combinations(known, 2):
        if (one.device, one.attribute, one.of) == (other.device, other.attribute, other.of):
            alike = same(one.equals, other.equals)
            if wanted and too and not alike:
                return f"{one.attribute} cannot equal two values at once"
            if wanted is not too and alike:
                return f"{one.attribute} cannot both equal a value and not"
    return ""


def _silences(way: Way) -> str:
    silent = [(each.silent_for_s, each.device, wanted) for each, wanted in way if each.silent_for_s is not None]
    for longest, device, wanted in silent:
        for least, of, too in silent:
            if wanted and not too and device == of and least <= longest:
                return f"a device that is silent for {lasting(longest)} is so for {lasting(least)} too"
    return ""


_LOOKS: tuple[Callable[[Way], str], ...] = (_moments, _values, _attributes, _silences)


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
            return _about(value, over) if wanted else _beside(value, over)
        case "inside":
            return ((low - by, high + by),) if wanted else _outside(low, high)
        case "outside":
            return _outside(low + by, high - by) if wanted else ((low, high),)
    return ((-inf, inf),)


def _about(value: float, over: float) -> Spans:
    """Return what differs by no more than so much, to the last bit by which sums are rounded."""
    return ((nextafter(value - over, -inf), nextafter(value + over, inf)),) if over else ((value, value),)


def _beside(value: float, over: float) -> Spans:
    return ((-inf, value - over), (value + over, inf)) if over else _outside(value, value)


def _outside(low: float, high: float) -> Spans:
    return (-inf, nextafter(low, -inf)), (nextafter(high, inf), inf)


def _meet(some: Spans, others: Spans) -> Spans:
    both = ((max(a, c), min(b, d)) for a, b in some for c, d in others)
    return tuple(span for span in both if span[0] <= span[1])

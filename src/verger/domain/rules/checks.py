"""What cannot be said in a rule, told as sentences by the field that they are about."""

from collections.abc import Iterator, Sequence
from typing import get_args

from msgspec import UNSET

from verger.base.errors import Fault
from verger.base.plural import plain
from verger.domain.rules.actions import Action, ToAlert, ToNotify
from verger.domain.rules.conditions import DEEPEST, MOST_CONDITIONS, WORDS, Condition, Is, Stage, within
from verger.domain.rules.cron import Cron
from verger.domain.rules.wall import minute_of

MOST_ACTIONS = 20

_LEVEL = ("below", "above")
_BAND = ("inside", "outside")
_NEEDS = {
    "below": ("value",),
    "above": ("value",),
    "equal": ("value",),
    "inside": ("low", "high"),
    "outside": ("low", "high"),
    "rises_by": ("value", "within_s"),
    "falls_by": ("value", "within_s"),
}
_MAY = {
    "below": ("clear", "for_s"),
    "above": ("clear", "for_s"),
    "equal": ("tolerance", "for_s"),
    "inside": ("clear_by", "for_s"),
    "outside": ("clear_by", "for_s"),
    "rises_by": (),
    "falls_by": (),
}
_ASKS = {
    ("below", "value"): "Say below which value, such as 20.",
    ("above", "value"): "Say above which value, such as 20.",
    ("equal", "value"): "Say which value it should equal, such as 20.",
    ("rises_by", "value"): "Say by how much it should rise, as a number above 0.",
    ("falls_by", "value"): "Say by how much it should fall, as a number above 0.",
    ("command", "stage"): f"Say which stage of the command: {', '.join(get_args(Stage))}.",
    ("attribute", "equals"): "Say which value the attribute should equal.",
}
"""What is asked for where a kind of condition lacks a field that it needs."""
_ASKS |= {(band, "low"): "Say where the band begins, such as 18." for band in _BAND}
_ASKS |= {(band, "high"): "Say where the band ends, such as 24." for band in _BAND}
_ASKS |= {(moves, "within_s"): "Say within how many seconds." for moves in ("rises_by", "falls_by")}
_FITS = {
    "event": ("device",),
    "silent_for_s": ("device",),
    "schedule": ("device", "catch_up"),
    "sun": ("device", "offset_s"),
    "between": ("device",),
    "command": ("device", "stage"),
    "attribute": ("device", "equals", "of"),
    "all": (),
    "any": (),
    "not_": (),
}


def faults(when: Condition, only_if: Condition | None, then: Sequence[Action]) -> list[Fault]:
    """Return all that is wrong with a rule as far as it can be told without its place."""
    found = [*_tree("when", when), *_moments("when", when)]
    if only_if is not None:
        found += _tree("only_if", only_if)
        found += [
            Fault(path, "This is true at a moment only, so it would never be at the right one: put it in when.")
            for path, each in within("only_if", only_if)
            if each.momentary
        ]
    every = [*within("when", when), *(within("only_if", only_if) if only_if else ())]
    if len(every) > MOST_CONDITIONS:
        found.append(Fault("when", f"A rule may have {MOST_CONDITIONS} conditions: make two rules of it."))
    found += _actions(then, of_each=any(each.of_device and each.device is None for _, each in every))
    return found


def _tree(path: str, condition: Condition, depth: int = 1) -> Iterator[Fault]:
    """Give what is wrong with a condition and those nested in it."""
    given = [word for word in WORDS if getattr(condition, word) is not None]
    if len(given) != 1:
        kinds = ", ".join(word.rstrip("_") for word in WORDS)
        yield Fault(path, f"Say one thing in each condition: {kinds}.")
        return
    yield from _foreign(path, condition, given[0])
    yield from _wrong(path, condition)
    if given[0] in ("all", "any") and not condition.children:
        yield Fault(f"{path}.{given[0]}", "Name at least one condition.")
    if condition.children and depth == DEEPEST:
        yield Fault(path, f"Conditions may nest {DEEPEST} deep.")
        return
    for word in ("all", "any"):
        for at, child in enumerate(getattr(condition, word) or ()):
            yield from _tree(f"{path}.{word}[{at}]", child, depth + 1)
    if condition.not_ is not None:
        yield from _tree(f"{path}.not", condition.not_, depth + 1)


def _foreign(path: str, condition: Condition, word: str) -> Iterator[Fault]:
    """Give the fields that do not belong to a kind of condition, and those that are missing."""
    if word == "metric":
        if condition.is_ is None:
            yield Fault(f"{path}.is", f"Say how it should be: {', '.join(get_args(Is))}.")
            return
        needed = _NEEDS[condition.is_]
        fits = {"device", "is_", *needed, *_MAY[condition.is_]}
        what: str = condition.is_
    else:
        needed = {"command": ("stage",), "attribute": ("equals",)}.get(word, ())
        fits = set(_FITS[word])
        what = word.rstrip("_")
    for name in condition.__struct_fields__:
        value = getattr(condition, name)
        lacks = value is UNSET or (value is None and name != "equals")
        if lacks and name in needed:
            yield Fault(f"{path}.{name}", _ASKS[what, name])
        elif name not in (word, *fits) and value is not None and value is not UNSET:
            yield Fault(f"{path}.{name.rstrip('_')}", f"This says nothing with {what}: leave it out.")


def _wrong(path: str, condition: Condition) -> Iterator[Fault]:
    """Give what cannot be in the numbers and texts of one condition."""
    if condition.metric is not None:
        yield from _wrong_metric(path, condition)
    if condition.silent_for_s is not None and condition.silent_for_s <= 0:
        yield Fault(f"{path}.silent_for_s", "Say for how many seconds it has to be silent.")
    if condition.schedule is not None and (why := Cron.trouble(condition.schedule)):
        yield Fault(f"{path}.schedule", why)
    if condition.between is not None:
        begin, end = (minute_of(text) for text in condition.between)
        if begin is None or end is None:
            yield Fault(f"{path}.between", 'Write two times of the day, such as ["06:00", "21:00"].')
        elif begin % 1440 == end % 1440 and begin >= end:
            yield Fault(f"{path}.between", "It begins and ends at the same time: write two different times.")


def _wrong_metric(path: str, condition: Condition) -> Iterator[Fault]:
    kind, value, clear = condition.is_, condition.value, condition.clear
    if kind in _LEVEL and value is not None and clear is not None:
        wrong = clear < value if kind == "below" else clear > value
        if wrong:
            side = "above" if kind == "below" else "below"
            least, told = plain(value), plain(clear)
            sentence = f"It ends {side} {least}, so clear has to be {least} or {side} it, not {told}."
            yield Fault(f"{path}.clear", sentence)
    if kind in _BAND and condition.low is not None and condition.high is not None:
        yield from _wrong_band(path, condition, condition.low, condition.high)
    if kind in ("rises_by", "falls_by"):
        if value is not None and value <= 0:
            yield Fault(f"{path}.value", "Say by how much, as a number above 0.")
        if condition.within_s is not None and condition.within_s <= 0:
            yield Fault(f"{path}.within_s", "Say within how many seconds.")
    if condition.tolerance is not None and condition.tolerance < 0:
        yield Fault(f"{path}.tolerance", "The tolerance is 0 or more.")


def _wrong_band(path: str, condition: Condition, low: float, high: float) -> Iterator[Fault]:
    by = condition.clear_by or 0.0
    if low > high:
        sentence = f"No value lies above {plain(low)} and below {plain(high)}: low has to be the lesser one."
        yield Fault(f"{path}.low", sentence)
    elif by < 0:
        sides = "outside" if condition.is_ == "inside" else "inside"
        yield Fault(f"{path}.clear_by", f"It ends {sides} the band, so clear_by has to be 0 or more.")
    elif condition.is_ == "outside" and low + by > high - by:
        yield Fault(f"{path}.clear_by", "It would never end: clear_by has to be less than half of the band.")


def _moments(path: str, condition: Condition, *, denied: bool = False) -> Iterator[Fault]:
    """Give the moments that stand within a `not`."""
    if denied and condition.momentary:
        yield Fault(path, "This is true at a moment only, so not of it is true nearly always: leave it out.")
    for word in ("all", "any"):
        for at, child in enumerate(getattr(condition, word) or ()):
            yield from _moments(f"{path}.{word}[{at}]", child, denied=denied)
    if condition.not_ is not None:
        yield from _moments(f"{path}.not", condition.not_, denied=True)


def _actions(then: Sequence[Action], *, of_each: bool) -> Iterator[Fault]:
    if not 1 <= len(then) <= MOST_ACTIONS:
        yield Fault("then", f"Say in 1 to {MOST_ACTIONS} actions what is to be done.")
    for at, action in enumerate(then):
        path = f"then[{at}]"
        if len(action.words) != 1:
            yield Fault(path, f"Say one thing in each action: {', '.join(Action.__struct_fields__)}.")
            continue
        for name, told in (("command", action.command), ("set", action.set)):
            if told is not None and told.device is None and not of_each:
                yield Fault(f"{path}.{name}.device", "Name the device: the conditions speak of no single one.")
        yield from _people(path, action.notify)
        yield from _alert(path, action.alert)


def _people(path: str, notify: ToNotify | None) -> Iterator[Fault]:
    if notify is None:
        return
    if (notify.to == "user") != (notify.user is not None):
        yield Fault(f"{path}.notify.user", "Give the id of the user with to user, and only then.")
    if not notify.message.strip():
        yield Fault(f"{path}.notify.message", "Write what people should be told.")


def _alert(path: str, alert: ToAlert | None) -> Iterator[Fault]:
    if alert is not None and alert.clear_after_s is not None and alert.clear_after_s <= 0:
        yield Fault(f"{path}.alert.clear_after_s", "Say after how many seconds it ends, or leave it out.")

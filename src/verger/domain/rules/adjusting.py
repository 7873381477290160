"""Parts of a rule that is written already, changed one by one: a threshold, or the device that it names."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from verger.base.errors import Fault, Invalid
from verger.base.sentences import sentence
from verger.domain.rules.actions import Action
from verger.domain.rules.conditions import Condition
from verger.domain.rules.model import Rule, leaves

THRESHOLDS = ("value", "clear", "tolerance", "low", "high", "clear_by", "within_s", "for_s", "silent_for_s", "offset_s")
_STEP = re.compile(r"\.?(\w+)|\[(\d+)\]")
_R = TypeVar("_R", bound=Rule)


def thresholds(rule: Rule) -> dict[str, float]:
    """Return the numbers in a rule's conditions, by where they stand, such as `when.all[0].value`."""
    numbers = ((f"{path}.{name}", getattr(each, name)) for path, each in leaves(rule) for name in THRESHOLDS)
    return {path: number for path, number in numbers if number is not None}


def moved(rule: _R, numbers: Mapping[str, float]) -> _R:
    """Return a rule with other numbers at some paths, all of them at once; raise Invalid where none stands."""
    document: Any = {"when": msgspec.to_builtins(rule.when), "only_if": msgspec.to_builtins(rule.only_if)}
    faults = [fault for path, value in numbers.items() if (fault := _put(document, path, value))]
    if faults:
        raise Invalid(" ".join(fault.message for fault in faults), faults)
    when, only_if = msgspec.convert((document["when"], document["only_if"]), tuple[Condition, Condition | None])
    return structs.replace(rule, when=when, only_if=only_if)


def _put(document: Any, path: str, value: float) -> Fault | None:
    """Put another number at a path into a document; return what is wrong with it, None when nothing is."""
    *way, last = [int(at) if at else name for name, at in _STEP.findall(path)] or [""]
    where = _within(document, way)
    if last not in THRESHOLDS or not isinstance(where, dict) or not isinstance(where.get(last), int | float):
        return Fault(path, f"There is no threshold at {path}: name a number of a condition, such as when.value.")
    try:
        msgspec.convert(where | {last: value}, Condition)
    except msgspec.ValidationError as why:
        return Fault(path, sentence(str(why)))
    where[last] = value
    return None


def renamed(rule: _R, device: str, to: str) -> _R:
    """Return a rule that names another device wherever it named one."""
    parts = ("when", "only_if", "then")
    document = _renamed({part: msgspec.to_builtins(getattr(rule, part)) for part in parts}, device, to)
    kinds = tuple[Condition, Condition | None, tuple[Action, ...]]
    when, only_if, then = msgspec.convert([document[part] for part in parts], kinds)
    return structs.replace(rule, when=when, only_if=only_if, then=then)


def _renamed(value: Any, device: str, to: str) -> Any:
    if isinstance(value, list | tuple):
        return [_renamed(each, device, to) for each in value]
    if isinstance(value, dict):
        return {
            key: to if (key, each) == ("device", device) else _renamed(each, device, to) for key, each in value.items()
        }
    return value


def _within(document: Any, way: list[str | int]) -> Any:
    """Return what stands at the end of a way, None where it leads nowhere."""
    for step in way:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document

"""Parts of a rule that is written already, changed one by one: a threshold, or the device that it names."""

import re
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from verger.base.errors import Fault, Invalid
from verger.base.plural import plain
from verger.base.sentences import sentence
from verger.domain.rules.actions import Action
from verger.domain.rules.conditions import Condition
from verger.domain.rules.model import Rule

THRESHOLDS = ("value", "clear", "tolerance", "low", "high", "clear_by", "within_s", "for_s", "silent_for_s", "offset_s")
_STEP = re.compile(r"\.?(\w+)|\[(\d+)\]")
_R = TypeVar("_R", bound=Rule)


def moved(rule: _R, path: str, value: float) -> _R:
    """Return a rule with another number at a path such as `when.all[0].value`; raise Invalid where none stands."""
    document: Any = {"when": msgspec.to_builtins(rule.when), "only_if": msgspec.to_builtins(rule.only_if)}
    *way, last = [int(at) if at else name for name, at in _STEP.findall(path)] or [""]
    where = _within(document, way)
    if last not in THRESHOLDS or not isinstance(where, dict) or not isinstance(where.get(last), int | float):
        raise Invalid(f"There is no threshold at {path}.", [Fault(path, "Name a number of a condition.")])
    where[last] = value
    try:
        when, only_if = msgspec.convert((document["when"], document["only_if"]), tuple[Condition, Condition | None])
    except msgspec.ValidationError as why:
        raise Invalid(f"{path} cannot be {plain(value)}.", [Fault(path, sentence(str(why)))]) from None
    return structs.replace(rule, when=when, only_if=only_if)


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

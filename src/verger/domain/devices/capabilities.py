"""Capabilities: whether a device can be told something, within which values, and what shows that it did it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice, product
from typing import Any

import msgspec

from verger.base.errors import Fault, Invalid
from verger.base.plural import span
from verger.domain.devices.model import Capability, Param

LARGEST = 16 << 10
"""Bytes of all parameters together: devices have small buffers, and the packets that bring them are bounded."""
OFF = frozenset({"off", "turn_off", "switch_off", "turnOff", "relay_off", "stop"})
"""Methods that are part of "all off" without their type saying so."""
_MOST_WAYS = 64

_PLACE = re.compile(r"\{(\w+)\}")
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("number", "float"), ((int, float), "a number")),
    **dict.fromkeys(("integer", "int"), ((int,), "a whole number")),
    **dict.fromkeys(("boolean", "bool"), ((bool,), "true or false")),
    **dict.fromkeys(("string", "text"), ((str,), "text")),
    "object": ((dict,), "named values in braces, {…}"),
    **dict.fromkeys(("list", "array"), ((list,), "a list")),
}


def find(capabilities: Sequence[Capability], method: str) -> Capability:
    """Return the capability of a method; raise Invalid when there is none."""
    for each in capabilities:
        if each.method == method:
            return each
    known = [each.method for each in capabilities]
    near = get_close_matches(method, known, 1)
    can = f"it can {', '.join(known)}." if known else "it can do nothing."
    hint = f"did you mean {near[0]}? Else {can}" if near else can
    sentence = f"This type of device cannot do {method[:100]}; {hint}"
    raise Invalid(sentence, [Fault("method", sentence)])


def check(capability: Capability, params: Any) -> dict[str, Any]:
    """Return parameters with the defaults filled in; raise Invalid with a fault for each that cannot be."""
    if params is not None and not isinstance(params, dict):
        sentence = 'Write the parameters by their names, such as {"duration_s": 20}.'
        raise Invalid(sentence, [Fault("params", sentence)])
    given: dict[str, Any] = params or {}
    filled = {name: param.default for name, param in capability.params.items() if param.default is not None}
    values = filled | {name: value for name, value in given.items() if value is not None}
    if faults := [*_faults(capability.params, values)]:
        raise Invalid(" ".join(fault.message for fault in faults), faults)
    check_size(values)
    return values


def check_size(params: Any) -> None:
    """Raise Invalid for parameters that no device could take."""
    if len(msgspec.json.encode(params)) > LARGEST:
        sentence = f"Parameters take at most {LARGEST >> 10} KiB."
        raise Invalid(sentence, [Fault("params", sentence)])


def proof(capability: Capability, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the device will report once it did this: `{name}` in `shows` stands for a parameter."""
    if not capability.shows:
        return None
    return {_named(key, params): _meant(value, params) for key, value in capability.shows.items()}


def turns_off(capability: Capability) -> list[dict[str, Any]]:
    """Return each set of parameters by which "all off" turns this off, none when it is no part of that.

    What is turned off by one of a few, such as a socket, is turned off by each of them.
    """
    if capability.off is not None:
        return [capability.off]
    if capability.method not in OFF:
        return []
    needed = {name: param.one_of for name, param in capability.params.items() if param.default is None}
    choices = [few or [] for few in needed.values()]
    return [dict(zip(needed, some, strict=True)) for some in islice(product(*choices), _MOST_WAYS)]


def _named(key: str, params: Mapping[str, Any]) -> str:
    """Return the name of an attribute in which parameters stand, such as relay_{socket}."""
    return _PLACE.sub(lambda place: str(params.get(place[1], place[0])), key)


def _meant(value: Any, params: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return params.get(value[1:-1], value)
    return value


def _faults(params: Mapping[str, Param], values: Mapping[str, Any]) -> Iterator[Fault]:
    for name in values:
        if name not in params:
            known = f"it takes {', '.join(params)}." if params else "it takes none."
            yield Fault(f"params.{name[:100]}", f"There is no parameter {name[:100]}; {known}")
    for name, param in params.items():
        if name not in values:
            takes = _takes(param)
            yield Fault(f"params.{name}", f"Give {name}, {takes}." if takes else f"Give {name}.")
        elif wrong := _wrong(param, values[name]):
            yield Fault(f"params.{name}", f"{name} is {wrong}.")


def _takes(param: Param) -> str:
    """Return what a parameter takes, empty where that is anything."""
    if param.one_of is not None:
        return f"one of {', '.join(map(_shown, param.one_of))}"
    _, told = _KINDS.get(param.type, ((), ""))
    return told + _range(param) if told else _range(param).strip()


def _wrong(param: Param, value: Any) -> str | None:
    """Return what a value should be, None when it is that."""
    if param.one_of is not None:
        fits = any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in param.one_of)
        return None if fits else _takes(param)
    kinds, _ = _KINDS.get(param.type, ((), ""))
    if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        return _takes(param)
    if isinstance(value, int | float) and not isinstance(value, bool) and not _within(param, value):
        return _KINDS["number"][1] + _range(param)
    return None


def _within(param: Param, value: float) -> bool:
    return (param.low is None or value >= param.low) and (param.high is None or value <= param.high)


def _range(param: Param) -> str:
    told = span(param.low, param.high)
    return f" {told} {param.unit}" if told and param.unit else f" {told}" if told else ""


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

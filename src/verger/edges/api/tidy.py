"""An OpenAPI description without what says nothing, and with names that read well."""

import re
from typing import Any

_SAYS_NOTHING = {"deprecated": False, "allowEmptyValue": False, "allowReserved": False, "headers": {}}
_GENERIC = re.compile(r"\b(\w+?)_(?:\w+\.)*(\w+)_(?=\"|$)")
_NULL = {"type": "null"}


def tidied(node: Any, *, is_parameter: bool = False) -> Any:
    """Return a description tidied: no idle flags, no choices of one, no null where nobody can send it."""
    if isinstance(node, list):
        return [tidied(each, is_parameter=is_parameter) for each in node]
    if isinstance(node, float) and node.is_integer():
        return int(node)
    if not isinstance(node, dict):
        return node
    kept = {
        name: tidied(value, is_parameter=is_parameter or name == "parameters")
        for name, value in node.items()
        if name not in _SAYS_NOTHING or value != _SAYS_NOTHING[name]
    }
    choices = [each for each in kept.get("oneOf", ()) if not (is_parameter and each == _NULL)]
    if len(choices) == 1:
        del kept["oneOf"]
        return choices[0] | kept
    return kept


def renamed(description: str) -> str:
    """Return a description, as JSON, in which `Page[Thing]` goes by the name of `ThingPage`."""
    return _GENERIC.sub(r"\2\1", description)

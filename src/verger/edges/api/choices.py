"""What a part of a body may be, by its type: the choices that it has, and the fields."""

import re

from msgspec import inspect

Step = str | int | None
"""One step into a value: a field, a place in a list, or None for a name in an object that nobody told."""

_STEP = re.compile(r"\[\.\.\.\]|\[(?P<place>\d+)\]|\.(?P<name>[^.\[]+)")


def steps(path: str) -> list[Step]:
    """Return the way that a validating library tells, such as `.all[0].is`, as its steps."""
    return [int(found["place"]) if found["place"] else found["name"] for found in _STEP.finditer(path)]


def within(kind: inspect.Type, way: list[Step]) -> list[inspect.Type]:
    """Return what may stand at the end of a way into a type."""
    kinds = _each(kind)
    for step in way:
        kinds = [deeper for each in kinds for deeper in _deeper(each, step)]
    return kinds


def choices(kinds: list[inspect.Type]) -> list[str]:
    """Return what may be chosen, also in lists; nothing where a value is no choice."""
    found: list[str] = []
    for kind in kinds:
        match kind:
            case inspect.LiteralType(values=values):
                found += [str(value) for value in values]
            case inspect.EnumType(cls=cls):
                found += [str(member.value) for member in cls]
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                found += choices(_each(item))
    return found


def fields(kinds: list[inspect.Type]) -> list[str]:
    """Return the names of the fields that there are."""
    return [field.encode_name for kind in kinds if isinstance(kind, inspect.StructType) for field in kind.fields]


def one_of(words: list[str]) -> str:
    """Return that something has to be one of some words, as a sentence."""
    return f"This is one of {', '.join(words)}."


def _each(kind: inspect.Type) -> list[inspect.Type]:
    """Return the types that are meant by one, without what is only said about it."""
    match kind:
        case inspect.Metadata(type=inner):
            return _each(inner)
        case inspect.UnionType(types=types):
            return [inner for each in types for inner in _each(each)]
    return [kind]


def _deeper(kind: inspect.Type, step: Step) -> list[inspect.Type]:
    match kind:
        case inspect.StructType(fields=named):
            return [inner for field in named if field.encode_name == step for inner in _each(field.type)]
        case inspect.DictType(value_type=value) if not isinstance(step, int):
            return _each(value)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _each(item)
        case inspect.TupleType(item_types=items) if isinstance(step, int) and step < len(items):
            return _each(items[step])
    return []

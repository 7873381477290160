"""A small language for derived metrics: numbers, metrics, arithmetic and a few functions, and nothing else.

`temperature` is a metric of the device itself, `metric("soil-1")` one whose key is no name, `of("device", "power")` one
of another device. `sum`, `mean`, `min`, `max` and `count` of one metric are over all devices below the place.
`attribute("threshold", 15000)` is a number that people set for the device itself: desired, else reported, else that.
"""

import ast
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from verger.base.plural import counted

LONGEST = 500
_MOST_PARTS = 60
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.USub: "neg",
    ast.UAdd: "pos",
}
OVER_PLACE = ("sum", "mean", "min", "max", "count")
_COUNTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(OVER_PLACE, (1, 20)),
    "abs": (1, 1),
    "sqrt": (1, 1),
    "round": (1, 2),
    "difference": (1, 2),
    "rate": (1, 2),
    "integral": (1, 3),
    "increase": (1, 1),
    "vpd": (2, 2),
    "dew_point": (2, 2),
}
RUNNING = ("difference", "rate", "integral", "increase")
"""Functions that go on from what they were told before."""


class Number(Struct, frozen=True):
    """A number as it is written."""

    value: float


class Metric(Struct, frozen=True):
    """The last reading of a metric: of the device itself, of a named one, or of each below the place."""

    key: str
    device: str | None = None
    whose: Literal["own", "named", "each"] = "own"


class Attribute(Struct, frozen=True):
    """A number that is set for the device itself by an attribute; `usual` where none is."""

    name: str
    usual: float


class Call(Struct, frozen=True):
    """A function or an operator of some parts; `number` is its own among those that go on from before, else -1."""

    name: str
    parts: tuple["Part", ...]
    number: int = -1


Part = Number | Metric | Attribute | Call


def parse(text: str) -> Part:
    """Return what an expression says; raise ValueError with a sentence that says what is wrong."""
    if not text.strip() or len(text) > LONGEST:
        raise ValueError(f"Write an expression of 1 to {LONGEST} characters, such as mean(temperature).")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError("This cannot be read: write such as vpd(temperature, humidity) or (a + b) / 2.") from None
    if sum(1 for _ in ast.walk(tree)) > _MOST_PARTS * 3:
        raise ValueError("This is too long: make two derived metrics of it.")
    return _Reader().read(tree.body)


def metrics(part: Part) -> Iterator[Metric]:
    """Give every metric that an expression names."""
    if isinstance(part, Metric):
        yield part
    elif isinstance(part, Call):
        for each in part.parts:
            yield from metrics(each)


def attributes(part: Part) -> Iterator[Attribute]:
    """Give every attribute that an expression names."""
    if isinstance(part, Attribute):
        yield part
    elif isinstance(part, Call):
        for each in part.parts:
            yield from attributes(each)


class _Reader:
    """Reads a tree of Python's own grammar, and takes of it only what this language has."""

    def __init__(self) -> None:
        self._running = 0

    def read(self, node: ast.AST) -> Part:
        """Return a part of an expression."""
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Number(_number(value))
            case ast.Name(id=key):
                return Metric(key)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return Call(_OPERATORS[type(op)], (self.read(left), self.read(right)))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
                return Call(_OPERATORS[type(op)], (self.read(operand),))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, args)
        raise ValueError(f"There is no place here for {ast.unparse(node)}.")

    def _call(self, name: str, args: list[ast.expr]) -> Part:
        if name in ("metric", "of"):
            return _named(name, args)
        if name == "attribute":
            return _attribute(args)
        if name not in _COUNTS:
            raise ValueError(f"There is no function {name}; there are {', '.join(_COUNTS)}, metric, of and attribute.")
        least, most = _COUNTS[name]
        if not least <= len(args) <= most:
            wanted = counted(most, "part") if least == most else f"{least} to {most} parts"
            raise ValueError(f"{name} takes {wanted}, not {len(args)}.")
        parts = tuple(self.read(arg) for arg in args)
        if name in ("rate", "integral") and not all(isinstance(part, Number) and part.value > 0 for part in parts[1:]):
            raise ValueError(f"After what it is of, {name} takes seconds, as numbers above 0.")
        only = parts[0]
        if name in OVER_PLACE and len(parts) == 1 and isinstance(only, Metric) and only.whose == "own":
            return Call(name, (Metric(only.key, whose="each"),))
        if name not in RUNNING or (name == "difference" and len(parts) == 2):
            return Call(name, parts)
        self._running += 1
        return Call(name, parts, self._running - 1)


def _named(name: str, args: list[ast.expr]) -> Metric:
    texts = [arg.value for arg in args if isinstance(arg, ast.Constant) and isinstance(arg.value, str) and arg.value]
    if len(texts) != len(args) or len(texts) != (1 if name == "metric" else 2):
        wanted = 'metric("soil-1")' if name == "metric" else 'of("<id of a device>", "power")'
        raise ValueError(f"Write {wanted}.")
    return Metric(texts[0]) if name == "metric" else Metric(texts[1], texts[0], "named")


def _attribute(args: list[ast.expr]) -> Attribute:
    match args:
        case [ast.Constant(value=str(name)), ast.Constant(value=int(usual) | float(usual))]:
            if name.strip() and not isinstance(usual, bool):
                return Attribute(name, _number(usual))
    raise ValueError('Write attribute("threshold", 15000): its name, and the number where none is set.')


def _number(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        raise ValueError("This number is too large.")
    return number

"""Shapes: telemetry of one device nearly always says the same metrics, and knowing them halves what reading it costs.

A message of a known shape is decoded into fields instead of a dictionary: no names are made, compared or looked at
again. What has any other names, or values that are no numbers, is not of the shape, and is read as all else is.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any
from weakref import WeakValueDictionary

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from verger.domain.telemetry.model import Run
from verger.edges.wire.dialects.values import LARGEST

MOST_SHAPES = 1_000
"""At once, of all who are connected; each takes some kilobytes. Who comes with one more is read without."""
MOST_METRICS = 64

Number = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
NOT_SO = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Shape:
    """Messages {k: v} that say these metrics, each once, and nothing else."""

    __slots__ = ("__weakref__", "_many", "_one", "metrics")

    def __init__(self, metrics: tuple[str, ...]) -> None:
        """Read messages with some metrics; raise ValueError where their names stand in no shape."""
        fields = [f"m{place}" for place in range(len(metrics))]
        kind: Any = msgspec.defstruct(
            "Said",
            [(field, Number) for field in fields],
            rename=dict(zip(fields, metrics, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        self.metrics = metrics
        self._one = msgspec.json.Decoder(kind).decode
        self._many = msgspec.json.Decoder(list[kind]).decode

    def read(self, device: str, bodies: Sequence[bytes]) -> Run | None:
        """Read messages that all have this shape; None where one has not."""
        try:
            if len(bodies) == 1:
                return Run(device, self.metrics, astuple(self._one(bodies[0])))
            joined = together(bodies)
            said = self._many(joined) if joined else ()
        except NOT_SO:
            return None
        if len(said) != len(bodies):
            return None
        return Run(device, self.metrics, [*chain.from_iterable(map(astuple, said))])


_known: WeakValueDictionary[tuple[str, ...], Shape] = WeakValueDictionary()


def shape_of(metrics: tuple[str, ...]) -> Shape | None:
    """Return the shape of some metrics, the same one for all who say them; None where there is none for them."""
    shape = _known.get(metrics)
    if shape is None and len(_known) < MOST_SHAPES and len(metrics) <= MOST_METRICS:
        try:
            shape = _known[metrics] = Shape(metrics)
        except ValueError:
            return None
    return shape


def together(bodies: Sequence[bytes]) -> bytes:
    """Return several bodies as one list; nothing if they might be cut in other places than between them.

    Where each body opens one brace at its beginning and none after it, there can only be as many objects as bodies if
    each object is one body.
    """
    joined = b",".join(bodies)
    if joined.count(b"{") != len(bodies) or {body[:1] for body in bodies} != {b"{"}:
        return b""
    return b"[" + joined + b"]"

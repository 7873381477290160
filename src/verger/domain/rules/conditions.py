"""Conditions as people write them, to the letter of the public contract."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

DAY_S = 86_400
LONGEST_S = 366 * DAY_S
MOST_CONDITIONS = 50
DEEPEST = 8

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[float, Meta(ge=0, le=LONGEST_S)]
Is = Literal["below", "above", "equal", "inside", "outside", "rises_by", "falls_by"]
Stage = Literal["queued", "sent", "acknowledged", "succeeded", "failed", "expired", "cancelled"]

WORDS = ("metric", "event", "silent_for_s", "schedule", "sun", "between", "command", "attribute", "all", "any", "not_")
"""The fields of which a condition has exactly one: they say of which kind it is."""


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One condition, or several nested: exactly one of the fields in `WORDS` is given, and what belongs to it.

    Times are seconds. Without `device` it speaks of each device below the rule's place by itself. An attribute `of` the
    place is the one of the nearest place that the device lies in and that has it.
    """

    device: Text | None = None
    metric: Text | None = None
    is_: Is | None = field(default=None, name="is")
    value: float | None = None
    clear: float | None = None
    tolerance: float | None = None
    low: float | None = None
    high: float | None = None
    clear_by: float | None = None
    within_s: Seconds | None = None
    for_s: Seconds | None = None
    event: Text | None = None
    silent_for_s: Seconds | None = None
    schedule: Text | None = None
    catch_up: Literal["skip", "once"] | None = None
    sun: Literal["sunrise", "sunset"] | None = None
    offset_s: Annotated[float, Meta(ge=-DAY_S / 2, le=DAY_S / 2)] | None = None
    between: tuple[str, str] | None = None
    command: Text | None = None
    stage: Stage | None = None
    attribute: Text | None = None
    equals: Any | UnsetType = UNSET
    of: Literal["place"] | None = None
    all: tuple["Condition", ...] | None = None
    any: tuple["Condition", ...] | None = None
    not_: "Condition | None" = field(default=None, name="not")

    @property
    def word(self) -> str:
        """Return which kind of condition it is, as the field of `WORDS` that it has first."""
        return next((word for word in WORDS if getattr(self, word) is not None), "")

    @property
    def children(self) -> tuple["Condition", ...]:
        """Return the conditions nested in it."""
        return self.all or self.any or ((self.not_,) if self.not_ is not None else ())

    @property
    def of_device(self) -> bool:
        """Tell whether it speaks of a device, named or not."""
        if self.metric is not None or self.event is not None:  # the most by far, and asked at each reading
            return True
        return self.word in ("silent_for_s", "command", "attribute")

    @property
    def momentary(self) -> bool:
        """Tell whether it is true at a moment only, such as an event; all others hold until they end."""
        return self.metric is None and self.word in ("event", "schedule", "sun", "command")


def within(path: str, condition: Condition) -> Iterator[tuple[str, Condition]]:
    """Give each condition in one that nests no others, and where it stands."""
    if not condition.children:
        yield path, condition
    for word in ("all", "any"):
        for at, child in enumerate(getattr(condition, word) or ()):
            yield from within(f"{path}.{word}[{at}]", child)
    if condition.not_ is not None:
        yield from within(f"{path}.not", condition.not_)

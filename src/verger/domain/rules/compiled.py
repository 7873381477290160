"""A rule made ready to be judged: its conditions in a row, how they hang together, and what it has to hear."""

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from msgspec import Struct

from verger.base.clock import SECOND
from verger.base.errors import Fault, Invalid
from verger.domain.rules.conditions import Condition
from verger.domain.rules.model import Rule, leaves

Node = int | tuple[str, tuple["Node", ...]]
"""A condition by where it stands in the row, or `all`, `any` or `not` of several."""
Wanted = frozenset[tuple[str | None, str]]
"""Names of one kind, each of a device or, None, of each device below the place."""


class Ground(Struct, frozen=True):
    """Where on earth a rule's place is: an IANA time zone, and degrees if they are known."""

    timezone: str = "UTC"
    latitude: float | None = None
    longitude: float | None = None


class Hears(Struct, frozen=True, kw_only=True):
    """Which facts a rule has to be told; None stands for each device below its place.

    `silences` are how many seconds of silence it waits for, `turns` the devices whose limit of silence matters to it.
    A kind of event stands for its children too. `places` are attributes of the place that a device lies in.
    """

    metrics: Wanted
    events: Wanted
    attributes: Wanted
    places: Wanted
    commands: Wanted
    silences: frozenset[tuple[str | None, float]]
    turns: frozenset[str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A rule and its ground; `whens` of the `leaves` belong to `when`, the others to `only_if`.

    Those that are `denied` should not hold; `rises` tells whether one is a rise or fall. With `of_each` it is judged
    for each device below its place by itself, else once, of no device.
    """

    rule: Rule
    ground: Ground
    zone: ZoneInfo
    leaves: tuple[Condition, ...]
    when: Node
    only_if: Node | None
    whens: int
    denied: frozenset[int]
    of_each: bool
    rises: bool
    hears: Hears

    @property
    def late(self) -> int:
        """Return how old a reading may be when it comes, in microseconds."""
        return round(self.rule.late_s * SECOND)

    @property
    def rest(self) -> int:
        """Return how long it rests after it fired, in microseconds."""
        return round(self.rule.rest_s * SECOND)


def compiled(rule: Rule, ground: Ground) -> Compiled:
    """Return a rule ready to be judged; raise Invalid when it needs to know more of its place."""
    found = list(leaves(rule))
    if ground.latitude is None or ground.longitude is None:
        sentence = "Give the place its latitude and longitude first: sunrise and sunset depend on them."
        if faults := [Fault(f"{path}.sun", sentence) for path, each in found if each.sun is not None]:
            raise Invalid(sentence, faults)
    row = tuple(each for _, each in found)
    numbers = iter(range(len(row)))
    when = _node(rule.when, numbers)
    whens = next(numbers, len(row))
    only_if = None if rule.only_if is None else _node(rule.only_if, iter(range(whens, len(row))))
    denied = frozenset(at for at, (path, _) in enumerate(found) if path.count(".not") % 2)
    of_each = any(each.of_device and each.device is None for each in row)
    rises = any(each.within_s is not None for each in row)
    zone = ZoneInfo(ground.timezone)
    return Compiled(rule, ground, zone, row, when, only_if, whens, denied, of_each, rises, _hears(rule, row))


def _node(condition: Condition, numbers: Iterator[int]) -> Node:
    if not condition.children:
        return next(numbers)
    return condition.word.rstrip("_"), tuple(_node(child, numbers) for child in condition.children)


def _hears(rule: Rule, row: tuple[Condition, ...]) -> Hears:
    def named(word: str, of: str | None = None) -> Wanted:
        mine = (each for each in row if getattr(each, word) is not None and each.of == of)
        return frozenset((each.device, getattr(each, word)) for each in mine)

    spoken_of = frozenset(each.device for each in row if each.of_device and each.silent_for_s is None)
    return Hears(
        metrics=named("metric"),
        events=named("event"),
        attributes=named("attribute"),
        places=named("attribute", "place"),
        commands=named("command"),
        silences=frozenset((each.device, each.silent_for_s) for each in row if each.silent_for_s is not None),
        turns=frozenset() if rule.silently == "go_on" else spoken_of,
    )

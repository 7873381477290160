"""What a rule remembers of one device or of none between two facts, and what it decides."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from verger.domain.rules.actions import Action
from verger.domain.rules.conditions import Condition


class Leaf(Struct, frozen=True, array_like=True, kw_only=True):
    """What is known of one condition; times are microseconds.

    `holds` is None until enough was heard, `since` the time of what made it so, `at` of what was judged last. `ripe`
    tells that it has held for as long as it has to, `stale` that its device went silent after it was judged. `due` is
    when it changes by itself: a schedule, a border of the day. `window` are the readings (time, value) that a rise or
    fall is measured from; `keys` events seen lately (key, time).
    """

    holds: bool | None = None
    since: int = 0
    at: int = 0
    value: float | None = None
    ripe: bool = False
    stale: bool = False
    due: int | None = None
    window: tuple[tuple[int, float], ...] = ()
    keys: tuple[tuple[str, int], ...] = ()


class Memory(Struct, frozen=True, array_like=True, kw_only=True):
    """All that a rule remembers of a device, or of none: it may be written down and read again between any two facts.

    `leaves` stand as in `Compiled.leaves`; `heard` is the latest time of receipt. `held`: the condition holds and has
    not ended; `wanted`: it should fire for that as soon as it may; `alerted`: its alert ends when the condition does.
    It rests until `rest_at`; its alert ends at `clear_at` unless it recurs; at `look_at` it looks again at what a
    device said before it was silent. `wake_at` is when it wants to be told the time, None for never.
    """

    device: str | None = None
    leaves: tuple[Leaf, ...] = ()
    heard: int = 0
    held: bool = False
    wanted: bool = False
    alerted: bool = False
    rest_at: int | None = None
    clear_at: int | None = None
    look_at: int | None = None
    wake_at: int | None = None


class Because(Struct, frozen=True, kw_only=True):
    """One condition that held when a rule decided: as a sentence, of which device, by which reading."""

    says: str
    device: str | None = None
    metric: str | None = None
    value: float | None = None
    at: datetime


class Decision(Struct, frozen=True, kw_only=True):
    """What a rule asks for, of a `device` or of none, at a time.

    `fire` is a run: all of `then` is to be done. `again` tells that an alert's condition was seen once more: `then`
    holds only alerts, which it `opens` where the rule itself had ended them. `clear` ends the open alert of (rule,
    device) and holds nothing. `then` is rendered: messages have their values, commands their device; `{device}`,
    `{metric}` and other names are left to who knows them.
    `reasons` are the conditions of `because`, and whether each was to hold; `about` is the (metric, device) that has
    the value.
    """

    kind: Literal["fire", "again", "clear"]
    rule: str
    device: str | None
    at: int
    opens: bool = False
    value: float | None = None
    because: tuple[Because, ...] = ()
    reasons: tuple[tuple[Condition, bool], ...] = ()
    about: tuple[str, str | None] | None = None
    then: tuple[Action, ...] = ()

"""A rule: when, only if, then; at a place and below it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from verger.base.errors import Invalid
from verger.domain.rules.actions import Action, ToAlert
from verger.domain.rules.checks import faults
from verger.domain.rules.conditions import Condition, within

WhenSilent = Literal["go_on", "wait", "reset"]


class Leeway(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a member may move a threshold."""

    low: float | None = None
    high: float | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """What should follow, at a place and below it. Times are seconds. It leaves the devices alone that `not_for` names.

    `limits` are set by a manager: the thresholds that members may change, by where they stand in the document, such as
    `when.all[0].value`, and how far.
    """

    id: str
    name: str
    place: str
    enabled: bool = True
    when: Condition
    only_if: Condition | None = None
    then: tuple[Action, ...]
    rest_s: float = 0
    when_silent: WhenSilent | None = None
    late_s: float = 600
    most_per_hour: int = 20
    limits: dict[str, Leeway] = {}
    not_for: tuple[str, ...] = ()
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be."""
        self.check()

    def check(self) -> None:
        """Raise Invalid, with a fault for each field, for a rule that cannot be."""
        if found := faults(self.when, self.only_if, self.then):
            raise Invalid(" ".join(fault.message for fault in found), found)

    @property
    def acts(self) -> bool:
        """Tell whether it moves something in the world: then a silent device makes it wait, unless told otherwise."""
        return any(action.command or action.set for action in self.then)

    @property
    def alerts(self) -> list[ToAlert]:
        """Return the alerts that it opens."""
        return [action.alert for action in self.then if action.alert is not None]

    @property
    def momentary(self) -> bool:
        """Tell whether it waits for moments, such as an event, so that nothing says when what it saw is over."""
        return any(condition.momentary for _, condition in within("when", self.when))

    @property
    def silently(self) -> WhenSilent:
        """Return what a device past its limit of silence does to it."""
        return self.when_silent or ("wait" if self.acts else "go_on")

    @property
    def devices(self) -> set[str]:
        """Return every device that it names; all of them must lie below its place."""
        named = {each.device for _, each in leaves(self)}
        for action in self.then:
            for word in (action.command, action.set):
                named.add(word.device if word else None)
        return {device for device in named if device is not None}


def leaves(rule: Rule) -> Iterator[tuple[str, Condition]]:
    """Give each condition that nests no others, and where it stands: those of `when` first, then of `only_if`."""
    yield from within("when", rule.when)
    if rule.only_if is not None:
        yield from within("only_if", rule.only_if)

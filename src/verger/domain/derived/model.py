"""A derived metric: what is reckoned, from what, and where it is kept."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from verger.base.errors import Fault, Invalid
from verger.domain.derived.expression import metrics, parse

_KEY_LONGEST = 200
_FRESH_MOST_S = 30 * 86_400


class Derived(Struct, frozen=True, kw_only=True):
    """A metric that is reckoned by an `expression`, at a place and below it, and kept as `metric` of a device.

    Without `device` it is reckoned for each device below the place that measures what it names, and kept as its own.
    What was measured more than `fresh_s` before counts as not known.
    """

    id: str
    place: str
    metric: str
    name: str = ""
    unit: str = ""
    expression: str
    device: str | None = None
    fresh_s: float = 3600
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse one that cannot be; raise Invalid with a fault for each field."""
        if faults := tuple(_faults(self)):
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    @property
    def named(self) -> dict[str, str]:
        """Return what its series is called (`name`) and measured in (`unit`), as far as that is said."""
        return {field: value for field, value in (("name", self.name), ("unit", self.unit)) if value}


def _faults(derived: Derived) -> Iterator[Fault]:
    if not 1 <= len(derived.metric.strip()) <= _KEY_LONGEST:
        yield Fault("metric", f"Give the metric a key of 1 to {_KEY_LONGEST} characters, such as vpd.")
    if not 0 < derived.fresh_s <= _FRESH_MOST_S:
        yield Fault("fresh_s", f"Say after how many seconds a value is too old, up to {_FRESH_MOST_S:,}.")
    try:
        named = list(metrics(parse(derived.expression)))
    except ValueError as wrong:
        yield Fault("expression", str(wrong))
        return
    if not named:
        yield Fault("expression", "Name at least one metric: a number alone never changes.")
    elif derived.device is None and all(each.whose != "own" for each in named):
        yield Fault("device", "Name the device that shows it: it is reckoned from many, so it is no single one's.")
    if any(each.key == derived.metric and each.whose != "named" for each in named):
        yield Fault("expression", f"{derived.metric} cannot be reckoned from itself.")

"""How much may flow through a meter, and what is cut off when it is more; and what is remembered of that."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid

MOST_LOADS = 200
_Text = Annotated[str, Meta(min_length=1, max_length=200)]
_Limit = Annotated[float, Meta(gt=0, le=1e9)]
_Seconds = Annotated[float, Meta(ge=0, le=3600)]


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is cut off by a command to a device; one whose `metric` is 0 draws nothing, and is passed over."""

    device: _Text
    method: _Text
    params: dict[str, Any] = {}
    metric: _Text | None = None

    @property
    def key(self) -> str:
        """Return what no other load of a plan has."""
        return msgspec.json.encode([self.device, self.method, self.params], order="deterministic").decode()


class Guarded(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device that is never cut off, or what of it is, by the parameters that name it, such as a socket."""

    device: _Text
    params: dict[str, Any] = {}

    def covers(self, load: Load) -> bool:
        """Tell whether a load is guarded."""
        same = all(load.params.get(name) == value for name, value in self.params.items())
        return self.device == load.device and same


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a metric of a meter is too much, and what is cut off then, one after the other.

    Once it has been above the limit for `over_s`, and this is `enabled`, the first of the `order` that draws something
    is cut off; while it stays above, the next one `rest_s` after that. What is `protected` never is.
    """

    metric: _Text
    limit: _Limit
    enabled: bool = False
    order: tuple[Load, ...] = ()
    protected: tuple[Guarded, ...] = ()
    over_s: _Seconds = 0
    rest_s: Annotated[float, Meta(ge=4, le=3600)] = 10

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be; raise Invalid with a fault for each field."""
        if faults := tuple(_faults(self)):
            raise Invalid(" ".join(dict.fromkeys(fault.message for fault in faults)), faults)

    def protects(self, load: Load) -> bool:
        """Tell whether a load is never to be cut off."""
        return any(each.covers(load) for each in self.protected)


class Memory(Struct, frozen=True, array_like=True):
    """What is remembered of a meter, by the times of its readings: since when it is above, what was cut off and when.

    `at` is the newest reading that was judged.
    """

    at: int = 0
    over_since: int | None = None
    cut_at: int | None = None
    cut: tuple[str, ...] = ()

    @property
    def worth_keeping(self) -> tuple[object, ...]:
        """Return what has to be on disk when it changes."""
        return self.over_since, self.cut_at, self.cut


def _faults(plan: Plan) -> Iterator[Fault]:
    if len(plan.order) > MOST_LOADS or len(plan.protected) > MOST_LOADS:
        yield Fault("order", f"A plan names at most {MOST_LOADS} loads.")
    keys = [load.key for load in plan.order]
    for at, load in enumerate(plan.order):
        if plan.protects(load):
            yield Fault(f"order[{at}]", "This is protected; take it out of the order, or protect it no longer.")
        if keys.index(load.key) != at:
            yield Fault(f"order[{at}]", "This stands in the order already.")
    if plan.enabled and not plan.order:
        yield Fault("order", "Say what is to be cut off first.")

"""Deciding: a plan, what is remembered and a reading in; what is remembered and what is to be cut off out. Pure."""

from collections.abc import Callable

from msgspec import structs

from verger.base.clock import SECOND
from verger.domain.shedding.model import Load, Memory, Plan


def decide(
    plan: Plan, memory: Memory, at: int, value: float, draws: Callable[[Load], bool]
) -> tuple[Memory, Load | None]:
    """Return what is remembered after a reading, and the one load that is to be cut off now, if any.

    What comes again, or late, changes nothing. Each load is tried once before any comes again.
    """
    if at <= memory.at:
        return memory, None
    if value <= plan.limit:
        return Memory(at=at, cut_at=memory.cut_at), None
    since = at if memory.over_since is None else memory.over_since
    after = structs.replace(memory, at=at, over_since=since)
    rests = memory.cut_at is not None and at - memory.cut_at < plan.rest_s * SECOND
    if not plan.enabled or rests or at - since < plan.over_s * SECOND:
        return after, None
    left = [load for load in plan.order if not plan.protects(load) and draws(load)]
    fresh = [load for load in left if load.key not in memory.cut]
    if not left:
        return after, None
    chosen, tried = (fresh[0], memory.cut) if fresh else (left[0], ())
    return structs.replace(after, cut_at=at, cut=(*tried, chosen.key)), chosen

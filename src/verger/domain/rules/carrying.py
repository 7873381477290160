"""What a rule still knows once somebody changed it."""

from msgspec import structs

from verger.domain.rules.compiled import Compiled
from verger.domain.rules.judge import begin
from verger.domain.rules.memory import Memory
from verger.domain.rules.timers import next_wake


def carried(before: Compiled, after: Compiled, memory: Memory, now: int) -> Memory:
    """Return a memory for a rule that was changed: it keeps resting and what is known of conditions that stayed.

    An alert that it opened ends with its new condition. Its condition counts as held only where nothing of it changed.
    """
    anew = begin(after, memory.device, now)
    same_ground = before.ground == after.ground
    known = list(zip(before.leaves, memory.leaves, strict=True)) if same_ground else []
    leaves = tuple(
        next((leaf for condition, leaf in known if condition == each), fresh)
        for each, fresh in zip(after.leaves, anew.leaves, strict=True)
    )
    stayed = same_ground and before.rule.when == after.rule.when
    result = structs.replace(
        memory,
        device=anew.device,
        leaves=leaves,
        held=memory.held and stayed,
        wanted=memory.wanted and stayed,
        alerted=memory.alerted and bool(after.rule.alerts),
    )
    return structs.replace(result, wake_at=next_wake(after, result))

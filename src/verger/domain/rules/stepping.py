"""What a rule remembers once the clock was put back: what lasts goes on, and moments are those that the clock shows."""

from msgspec import structs

from verger.base.clock import MINUTE
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.memory import Leaf, Memory
from verger.domain.rules.timers import retimed

FARTHEST_BACK = 10 * MINUTE
"""How far a clock may go back before timers follow it; until then they wait."""


def stepped(rule: Compiled, memory: Memory, back: int, now: int) -> Memory:
    """Return a memory after the clock went back by some microseconds to now.

    What has to last, rests and ends is as far off as it was. Schedules, the sun and parts of the day are looked up
    anew: one that came by the wrong clock comes again at its right time. All that was judged is from before now, so
    that what is heard from now on is judged.
    """
    leaves = tuple(_stepped(leaf, back, now) for leaf in memory.leaves)
    ends = {name: None if (at := getattr(memory, name)) is None else at - back for name in _ENDS}
    return retimed(rule, structs.replace(memory, leaves=leaves, heard=min(memory.heard, now), **ends), now)


_ENDS = ("rest_at", "clear_at", "look_at")


def _stepped(leaf: Leaf, back: int, now: int) -> Leaf:
    ahead = max(0, leaf.at - now + 1)  # of a rise: what it was measured from moves with what was judged last
    return structs.replace(
        leaf,
        since=max(0, leaf.since - back),
        at=leaf.at - ahead,
        due=None if leaf.due is None else leaf.due - (ahead if leaf.window else back),
        window=tuple((at - ahead, value) for at, value in leaf.window),
        keys=tuple((key, min(at, now)) for key, at in leaf.keys),
    )
